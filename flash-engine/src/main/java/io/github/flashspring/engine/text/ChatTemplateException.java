package io.github.flashspring.engine.text;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.failure.FlashException;

/**
 * A chat template that is missing, cannot be read, or refuses a conversation. The message
 * is {@link #description()} (file, line, reason) followed by {@link #action()} (what the
 * user can do).
 */
public final class ChatTemplateException extends FlashException {

	private static final long serialVersionUID = 1L;

	/**
	 * Creates an exception.
	 * @param description what is wrong and where: file, line, reason
	 * @param action what the user can do about it
	 * @param cause the failure underneath
	 */
	public ChatTemplateException(String description, String action, @Nullable Throwable cause) {
		super(description, action, cause);
	}

}
