package io.github.flashspring.autoconfigure;

import java.util.IdentityHashMap;
import java.util.Map;

import io.github.flashspring.chat.GenerationListener;
import io.github.flashspring.engine.FlashEngine;

/**
 * The health indicator of each engine, which hears how the generations of that engine
 * end.
 */
class FlashHealthIndicators implements GenerationListener {

	private final Map<FlashEngine, FlashHealthIndicator> indicators = new IdentityHashMap<>();

	/**
	 * The indicator of an engine.
	 * @param engine the engine
	 * @return always the same one
	 */
	synchronized FlashHealthIndicator of(FlashEngine engine) {
		return this.indicators.computeIfAbsent(engine, FlashHealthIndicator::new);
	}

	@Override
	public GenerationListener forModel(FlashEngine engine, String model) {
		return of(engine);
	}

}
