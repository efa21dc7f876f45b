package io.github.flashspring.engine.generate.grammar;

import java.util.ArrayList;
import java.util.List;

/**
 * A regular expression over code points.
 */
sealed interface Regex {

	static Regex literal(String text) {
		List<Regex> parts = new ArrayList<>();
		text.codePoints().forEach((c) -> parts.add(new Chars(CodePoints.of(c))));
		return new Seq(parts);
	}

	/** Exactly a text of this expression, and not one that contains such. */
	static Regex whole(Regex regex) {
		return new Seq(List.of(new Start(), regex, new End()));
	}

	/** One character of a set. */
	record Chars(CodePoints set) implements Regex {

	}

	/** One after the other. */
	record Seq(List<Regex> parts) implements Regex {

	}

	/** Any one of them. */
	record Alt(List<Regex> choices) implements Regex {

	}

	/** Repetitions. */
	record Repeat(Regex part, int min, int max) implements Regex {

	}

	/** The beginning of the text. */
	record Start() implements Regex {

	}

	/** The end of the text. */
	record End() implements Regex {

	}

}
