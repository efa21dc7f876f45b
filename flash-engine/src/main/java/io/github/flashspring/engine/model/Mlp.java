package io.github.flashspring.engine.model;

import java.util.List;
import java.util.Objects;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.device.Activation;
import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.device.Elementwise;
import io.github.flashspring.engine.device.Tensor;
import io.github.flashspring.engine.weights.WeightGroup;
import io.github.flashspring.engine.weights.Weights;

/**
 * Feed-forward part: {@code down(activation(gate(x)) · up(x))}, or without a gate
 * {@code down(activation(up(x)))}.
 *
 * @param gate [intermediate, hidden]; with {@code up} behind it [2 · intermediate,
 * hidden] if that is null; null if there is no gate
 * @param up [intermediate, hidden], or null
 * @param down [hidden, intermediate]
 * @param activation between them; with a gate, of the gate
 * @param activations room for what is computed between input and output
 */
record Mlp(@Nullable Linear gate, @Nullable Linear up, Linear down, Activation activation,
		Activations activations) implements Sublayer, Expert {

	/**
	 * Declares {@code gate_proj}, if there is a gate, {@code up_proj} and
	 * {@code down_proj}.
	 * @param unit gets the weights
	 * @param module name of the part, such as {@code mlp}
	 * @param shape sizes and activation
	 * @param activations room that its uses share
	 * @return the part
	 */
	static Mlp of(WeightGroup unit, String module, Shape shape, Activations activations) {
		Linear gate = shape.gated()
				? Linear.of(unit, module + ".gate_proj", shape.intermediate(), shape.hidden(), shape.bias()) : null;
		Linear up = Linear.of(unit, module + ".up_proj", shape.intermediate(), shape.hidden(), shape.bias());
		return new Mlp(gate, up,
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
	static Mlp fused(WeightGroup unit, String module, Shape shape, Activations activations) {
		Linear both = Linear.of(unit, module + ".gate_up_proj", 2 * shape.intermediate(), shape.hidden(), shape.bias());
		return new Mlp(both, null,
				Linear.of(unit, module + ".down_proj", shape.hidden(), shape.intermediate(), shape.bias()),
				shape.activation(), activations);
	}

	@Override
	public Tensor between(Pass pass, int rows) {
		return pass.get(this.activations.both(), rows);
	}

	@Override
	public Weights.Use enter(Weights weights, Tensor between, Tensor x) {
		if (this.gate != null && this.up != null) {
			return new Weights.Use(weights, this.gate.of(first(between), x), this.up.of(second(between), x));
		}
		return new Weights.Use(weights,
				Objects.requireNonNull((this.gate != null) ? this.gate : this.up).of(between, x));
	}

	@Override
	public void scaleBetween(Device device, Tensor between) {
		if (this.gate != null) {
			this.gate.scale(device, (this.up != null) ? first(between) : between);
		}
		if (this.up != null) {
			this.up.scale(device, (this.gate != null) ? second(between) : between);
		}
	}

	@Override
	public Tensor activate(Pass pass, Tensor between) {
		Elementwise elementwise = pass.device().elementwise();
		Tensor first = first(between);
		if (this.gate != null) {
			elementwise.gate(first, first, second(between), this.activation);
		}
		else {
			elementwise.activate(first, first, this.activation);
		}
		return first;
	}

	@Override
	public Weights.Use leave(Weights weights, Tensor out, Tensor activated) {
		return new Weights.Use(weights, this.down.of(out, activated));
	}

	@Override
	public void scaleOutput(Device device, Tensor out) {
		this.down.scale(device, out);
	}

	@Override
	public void forward(Pass pass, Weights weights, Tensor out, Tensor x) {
		Expert.forward(pass, List.of(new Expert.Use(this, weights, out, x)));
	}

	private Tensor first(Tensor between) {
		return between.columns(0, this.activations.width());
	}

	private Tensor second(Tensor between) {
		return between.columns(this.activations.width(), this.activations.width());
	}

	/**
	 * Sizes and activation.
	 *
	 * @param hidden width of input and output
	 * @param intermediate width between them
	 * @param activation between them
	 * @param gated whether it is that of a gate
	 * @param bias whether all linear layers have biases
	 */
	record Shape(int hidden, int intermediate, Activation activation, boolean gated, boolean bias) {

		/** Values between the linear layers, per row. */
		int between() {
			return this.gated ? 2 * this.intermediate : this.intermediate;
		}

	}

	/**
	 * Room for gate and up.
	 *
	 * @param both [intermediate], twice that if gated, per row
	 * @param width intermediate
	 */
	record Activations(Slots.Slot both, int width) {

	}

}
