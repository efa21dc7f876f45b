package io.github.flashspring.engine;

/**
 * Ends what was running or queued when the engine was closed, for example because the
 * application is shut down. It has no stack trace: every open stream gets it at once.
 */
public class EngineClosedException extends FlashEngineException {

	private static final long serialVersionUID = 1L;

	EngineClosedException(String message) {
		super(message, false);
	}

}
