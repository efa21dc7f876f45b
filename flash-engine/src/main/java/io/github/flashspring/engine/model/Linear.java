package io.github.flashspring.engine.model;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.device.Tensor;
import io.github.flashspring.engine.residency.Parameter;
import io.github.flashspring.engine.residency.WeightUnit;
import io.github.flashspring.engine.residency.Weights;

/**
 * A linear layer {@code y = x · Wᵀ + b}, dense or quantised as the checkpoint has it.
 *
 * @param weight [outputs, inputs]
 * @param bias [outputs], or null
 */
record Linear(Parameter weight, @Nullable Parameter bias) {

	static Linear of(WeightUnit unit, String module, int outputs, int inputs, boolean bias) {
		return new Linear(unit.matrix(module, outputs, inputs), bias ? unit.vector(module + ".bias", outputs) : null);
	}

	void forward(Weights weights, Tensor out, Tensor x) {
		weights.linear(out, x, this.weight, this.bias);
	}

	/** To be applied together with others. */
	Weights.Product of(Tensor out, Tensor x) {
		return new Weights.Product(out, x, this.weight, this.bias);
	}

}
