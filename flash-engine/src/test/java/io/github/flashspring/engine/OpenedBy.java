package io.github.flashspring.engine;

import java.util.function.Function;

import io.github.flashspring.engine.weights.WeightFiles;
import io.github.flashspring.engine.weights.WeightLayout;

/**
 * An engine by itself whose files others open.
 *
 * @param opener opens the files of a model
 */
record OpenedBy(Function<WeightLayout, WeightFiles> opener) implements EngineHost {

	@Override
	public WeightFiles files(FlashConfig config, WeightLayout layout) {
		return this.opener.apply(layout);
	}

}
