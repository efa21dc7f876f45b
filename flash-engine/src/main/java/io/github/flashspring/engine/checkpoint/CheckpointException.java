package io.github.flashspring.engine.checkpoint;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.failure.FlashException;

/**
 * A checkpoint that cannot be used: truncated, corrupt, foreign, incomplete or not found.
 * The message is {@link #description()} (what, where, expected, found) followed by
 * {@link #action()} (what the user can do).
 */
public class CheckpointException extends FlashException {

	private static final int MAX_QUOTE = 120;

	/**
	 * Creates an exception.
	 * @param description what is wrong and where: file, tensor or property, expected and
	 * found
	 * @param action what the user can do about it
	 */
	public CheckpointException(String description, String action) {
		this(description, action, null);
	}

	/**
	 * Creates an exception with a cause.
	 * @param description what is wrong and where: file, tensor or property, expected and
	 * found
	 * @param action what the user can do about it
	 * @param cause the failure underneath
	 */
	public CheckpointException(String description, String action, @Nullable Throwable cause) {
		super(description, action, cause);
	}

	/**
	 * Quotes a text that comes from a file for a message: shortened, and without control
	 * characters.
	 * @param text a name or value, possibly hostile
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
