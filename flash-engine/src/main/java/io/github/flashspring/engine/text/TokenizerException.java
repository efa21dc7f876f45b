package io.github.flashspring.engine.text;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.failure.FlashException;

/**
 * Tokenizer files that are missing, damaged or of a kind that is not supported. The
 * message is {@link #description()} (what, where, expected, found) followed by
 * {@link #action()} (what the user can do).
 */
public final class TokenizerException extends FlashException {

	private static final long serialVersionUID = 1L;

	/**
	 * Creates an exception.
	 * @param description what is wrong and where: file, field, expected and found
	 * @param action what the user can do about it
	 */
	public TokenizerException(String description, String action) {
		this(description, action, null);
	}

	/**
	 * Creates an exception with a cause.
	 * @param description what is wrong and where: file, field, expected and found
	 * @param action what the user can do about it
	 * @param cause the failure underneath
	 */
	public TokenizerException(String description, String action, @Nullable Throwable cause) {
		super(description, action, cause);
	}

}
