package io.github.flashspring.engine.modelfile;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.failure.FlashException;

/**
 * A Modelfile that cannot be read, or an instruction in it that Flash refuses. The
 * message names the file and the line.
 */
public final class ModelfileException extends FlashException {

	private static final long serialVersionUID = 1L;

	private static final int MAX_QUOTE = 60;

	/**
	 * Creates an exception.
	 * @param description what is wrong and where
	 * @param action what the user can do about it
	 * @param cause the failure underneath
	 */
	public ModelfileException(String description, String action, @Nullable Throwable cause) {
		super(description, action, cause);
	}

	/**
	 * An exception about a line.
	 * @param source name of the file
	 * @param line counted from 1; 0: the file as a whole
	 * @param description what is wrong there
	 * @param action what the user can do about it
	 * @return the exception
	 */
	public static ModelfileException at(String source, int line, String description, String action) {
		String place = (line > 0) ? source + ", line " + line : source;
		return new ModelfileException(place + ": " + description, action, null);
	}

	/**
	 * Quotes a text of the file for a message: shortened, and without control characters.
	 * @param text possibly hostile
	 * @return the text in single quotes
	 */
	static String quote(String text) {
		StringBuilder quoted = new StringBuilder("'");
		int end = Math.min(text.length(), MAX_QUOTE);
		for (int i = 0; i < end; i++) {
			char c = text.charAt(i);
			quoted.append((Character.isISOControl(c) || Character.isSurrogate(c)) ? '?' : c);
		}
		return quoted.append((end < text.length()) ? "…'" : "'").toString();
	}

}
