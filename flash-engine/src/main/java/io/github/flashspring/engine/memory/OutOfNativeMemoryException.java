package io.github.flashspring.engine.memory;

/**
 * The system refused native memory.
 */
public class OutOfNativeMemoryException extends RuntimeException {

	public OutOfNativeMemoryException(String message, Throwable cause) {
		super(message, cause);
	}

}
