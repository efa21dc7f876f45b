package io.github.flashspring.engine.model;

import java.util.OptionalInt;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.checkpoint.ModelConfig;
import io.github.flashspring.engine.checkpoint.RopeParameters;
import io.github.flashspring.engine.device.Tensor;
import io.github.flashspring.engine.device.Workload;
import io.github.flashspring.engine.weights.Parameter;
import io.github.flashspring.engine.weights.WeightGroup;
import io.github.flashspring.engine.weights.Weights;

/**
 * gpt-oss: every other layer slides, each head has a sink that takes weight from its
 * scores, and every layer is a mixture of experts with a clamped gate and biases.
 *
 * @see <a href="https://arxiv.org/abs/2508.10925">gpt-oss</a>
 */
final class GptOss {

	private static final String MODULE = "mlp.experts.";

	private GptOss() {
	}

	static ModelDefinition define(ModelSource source) {
		ModelConfig config = source.config();
		DecoderConfig sizes = DecoderConfig.of(config, new DecoderConfig.Defaults(8, 64, false));
		Decoder decoder = new Decoder(source, sizes);
		Norm.Kind norm = Norm.Kind.rms(config.getFloat("rms_norm_eps", 1e-5f));
		RotaryEmbedding rotary = decoder.rotary(rope(config), sizes.headDim());
		int[] windows = sizes.windows(config, config.getInt("sliding_window", 128), (layer) -> (layer + 1) % 2);
		boolean bias = config.getBoolean("attention_bias", true);
		Routing routing = Routing.plain(config, DecoderConfig.positive(config, "num_local_experts"),
				config.getInt("num_experts_per_tok", config.getInt("experts_per_token", 4)), Routing.Scoring.SOFTMAX,
				true);
		Experts experts = Experts.of(decoder, routing.experts());
		for (int i = 0; i < sizes.numHiddenLayers(); i++) {
			int layer = i;
			WeightGroup unit = decoder.unit(i);
			decoder.add(unit,
					Residual.Branch.of(norm.of(unit, "input_layernorm", sizes.hiddenSize()),
							decoder.attention(unit).rotary(rotary).window(windows[i]).bias(bias, bias).sinks().build()),
					Residual.Branch.of(norm.of(unit, "post_attention_layernorm", sizes.hiddenSize()),
							new MoeLayer.Builder(decoder, unit, routing, "mlp.router", true).experts(i,
									(expert, index) -> experts.create(layer, expert, index))));
		}
		return decoder.end(norm).build();
	}

	/**
	 * Positions are stretched if the file does not say; it may say that they are not.
	 */
	private static RopeParameters rope(ModelConfig config) {
		RopeParameters rope = config.ropeParameters(150_000);
		if (config.has("rope_parameters") || config.has("rope_scaling") || config.isNull("rope_scaling")) {
			return rope;
		}
		return new RopeParameters("yarn", rope.theta(), rope.partialRotaryFactor(), OptionalInt.of(4096),
				ModelConfig.parse(config.file(), "{\"factor\": 32, \"truncate\": false}"));
	}

	/**
	 * Makes the experts, in any of three layouts: gate and up apart, as converted for
	 * MLX; their outputs alternating in one matrix of MXFP4 blocks, as published; the
	 * same in plain numbers, with inputs and outputs exchanged. In each, tensors hold all
	 * experts together or each alone.
	 *
	 * @param decoder the model
	 * @param count number of experts
	 * @param hidden width of input and output
	 * @param intermediate width between them
	 * @param alpha steepness of the gate
	 * @param limit at which gate and up are clamped
	 */
	private record Experts(Decoder decoder, int count, int hidden, int intermediate, float alpha, float limit) {

		static Experts of(Decoder decoder, int count) {
			ModelConfig config = decoder.source().config();
			int intermediate = DecoderConfig.positive(config, "intermediate_size");
			decoder.widen(intermediate);
			decoder.uses(new Workload.ClampedSwiGlu());
			float limit = config.getFloat("swiglu_limit", 7f);
			if (!(limit > 0)) {
				throw config.wrong("swiglu_limit", "a number above 0", String.valueOf(limit));
			}
			return new Experts(decoder, count, decoder.config().hiddenSize(), intermediate,
					config.getFloat("swiglu_alpha", 1.702f), limit);
		}

