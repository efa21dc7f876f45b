package io.github.flashspring.engine.generate.grammar;

import java.util.List;

import org.jspecify.annotations.Nullable;

/**
 * How values are written.
 *
 * @param style JSON, or something like it
 * @param without texts that strings and keys must not contain, null: they may contain
 * anything
 * @param quote stands around strings
 */
record Notation(Style style, @Nullable Regex without, Expr quote) {

	static final Notation JSON = new Notation(Style.JSON, null, Expr.literal("\""));

	static final Notation PYTHON = new Notation(Style.PYTHON, null, Expr.literal("\""));

	/**
	 * JSON within tags, which strings must not contain.
	 * @param tags texts that have no meaning in JSON
	 * @return the notation
	 */
	static Notation jsonWithin(List<String> tags) {
		return within(Style.JSON, tags);
	}

	/**
	 * JSON or Python within tags, for formats whose templates write what the language of
	 * templates makes of a value.
	 * @param tags texts that strings must not contain
	 * @return the notation
	 */
	static Notation pythonWithin(List<String> tags) {
		return within(Style.PYTHON, tags);
	}

	private static Notation within(Style style, List<String> tags) {
		// a quotation mark in a tag ends the string before
		return new Notation(style, any(tags.stream().map((tag) -> tag.split("\"", 2)[0]).toList()), Expr.literal("\""));
	}

	/**
	 * JSON whose keys have no quotes, with a tag around strings.
	 * @param tag the tag
	 * @param quote its expression
	 * @return the notation
	 */
	static Notation quoted(String tag, Expr quote) {
		return new Notation(Style.QUOTED, any(List.of(tag)), quote);
	}

	static Regex any(List<String> texts) {
		return new Regex.Alt(texts.stream().map(Regex::literal).toList());
	}

	/** Styles of values. */
	enum Style {

		/** As RFC 8259 has it. */
		JSON,
		/** With the words and quotes of Python as well. */
		PYTHON,
		/** With keys without quotes, and strings as they are between tags. */
		QUOTED

	}

}
