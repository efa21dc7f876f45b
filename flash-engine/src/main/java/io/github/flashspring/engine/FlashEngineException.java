package io.github.flashspring.engine;

import org.jspecify.annotations.Nullable;

/**
 * A request that the engine cannot serve: it is closed, the prompt does not fit the
 * context, or the model lacks what the request needs, such as a tokenizer.
 */
public class FlashEngineException extends RuntimeException {

	public FlashEngineException(String message) {
		super(message);
	}

	public FlashEngineException(String message, @Nullable Throwable cause) {
		super(message, cause);
	}

	/**
	 * Creates an exception that a thread of the engine hands to readers.
	 * @param message what happened
	 * @param writableStackTrace false for one whose stack would say nothing about the
	 * reader
	 */
	FlashEngineException(String message, boolean writableStackTrace) {
		super(message, null, true, writableStackTrace);
	}

}
