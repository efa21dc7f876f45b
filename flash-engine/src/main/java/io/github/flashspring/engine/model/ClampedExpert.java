package io.github.flashspring.engine.model;

import io.github.flashspring.engine.device.Tensor;
import io.github.flashspring.engine.device.Workload;
import io.github.flashspring.engine.weights.Weights;

/**
 * An expert of gpt-oss: an MLP with a clamped SwiGLU and biases.
 *
 * @param input gate and up
 * @param down [hiddenSize, intermediateSize]
 * @param shape sizes
 */
record ClampedExpert(Input input, Linear down, Shape shape) implements Expert {

	/**
	 * An expert with two matrices for gate and up.
	 * @param layer gets the buffers
	 * @param shape sizes
	 * @param gate [intermediateSize, hiddenSize]
	 * @param up [intermediateSize, hiddenSize]
	 * @param down [hiddenSize, intermediateSize]
	 * @return the expert
	 */
	static ClampedExpert of(LayerBuilder layer, Shape shape, Linear gate, Linear up, Linear down) {
		return new ClampedExpert(new Separate(gate, up, buffer(layer, shape, "experts.both")), down, shape);
	}

	/**
	 * An expert with one matrix, in whose outputs those of gate and up alternate.
	 * @param layer gets the buffers
	 * @param shape sizes
	 * @param gateAndUp [2 · intermediateSize, hiddenSize]
	 * @param down [hiddenSize, intermediateSize]
	 * @return the expert
	 */
	static ClampedExpert alternating(LayerBuilder layer, Shape shape, Linear gateAndUp, Linear down) {
		return new ClampedExpert(new Alternating(gateAndUp, buffer(layer, shape, "experts.alternating"),
				buffer(layer, shape, "experts.both")), down, shape);
	}

	private static Slots.Slot buffer(LayerBuilder layer, Shape shape, String name) {
		layer.requirements().widen(shape.intermediateSize());
		layer.requirements().uses(new Workload.ClampedSwiGlu());
		return layer.slots().shared(name, 2 * shape.intermediateSize(), Slots.Extent.EXPERTS);
	}

	@Override
	public Tensor between(Pass pass, int rows) {
		return pass.get(this.input.buffer(), rows);
	}

	@Override
	public Weights.Use enter(Weights weights, Tensor between, Tensor x) {
		return new Weights.Use(weights, this.input.products(between, x));
	}

	@Override
	public Tensor activate(Pass pass, Tensor between) {
		int width = this.shape.intermediateSize();
		Tensor both = this.input.both(pass, between);
		Tensor gate = both.columns(0, width);
		pass.device()
			.elementwise()
			.clampedSwiGlu(gate, gate, both.columns(width, width), this.shape.alpha(), this.shape.limit());
		return gate;
	}

	@Override
	public Weights.Use leave(Weights weights, Tensor out, Tensor activated) {
		return new Weights.Use(weights, this.down.of(out, activated));
	}

	/**
	 * Sizes and activation.
	 *
	 * @param hiddenSize width of input and output
	 * @param intermediateSize width between them
	 * @param alpha steepness of the gate
	 * @param limit at which gate and up are clamped
	 */
	record Shape(int hiddenSize, int intermediateSize, float alpha, float limit) {

	}

	/** Computes gate and up, the one behind the other in every row. */
	private sealed interface Input {

		/** Buffer for the outputs of the linear layers. */
		Slots.Slot buffer();

		Weights.Product[] products(Tensor out, Tensor x);

		/**
		 * Orders the outputs of the linear layers.
		 * @return gate and up
		 */
		Tensor both(Pass pass, Tensor out);

	}

	private record Separate(Linear gate, Linear up, Slots.Slot buffer) implements Input {

		@Override
		public Weights.Product[] products(Tensor out, Tensor x) {
			int width = out.columns() / 2;
			return new Weights.Product[] { this.gate.of(out.columns(0, width), x),
					this.up.of(out.columns(width, width), x) };
		}

		@Override
		public Tensor both(Pass pass, Tensor out) {
			return out;
		}

	}

	private record Alternating(Linear gateAndUp, Slots.Slot buffer, Slots.Slot both) implements Input {

		@Override
		public Weights.Product[] products(Tensor out, Tensor x) {
			return new Weights.Product[] { this.gateAndUp.of(out, x) };
		}

		@Override
		public Tensor both(Pass pass, Tensor out) {
			Tensor result = pass.get(this.both, out.rows());
			int width = result.columns() / 2;
			pass.device().elementwise().split(result.columns(0, width), result.columns(width, width), out);
			return result;
		}

	}

}
