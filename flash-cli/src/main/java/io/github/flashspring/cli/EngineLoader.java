package io.github.flashspring.cli;

import io.github.flashspring.engine.FlashConfig;
import io.github.flashspring.engine.FlashEngine;

/**
 * Loads the engine for a command.
 */
@FunctionalInterface
interface EngineLoader {

	/**
	 * Loads an engine.
	 * @param config model and settings
	 * @return the engine; the caller closes it
	 */
	FlashEngine load(FlashConfig config);

}
