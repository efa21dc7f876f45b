package io.github.flashspring.engine;

/**
 * The engine itself.
 */
final class LocalFlashEngine {

	private LocalFlashEngine() {
	}

	static FlashEngine load(FlashConfig config) {
		throw new FlashEngineException("Cannot load " + config.model() + " yet");
	}

}