		Expert create(int layer, WeightGroup unit, int index) {
			String prefix = this.decoder.layerPrefix(layer) + MODULE;
			Slots.Slot both = this.decoder.slotForExperts("experts.both", 2 * this.intermediate);
			Slots.Slot apart = this.decoder.slotForExperts("experts.apart", 2 * this.intermediate);
			Input input;
			Projection down;
			boolean alone = this.decoder.source().has(prefix + index + ".gate_proj.weight");
			if (alone || this.decoder.source().has(prefix + "gate_proj.weight")) {
				input = new Apart(separate(unit, "gate_proj", alone, index, this.intermediate, this.hidden),
						separate(unit, "up_proj", alone, index, this.intermediate, this.hidden), both);
				down = separate(unit, "down_proj", alone, index, this.hidden, this.intermediate);
			}
			else {
				input = new Alternating(common(layer, unit, "gate_up_proj", index, 2 * this.intermediate, this.hidden),
						apart, both);
				down = common(layer, unit, "down_proj", index, this.hidden, this.intermediate);
			}
			return new ClampedExpert(input, down, this.intermediate, this.alpha, this.limit);
		}

		private Projection separate(WeightGroup unit, String name, boolean alone, int index, int outputs, int inputs) {
			String own = MODULE + index + "." + name;
			if (alone) {
				return new Projection(unit.matrix(own, outputs, inputs), unit.vector(own + ".bias", outputs), false);
			}
			return new Projection(unit.stacked(MODULE + name + ".weight", own, this.count, index, outputs, inputs),
					unit.stackedVector(MODULE + name + ".bias", own, this.count, index, outputs), false);
		}

		private Projection common(int layer, WeightGroup unit, String name, int index, int outputs, int inputs) {
			String prefix = this.decoder.layerPrefix(layer);
			String own = MODULE + index + "." + name;
			boolean transposed = this.decoder.source().has(prefix + own)
					|| this.decoder.source().has(prefix + MODULE + name);
			if (this.decoder.source().has(prefix + own + "_bias")) {
				return new Projection(
						transposed ? unit.tensor(own, inputs, outputs) : unit.matrix(own, outputs, inputs),
						unit.vector(own + "_bias", outputs), transposed);
			}
			Parameter weight = transposed ? unit.stacked(MODULE + name, own, this.count, index, inputs, outputs)
					: unit.stacked(MODULE + name + ".weight", own, this.count, index, outputs, inputs);
			return new Projection(weight, unit.stackedVector(MODULE + name + "_bias", own, this.count, index, outputs),
					transposed);
		}

	}

	/**
	 * A linear layer that may be stored with inputs and outputs exchanged.
	 *
	 * @param weight [outputs, inputs], or [inputs, outputs]
	 * @param bias [outputs]
	 * @param transposed whether to multiply with the columns
	 */
	private record Projection(Parameter weight, @Nullable Parameter bias, boolean transposed) {

		Weights.Product of(Tensor out, Tensor x) {
			return new Weights.Product(out, x, this.weight, this.bias, this.transposed);
		}

	}

	/** Computes gate and up, the one behind the other in every row. */
	private sealed interface Input {

		/** Room for the outputs of the linear layers. */
		Slots.Slot room();

		Weights.Product[] products(Tensor out, Tensor x);

		/**
		 * Orders the outputs of the linear layers.
		 * @return gate and up
		 */
		Tensor both(Pass pass, Tensor out);

	}

	private record Apart(Projection gate, Projection up, Slots.Slot room) implements Input {

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

	private record Alternating(Projection gateAndUp, Slots.Slot room, Slots.Slot both) implements Input {

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

	/**
	 * An expert.
	 *
	 * @param input gate and up
	 * @param down [hidden, intermediate]
	 * @param width intermediate
	 * @param alpha steepness of the gate
	 * @param limit at which gate and up are clamped
	 */
	private record ClampedExpert(Input input, Projection down, int width, float alpha, float limit) implements Expert {

		@Override
		public Tensor between(Pass pass, int rows) {
			return pass.get(this.input.room(), rows);
		}

		@Override
		public Weights.Use enter(Weights weights, Tensor between, Tensor x) {
			return new Weights.Use(weights, this.input.products(between, x));
		}

		@Override
		public Tensor activate(Pass pass, Tensor between) {
			Tensor both = this.input.both(pass, between);
			Tensor gate = both.columns(0, this.width);
			pass.device()
				.elementwise()
				.clampedSwiGlu(gate, gate, both.columns(this.width, this.width), this.alpha, this.limit);
			return gate;
		}

		@Override
		public Weights.Use leave(Weights weights, Tensor out, Tensor activated) {
			return new Weights.Use(weights, this.down.of(out, activated));
		}

	}

}
