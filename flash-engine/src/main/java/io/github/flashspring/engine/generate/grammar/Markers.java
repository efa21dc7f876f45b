package io.github.flashspring.engine.generate.grammar;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Writes the markers of a model.
 */
final class Markers {

	/** What is a token in the midst of a text. */
	private static final Pattern TOKEN = Pattern.compile("<\\|[^|<>\\s]+\\|?>");

	private Markers() {
	}

	/**
	 * A marker is a special token in some models, a text in others, and may be a text
	 * with special tokens in it.
	 */
	static Expr marker(String text) {
		List<Expr> parts = new ArrayList<>();
		Matcher token = TOKEN.matcher(text);
		int from = 0;
		while (token.find()) {
			parts.add(Expr.literal(text.substring(from, token.start())));
			parts.add(Expr.alt(Expr.literal(token.group()), Expr.specialToken(token.group())));
			from = token.end();
		}
		if (parts.size() == 2 && token.regionEnd() == from && text.startsWith("<|")) {
			return parts.getLast();
		}
		parts.add(Expr.literal(text.substring(from)));
		return Expr.alt(new Expr.Seq(parts), Expr.specialToken(text));
	}

}
