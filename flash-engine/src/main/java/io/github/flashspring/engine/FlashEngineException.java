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

}
