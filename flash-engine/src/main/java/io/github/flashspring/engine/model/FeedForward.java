package io.github.flashspring.engine.model;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.checkpoint.ModelConfig;
import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.device.Tensor;
import io.github.flashspring.engine.residency.WeightUnit;
import io.github.flashspring.engine.residency.Weights;

/**
 * Feed-forward part: {@code down(activation(gate(x)) · up(x))}, or without a gate
 * {@code down(activation(up(x)))}.
 *
 * @param gate [intermediate, hidden]; with {@code up} behind it [2 · intermediate,
 * hidden] if that is null; null if the activation has no gate
 * @param up [intermediate, hidden], or null
 * @param down [hidden, intermediate]
 * @param activation between them
 * @param activations room for what is computed between input and output
 */
record FeedForward(@Nullable Linear gate, @Nullable Linear up, Linear down, Activation activation,
		Activations activations) implements Sublayer {

	/**
	 * Declares {@code gate_proj}, unless the activation has no gate, {@code up_proj} and
	 * {@code down_proj}.
	 * @param unit gets the weights
	 * @param module name of the part, such as {@code mlp}
	 * @param shape sizes and activation
	 * @param activations room that its uses share
	 * @return the part
	 */
	static FeedForward of(WeightUnit unit, String module, Shape shape, Activations activations) {
		Linear gate = shape.activation().gated()
				? Linear.of(unit, module + ".gate_proj", shape.intermediate(), shape.hidden(), shape.bias()) : null;
		Linear up = Linear.of(unit, module + ".up_proj", shape.intermediate(), shape.hidden(), shape.bias());
		return new FeedForward(gate, up,
				Linear.of(unit, module + ".down_proj", shape.hidden(), shape.intermediate(), shape.bias()),
				shape.activation(), activations);
	}

	/**
	 * Declares {@code gate_up_proj}, whose outputs are those of the gate, then the
	 * others, and {@code down_proj}.
	 * @param unit gets the weights
	 * @param module name of the part, such as {@code mlp}
	 * @param shape sizes and activation
	 * @param activations room that its uses share
	 * @return the part
	 */
	static FeedForward fused(WeightUnit unit, String module, Shape shape, Activations activations) {
		Linear both = Linear.of(unit, module + ".gate_up_proj", 2 * shape.intermediate(), shape.hidden(), shape.bias());
		return new FeedForward(both, null,
				Linear.of(unit, module + ".down_proj", shape.hidden(), shape.intermediate(), shape.bias()),
				shape.activation(), activations);
	}

	@Override
	public void forward(Pass pass, Weights weights, Tensor out, Tensor x) {
		int width = this.activations.width();
		Tensor both = pass.get(this.activations.both()).rows(0, x.rows());
		Tensor first = both.columns(0, width);
		Tensor second = both.columns(width, both.columns() - width);
		if (this.gate == null && this.up != null) {
			this.up.forward(weights, first, x);
		}
		else if (this.gate != null && this.up != null) {
			weights.linear(this.gate.of(first, x), this.up.of(second, x));
		}
		else if (this.gate != null) {
			this.gate.forward(weights, both, x);
		}
		this.activation.apply(pass.device(), first, second);
		this.down.forward(weights, out, first);
	}

	/**
	 * Sizes and activation.
	 *
	 * @param hidden width of input and output
	 * @param intermediate width between them
	 * @param activation between them
	 * @param bias whether all linear layers have biases
	 */
	record Shape(int hidden, int intermediate, Activation activation, boolean bias) {

	}

	/**
	 * Room for gate and up.
	 *
	 * @param both [intermediate], twice that if gated, per row
	 * @param width intermediate
	 */
	record Activations(Slots.Slot both, int width) {

	}

	/** What is applied between the linear layers. */
	enum Activation {

		/** SiLU with a gate. */
		SWIGLU,

		/** GELU in its approximation by tanh, with a gate. */
		GEGLU,

		/** Squared ReLU without a gate. */
		SQUARED_RELU;

		boolean gated() {
			return this != SQUARED_RELU;
		}

		private void apply(Device device, Tensor first, Tensor second) {
			switch (this) {
				case SWIGLU -> device.swiGlu(first, first, second);
				case GEGLU -> device.elementwise().geGlu(first, first, second);
				case SQUARED_RELU -> device.elementwise().squaredRelu(first, first);
			}
		}

		/**
		 * Holds a property that names an activation against what an architecture computes
		 * with.
		 * @param config the model's settings
		 * @param property name of the property; absent is right
		 * @throws UnsupportedArchitectureException if it names another
		 */
		Activation require(ModelConfig config, String property) {
			String expected = switch (this) {
				case SWIGLU -> "silu";
				case GEGLU -> "gelu_pytorch_tanh";
				case SQUARED_RELU -> "relu2";
			};
			DecoderConfig.require(config, property, expected);
			return this;
		}

	}

}
