package io.github.flashspring.engine.model;

/**
 * A checkpoint's architecture, or an option of it, that this engine cannot compute.
 */
public class UnsupportedArchitectureException extends RuntimeException {

	public UnsupportedArchitectureException(String message) {
		super(message);
	}

}
