package io.github.flashspring.engine.generate.grammar;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.text.CallSyntax;

/**
 * Turns a text of a {@link CallSyntax} into an expression: markers, places, optional
 * white space and what stands as it is.
 */
final class CallTemplate {

	private static final Pattern PLACE = Pattern.compile("\\n?VALUE\\n?|NAME|ARGUMENTS|INDEX|ISSTRING|TYPE|ID|\\s+");

	private CallTemplate() {
	}

	/**
	 * The expression of a text.
	 * @param text the text
	 * @param written the syntax that it belongs to
	 * @param places what stands at its places
	 * @return the expression
	 */
	static Expr text(String text, CallSyntax written, Places places) {
		String markers = written.markers()
			.stream()
			.map((marker) -> Pattern.quote(marker) + "|")
			.collect(Collectors.joining());
		Matcher matcher = Pattern.compile(markers + PLACE.pattern()).matcher(text);
		List<Expr> parts = new ArrayList<>();
		int from = 0;
		while (matcher.find()) {
			parts.add(Expr.literal(text.substring(from, matcher.start())));
			String part = matcher.group();
			Expr place = written.markers().contains(part) ? Markers.marker(part)
					: places.at(part.strip(), text.startsWith("\"", matcher.end()));
			if (place == null) {
				place = (part.isBlank() && mayVary(text, matcher.start(), matcher.end(), written))
						? Expr.literals(List.of("", " ", "\n", part)) : Expr.literal(part);
			}
			else if (part.endsWith("\n")) {
				// the value of a parameter, on lines of its own
				place = Expr.seq(Expr.literal("\n"), place, Expr.literal("\n"));
			}
			parts.add(place);
			from = matcher.end();
		}
		parts.add(Expr.literal(text.substring(from)));
		return new Expr.Seq(parts);
	}

	/**
	 * Whether white space may be left out, or be other white space: models write more or
	 * less of it than their templates. Behind words and attributes it parts them from
	 * what follows.
	 */
	private static boolean mayVary(String text, int begin, int end, CallSyntax written) {
		String before = text.substring(0, begin);
		if (before.endsWith("NAME")) {
			return text.startsWith("<", end) || text.startsWith("ARGUMENTS", end) && !written.parameter().isEmpty();
		}
		return before.isEmpty() || before.endsWith("ARGUMENTS")
				|| before.charAt(begin - 1) != '"' && !Character.isLetterOrDigit(before.charAt(begin - 1));
	}

	/** What stands at places of a text. */
	interface Places {

		/**
		 * The expression of a place.
		 * @param name what stands for it in the text
		 * @param quoted whether a quotation mark follows
		 * @return the expression, null: the name is no place
		 */
		@Nullable Expr at(String name, boolean quoted);

	}

}
