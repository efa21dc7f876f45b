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
 * @param weight [outputs, inputs], or [inputs, outputs] by its layout
 * @param bias [outputs], or null
 * @param layout which way the weight is stored
 * @param factor of the outputs, for {@link #scale}; 1 where there is a bias
 */
record Linear(Parameter weight, @Nullable Parameter bias, Layout layout, float factor) {

	Linear(Parameter weight, @Nullable Parameter bias) {
		this(weight, bias, Layout.OUTPUTS_BY_INPUTS, 1f);
	}

	Linear(Parameter weight, @Nullable Parameter bias, Layout layout) {
		this(weight, bias, layout, 1f);
	}

	static Linear of(WeightGroup group, String module, int outputs, int inputs, Bias bias) {
		return new Linear(group.matrix(module, outputs, inputs),
				(bias == Bias.PRESENT) ? group.vector(module + ".bias", outputs) : null);
	}

	/** The same with a factor of its outputs. */
	Linear times(float number) {
		return new Linear(this.weight, this.bias, this.layout, number);
	}

	void forward(Weights weights, Tensor out, Tensor x) {
		weights.linear(of(out, x));
	}

	/** Multiplies outputs by the factor that the weights have in common. */
	void scale(Device device, Tensor out) {
		if (this.factor != 1f) {
			device.elementwise().scale(out, this.factor);
		}
	}

	/** To be applied together with others. */
	Weights.Product of(Tensor out, Tensor x) {
		return new Weights.Product(out, x, this.weight, this.bias, this.layout == Layout.INPUTS_BY_OUTPUTS);
	}

	/** Which way a matrix is stored. */
	enum Layout {

		/** A row for each output, as nearly always. */
		OUTPUTS_BY_INPUTS,

		/** A row for each input; cannot be applied together with others. */
		INPUTS_BY_OUTPUTS

	}

}
