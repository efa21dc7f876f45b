package io.github.flashspring.engine.tokenizer;

import org.jspecify.annotations.Nullable;

/**
 * A chat template that is missing, cannot be read, or refuses a conversation. The message
 * is {@link #description()} (file, line, reason) followed by {@link #action()} (what the
 * user can do).
 */
public final class ChatTemplateException extends RuntimeException {

	private static final long serialVersionUID = 1L;

	private final String description;

	private final String action;

	/**
	 * Creates an exception.
	 * @param description what is wrong and where: file, line, reason
	 * @param action what the user can do about it
	 * @param cause the failure underneath
	 */
	public ChatTemplateException(String description, String action, @Nullable Throwable cause) {
		super(description + " " + action, cause);
		this.description = description;
		this.action = action;
	}

	/**
	 * What is wrong and where.
	 * @return one or more sentences
	 */
	public String description() {
		return this.description;
	}

	/**
	 * What the user can do.
	 * @return one or more sentences
	 */
	public String action() {
		return this.action;
	}

}
