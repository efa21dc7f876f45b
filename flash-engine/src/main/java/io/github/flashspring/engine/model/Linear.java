package io.github.flashspring.engine.model;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.device.Tensor;
import io.github.flashspring.engine.weights.Parameter;
import io.github.flashspring.engine.weights.WeightGroup;
import io.github.flashspring.engine.weights.Weights;

/**
 * A linear layer {@code y = x · Wᵀ + b}, dense or quantised as the checkpoint has it.
 *
 * @param weight [outputs, inputs]
 * @param bias [outputs], or null
 * @param factor of the outputs, for {@link #scale}; 1 where there is a bias
 */
record Linear(Parameter weight, @Nullable Parameter bias, float factor) {

	Linear(Parameter weight, @Nullable Parameter bias) {
		this(weight, bias, 1f);
	}

	static Linear of(WeightGroup unit, String module, int outputs, int inputs, boolean bias) {
		return new Linear(unit.matrix(module, outputs, inputs), bias ? unit.vector(module + ".bias", outputs) : null);
	}

	/** The same with a factor of its outputs. */
	Linear times(float number) {
		return new Linear(this.weight, this.bias, number);
	}

	void forward(Weights weights, Tensor out, Tensor x) {
		weights.linear(out, x, this.weight, this.bias);
	}

	/** Brings outputs to their size, where the weights have a common factor. */
	void scale(Device device, Tensor out) {
		if (this.factor != 1f) {
			device.elementwise().scale(out, this.factor);
		}
	}

	/** To be applied together with others. */
	Weights.Product of(Tensor out, Tensor x) {
		return new Weights.Product(out, x, this.weight, this.bias);
	}

}
