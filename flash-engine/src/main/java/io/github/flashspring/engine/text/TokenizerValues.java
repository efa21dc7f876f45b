package io.github.flashspring.engine.text;

import java.nio.file.Path;

import tools.jackson.core.JsonParser;

/**
 * Reads values of a tokenizer file and refuses those of which the native library dies.
 */
final class TokenizerValues {

	private final Path file;

	TokenizerValues(Path file) {
		this.file = file;
	}

	/**
	 * Goes to the end of the current value. The native library dies of some values that
	 * are not quite JSON: halves of surrogate pairs, numbers beyond doubles.
	 * @param parser stands at the value
	 * @param most how many values to read
	 * @return how many values there were
	 */
	int walk(JsonParser parser, int most) {
		int values = 0;
		int depth = 0;
		do {
			values++;
			switch (parser.currentToken()) {
				case START_OBJECT, START_ARRAY -> depth++;
				case END_OBJECT, END_ARRAY -> depth--;
				case PROPERTY_NAME, VALUE_STRING -> text(parser);
				case VALUE_NUMBER_FLOAT -> {
					if (Double.isInfinite(parser.getDoubleValue())) {
						throw wrong("a number is too large");
					}
				}
				default -> {
				}
			}
		}
		while (depth > 0 && values <= most && parser.nextToken() != null);
		return values;
	}

	String text(JsonParser parser) {
		String text = parser.getString();
		for (int i = 0; i < text.length(); i++) {
			if (Character.isSurrogate(text.charAt(i))) {
				if (i + 1 == text.length() || !Character.isSurrogatePair(text.charAt(i), text.charAt(i + 1))) {
					throw wrong("a text holds half a character");
				}
				i++;
			}
		}
		return text;
	}

	TokenizerException wrong(String what) {
		return new TokenizerException(this.file + " is not a tokenizer in Hugging Face's format: " + what + ".",
				Tokenizer.ACTION);
	}

}
