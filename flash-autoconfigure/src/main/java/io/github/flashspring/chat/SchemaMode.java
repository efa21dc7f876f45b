package io.github.flashspring.chat;

/**
 * What becomes of keywords of a JSON Schema that cannot be enforced.
 */
public enum SchemaMode {

	/** The prompt is refused, with the place of the keyword. */
	STRICT,
	/** They are ignored and logged: answers may break them. */
	LENIENT

}
