package io.github.flashspring.engine.text;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.regex.Pattern;

import org.jspecify.annotations.Nullable;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;

/**
 * Values that are one word: numbers, and the words of JSON and Python.
 */
final class JsonWord {

	private static final Pattern NUMBER = Pattern.compile("-?(?:0|[1-9]\\d*)(\\.\\d+)?([eE][+-]?\\d{1,9})?");

	private static final JsonNodeFactory NODES = ModelFiles.JSON.getNodeFactory();

	private JsonWord() {
	}

	/**
	 * The value that a word stands for.
	 * @param word the word
	 * @return the value, null if the word is none
	 */
	static @Nullable JsonNode value(String word) {
		return switch (word) {
			case "true", "True" -> NODES.booleanNode(true);
			case "false", "False" -> NODES.booleanNode(false);
			case "null", "None" -> NODES.nullNode();
			default -> NUMBER.matcher(word).matches() ? number(word) : null;
		};
	}

	/** Numbers as they are written. */
	private static JsonNode number(String word) {
		if (word.chars().allMatch((c) -> c == '-' || c >= '0' && c <= '9')) {
			return (word.length() <= 18) ? NODES.numberNode(Long.parseLong(word))
					: NODES.numberNode(new BigInteger(word));
		}
		return NODES.numberNode(new BigDecimal(word));
	}

}
