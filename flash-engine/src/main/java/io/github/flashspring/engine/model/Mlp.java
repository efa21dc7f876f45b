package io.github.flashspring.engine.model;

import java.util.List;
import java.util.Objects;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.device.Activation;
import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.device.Elementwise;
import io.github.flashspring.engine.device.Tensor;
import io.github.flashspring.engine.device.Workload;
import io.github.flashspring.engine.weights.WeightGroup;
import io.github.flashspring.engine.weights.Weights;

/**
 * MLP: {@code down(activation(gate(x)) · up(x))}, or without a gate
 * {@code down(activation(up(x)))}.
 *
 * @param gate [intermediateSize, hiddenSize]; with {@code up} behind it [2 ·
 * intermediateSize, hiddenSize] if that is null; null if there is no gate
 * @param up [intermediateSize, hiddenSize], or null
 * @param down [hiddenSize, intermediateSize]
 * @param activation between them; with a gate, of the gate
 * @param activations buffers for what is computed between input and output
 */
record Mlp(@Nullable Linear gate, @Nullable Linear up, Linear down, Activation activation,
		Activations activations) implements Sublayer, Expert {

	/**
	 * Declares {@code gate_proj}, if there is a gate, {@code up_proj} and
	 * {@code down_proj}.
	 * @param group gets the weights
	 * @param module name of the MLP, such as {@code mlp}
	 * @param shape sizes and activation
	 * @param activations buffers
	 * @return the MLP
	 */
	static Mlp of(WeightGroup group, String module, Shape shape, Activations activations) {
		Linear gate = (shape.gate() == Gate.GATED)
				? Linear.of(group, module + ".gate_proj", shape.intermediateSize(), shape.hiddenSize(), shape.bias())
				: null;
		Linear up = Linear.of(group, module + ".up_proj", shape.intermediateSize(), shape.hiddenSize(), shape.bias());
		return new Mlp(gate, up,
				Linear.of(group, module + ".down_proj", shape.hiddenSize(), shape.intermediateSize(), shape.bias()),
				shape.activation(), activations);
	}

	/**
	 * Declares {@code gate_up_proj}, whose outputs are those of the gate, then the
	 * others, and {@code down_proj}.
	 * @param layer gets the weights
	 * @param module name of the MLP, such as {@code mlp}
	 * @param shape sizes and activation
	 * @return the MLP
	 */
	static Mlp fused(LayerBuilder layer, String module, Shape shape) {
		Linear gateAndUp = layer.linear(module + ".gate_up_proj", 2 * shape.intermediateSize(), shape.hiddenSize(),
				shape.bias());
		return new Mlp(gateAndUp, null,
				layer.linear(module + ".down_proj", shape.hiddenSize(), shape.intermediateSize(), shape.bias()),
				shape.activation(), Activations.of(layer, shape));
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
	 * @param hiddenSize width of input and output
	 * @param intermediateSize width between them
	 * @param activation between them
	 * @param gate whether the activation is that of a gate
	 * @param bias of all linear layers
	 */
	record Shape(int hiddenSize, int intermediateSize, Activation activation, Gate gate, Bias bias) {

		static Shape gated(int hiddenSize, int intermediateSize, Activation activation) {
			return new Shape(hiddenSize, intermediateSize, activation, Gate.GATED, Bias.ABSENT);
		}

		static Shape ungated(int hiddenSize, int intermediateSize, Activation activation) {
			return new Shape(hiddenSize, intermediateSize, activation, Gate.UNGATED, Bias.ABSENT);
		}

		/** The same with or without biases. */
		Shape bias(Bias other) {
			return new Shape(this.hiddenSize, this.intermediateSize, this.activation, this.gate, other);
		}

		/** Values between the linear layers, per row. */
		int between() {
			return (this.gate == Gate.GATED) ? 2 * this.intermediateSize : this.intermediateSize;
		}

	}

	/** Whether the activation is that of a gate. */
	enum Gate {

		GATED, UNGATED

	}

	/**
	 * Buffers for gate and up, shared by all MLPs of a width.
	 *
	 * @param both [intermediateSize], twice that if gated, per row
	 * @param width intermediateSize
	 */
	record Activations(Slots.Slot both, int width) {

		static Activations of(LayerBuilder layer, Shape shape) {
			return of(layer, shape, Slots.Extent.CHUNK);
		}

		static Activations ofExperts(LayerBuilder layer, Shape shape) {
			return of(layer, shape, Slots.Extent.EXPERTS);
		}

		private static Activations of(LayerBuilder layer, Shape shape, Slots.Extent extent) {
			layer.requirements().widen(shape.intermediateSize());
			layer.requirements()
				.uses((shape.gate() == Gate.GATED) ? new Workload.Gate(shape.activation())
						: new Workload.Activate(shape.activation()));
			return new Activations(layer.slots().shared("mlp", shape.between(), extent), shape.intermediateSize());
		}

	}

}
