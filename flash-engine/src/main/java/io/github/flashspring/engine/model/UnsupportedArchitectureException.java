package io.github.flashspring.engine.model;

import io.github.flashspring.engine.checkpoint.CheckpointException;

/**
 * A checkpoint's architecture, or an option of it, that this engine cannot compute.
 */
public final class UnsupportedArchitectureException extends CheckpointException {

	private static final long serialVersionUID = 1L;

	/**
	 * Creates an exception.
	 * @param description what is not supported, in which file, and what would be
	 * @param action what the user can do about it
	 */
	public UnsupportedArchitectureException(String description, String action) {
		super(description, action);
	}

}
