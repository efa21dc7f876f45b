package io.github.flashspring.engine.generate.grammar;

/**
 * Thrown when a JSON Schema has a keyword that cannot be enforced, or that is malformed.
 * Names the place, the keyword and what is supported.
 */
public final class UnsupportedSchemaException extends GrammarException {

	private final String pointer;

	private final String keyword;

	UnsupportedSchemaException(String pointer, String keyword, String problem, String supported) {
		super("The JSON Schema cannot be enforced: '%s' at '%s' %s. %s".formatted(keyword, pointer, problem,
				supported));
		this.pointer = pointer;
		this.keyword = keyword;
	}

	/**
	 * Where the keyword is.
	 * @return a JSON pointer to it, such as {@code /properties/age/not}
	 */
	public String pointer() {
		return this.pointer;
	}

	/**
	 * What cannot be enforced.
	 * @return the keyword
	 */
	public String keyword() {
		return this.keyword;
	}

}
