package io.github.flashspring.engine.failure;

import org.jspecify.annotations.Nullable;

/**
 * Something that a user can put right: a file, a setting, a conversation. The message is
 * {@link #description()} (what, where, expected, found) followed by {@link #action()}
 * (what to do).
 */
public abstract class FlashException extends RuntimeException {

	private static final long serialVersionUID = 1L;

	private final String description;

	private final String action;

	/**
	 * Creates an exception.
	 * @param description what is wrong and where: file, tensor or property, expected and
	 * found
	 * @param action what the user can do about it
	 * @param cause the failure underneath
	 */
	protected FlashException(String description, String action, @Nullable Throwable cause) {
		super(description + " " + action, cause);
		this.description = description;
		this.action = action;
	}

	/**
	 * What is wrong and where.
	 * @return one or more sentences
	 */
	public final String description() {
		return this.description;
	}

	/**
	 * What the user can do.
	 * @return one or more sentences
	 */
	public final String action() {
		return this.action;
	}

}
