package io.github.flashspring.engine.generate.grammar;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

import org.jspecify.annotations.Nullable;

/**
 * The values of {@code format} that are enforced, as regular expressions. Rare forms are
 * left out: every text that matches is valid, and nearly every valid text matches.
 */
final class Formats {

	private static final String DATE = "(?:\\d{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\\d|3[01])"
			+ "|(?:0[469]|11)-(?:0[1-9]|[12]\\d|30)|02-(?:0[1-9]|1\\d|2[0-8]))"
			+ "|(?:\\d\\d(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)-02-29)";

	/**
	 * Java knows offsets up to 18 hours. The offset -00:00, which RFC 3339 (4.3) has for
	 * an unknown one, is none in ISO 8601, and validators refuse it.
	 */
	private static final String TIME = "(?:[01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(?:\\.\\d{1,9})?"
			+ "(?:Z|\\+(?:0\\d|1[0-7]):[0-5]\\d|-(?:00:(?:0[1-9]|[1-5]\\d)|(?:0[1-9]|1[0-7]):[0-5]\\d))";

	private static final String NUMBER = "\\d{1,9}";

	private static final String DURATION = "P(?:#W|(?:#Y(?:#M(?:#D)?)?|#M(?:#D)?|#D)(?:T(?:#H(?:#M(?:#S)?)?|#M(?:#S)?|#S))?"
			+ "|T(?:#H(?:#M(?:#S)?)?|#M(?:#S)?|#S))";

	private static final String LABEL = "[A-Za-z0-9](?:-?[A-Za-z0-9]){0,14}";

	/** At most 29 characters a label, and eight labels: RFC 1123 allows 63, and 253. */
	private static final String HOSTNAME = LABEL + "(?:\\." + LABEL + "){0,7}";

	private static final String BYTE = "(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";

	/** RFC 5322, 3.2.3. Three of them have at most the 64 characters of RFC 5321. */
	private static final String ATOM = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]{1,20}";

	/**
	 * Validators know that no address ends with another: IANA's, with common generic
	 * ones.
	 */
	private static final String TOP_LEVEL_DOMAIN = """
			com net org edu gov mil int info biz name pro app dev page blog shop online site tech store cloud
			ac ad ae af ag ai al am ao aq ar as at au aw ax az ba bb bd be bf bg bh bi bj bm bn bo br bs bt bw by bz ca cc
			cd cf cg ch ci ck cl cm cn co cr cu cv cw cx cy cz de dj dk dm do dz ec ee eg er es et eu fi fj fk fm fo fr ga
			gd ge gf gg gh gi gl gm gn gp gq gr gs gt gu gw gy hk hm hn hr ht hu id ie il im in io iq ir is it je jm jo jp
			ke kg kh ki km kn kp kr kw ky kz la lb lc li lk lr ls lt lu lv ly ma mc md me mg mh mk ml mm mn mo mp mq mr ms
			mt mu mv mw mx my mz na nc ne nf ng ni nl no np nr nu nz om pa pe pf pg ph pk pl pm pn pr ps pt pw py qa re ro
			rs ru rw sa sb sc sd se sg sh si sk sl sm sn so sr st su sv sx sy sz tc td tf tg th tj tk tl tm tn to tr tt tv
			tw tz ua ug uk us uy uz va vc ve vg vi vn vu wf ws ye yt za zm zw"""
		.strip()
		.replaceAll("\\s+", "|");

	private static final String EMAIL = ATOM + "(?:\\." + ATOM + "){0,2}@(?:" + LABEL + "\\.){1,4}(?:"
			+ TOP_LEVEL_DOMAIN + ")";

	private static final String PATH = "(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})";

	private static final Map<String, String> PATTERNS = patterns();

	/** Formats of numbers: OpenAPI's, which Java's integers come with. */
	static final Set<String> NUMBERS = Set.of("int32", "int64", "float", "double");

	private Formats() {
	}

	private static Map<String, String> patterns() {
		Map<String, String> patterns = new LinkedHashMap<>();
		patterns.put("date", DATE);
		patterns.put("time", TIME);
		patterns.put("date-time", DATE + "T" + TIME);
		patterns.put("duration", DURATION.replace("#", NUMBER));
		patterns.put("email", EMAIL);
		patterns.put("hostname", HOSTNAME);
		patterns.put("ipv4", BYTE + "(?:\\." + BYTE + "){3}");
		patterns.put("ipv6", ipv6());
		patterns.put("uuid", "[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}");
		patterns.put("uri", "[A-Za-z][A-Za-z0-9+.-]*:(?://" + HOSTNAME + "(?::\\d{1,4})?(?:/" + PATH + "*)*|" + PATH
				+ "+(?:/" + PATH + "*)*)(?:\\?(?:" + PATH + "|[/?])*)?(?:#(?:" + PATH + "|[/?])*)?");
		return patterns;
	}

	private static String ipv6() {
		String pattern = "(?:#:){7}#|(?:#:){1,7}:|(?:#:){1,6}:#|(?:#:){1,5}(?::#){1,2}|(?:#:){1,4}(?::#){1,3}"
				+ "|(?:#:){1,3}(?::#){1,4}|(?:#:){1,2}(?::#){1,5}|#:(?::#){1,6}|:(?::#){1,7}|::";
		return "(?:" + pattern.replace("#", "[0-9a-fA-F]{1,4}") + ")";
	}

	/**
	 * What texts of a format look like.
	 * @param format its name
	 * @return an expression for the whole text; null if it is not enforced
	 */
	static @Nullable Regex pattern(String format) {
		String pattern = PATTERNS.get(format);
		return (pattern != null) ? Regex.whole(PatternParser.parse(pattern)) : null;
	}

	static String supported() {
		return String.join(", ", PATTERNS.keySet()) + ", int32, int64, float, double";
	}

}
