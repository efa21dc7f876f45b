package io.github.flashspring.engine.model;

import java.util.function.IntUnaryOperator;

import io.github.flashspring.engine.checkpoint.Checkpoint;
import io.github.flashspring.engine.checkpoint.ModelConfig;

/**
 * What an architecture is defined from.
 *
 * @param checkpoint its config, and its tensors for {@link TensorNames}
 * @param contextLength positions that are planned for, given those that the model was
 * made for
 */
record ModelSource(Checkpoint checkpoint, IntUnaryOperator contextLength) {

	ModelConfig config() {
		return this.checkpoint.config();
	}

}
