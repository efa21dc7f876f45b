package io.github.flashspring.engine.model;

import java.util.List;
import java.util.OptionalInt;

import io.github.flashspring.engine.checkpoint.Checkpoint;
import io.github.flashspring.engine.checkpoint.ModelConfig;
import io.github.flashspring.engine.checkpoint.RopeParameters;
import io.github.flashspring.engine.weights.Parameter;
import io.github.flashspring.engine.weights.WeightGroup;

/**
 * gpt-oss: every other layer slides, each head has a sink that takes weight from its
 * scores, and every layer is a MoE layer of {@link ClampedExpert}s.
 *
 * @see <a href="https://arxiv.org/abs/2508.10925">gpt-oss</a>
 */
final class GptOss {

	private GptOss() {
	}

	/**
	 * Config of gpt-oss.
	 *
	 * @param windows positions that each layer sees; 0: all
	 */
	record Config(DecoderConfig decoder, float rmsNormEps, RopeParameters ropeParameters, List<Integer> windows,
			Bias attentionBias, Routing routing, ClampedExpert.Shape expert) {

		static Config of(ModelConfig config) {
			DecoderConfig decoder = DecoderConfig.of(config, DecoderConfig.Defaults.numKeyValueHeads(8).headDim(64));
			float limit = config.getFloat("swiglu_limit", 7f);
			if (!(limit > 0)) {
				throw config.wrong("swiglu_limit", "a number above 0", String.valueOf(limit));
			}
			Routing routing = new Routing(config.getPositiveInt("num_local_experts"),
					config.getInt("num_experts_per_tok", config.getInt("experts_per_token", 4)),
					Routing.Scoring.SOFTMAX)
				.weighting(Routing.Weighting.NORMALIZED);
			return new Config(decoder, config.getFloat("rms_norm_eps", 1e-5f), ropeParameters(config),
					SlidingWindows.of(config, config.getInt("sliding_window", 128), (layer) -> layer % 2 == 0),
					Bias.of(config.getBoolean("attention_bias", true)), routing.checked(config),
					new ClampedExpert.Shape(decoder.hiddenSize(), config.getPositiveInt("intermediate_size"),
							config.getFloat("swiglu_alpha", 1.702f), limit));
		}

		/** YaRN if the config does not say; it may say that there is no scaling. */
		private static RopeParameters ropeParameters(ModelConfig config) {
			RopeParameters rope = config.ropeParameters(150_000);
			if (config.has("rope_parameters") || config.has("rope_scaling") || config.isNull("rope_scaling")) {
				return rope;
			}
			return new RopeParameters("yarn", rope.theta(), rope.partialRotaryFactor(), OptionalInt.of(4096),
					ModelConfig.parse(config.file(), "{\"factor\": 32, \"truncate\": false}"));
		}

	}

	static ModelDefinition define(ModelSource source) {
		Config config = Config.of(source.config());
		Names names = new Names(source.checkpoint());
		Decoder decoder = new Decoder(source, config.decoder(), names);
		Norm.Kind norm = Norm.Kind.rms(config.rmsNormEps());
		RotaryEmbedding rotary = decoder.rotary(config.ropeParameters());
		for (LayerBuilder layer : decoder.layers()) {
			layer.add(layer.norm("input_layernorm", norm),
					layer.attention("self_attn")
						.rotary(rotary)
						.window(config.windows().get(layer.index()))
						.bias(config.attentionBias())
						.sinks()
						.build());
			layer.add(layer.norm("post_attention_layernorm", norm),
					layer.moe(config.routing(), "mlp.router", Bias.PRESENT)
						.experts((expert) -> names.expert(expert, config.expert())));
		}
		return decoder.end(norm);
	}

	/**
	 * Experts have any of three layouts: gate and up apart, as converted for MLX; their
	 * outputs alternating in one matrix of MXFP4 blocks, as published; the same in plain
	 * numbers, with inputs and outputs exchanged. In each, tensors hold all experts
	 * together or each alone.
	 */
	private static final class Names extends TensorNames {

		private static final String EXPERTS = "mlp.experts.";

		Names(Checkpoint checkpoint) {
			super(checkpoint);
		}

		Expert expert(ExpertBuilder expert, ClampedExpert.Shape shape) {
			int hidden = shape.hiddenSize();
			int intermediate = shape.intermediateSize();
			LayerBuilder layer = expert.layer();
			boolean alone = has(layer, EXPERTS + expert.index() + ".gate_proj.weight");
			if (alone || has(layer, EXPERTS + "gate_proj.weight")) {
				Linear gate = separate(expert, "gate_proj", intermediate, hidden);
				Linear up = separate(expert, "up_proj", intermediate, hidden);
				return ClampedExpert.of(layer, shape, gate, up, separate(expert, "down_proj", hidden, intermediate));
			}
			Linear gateAndUp = common(expert, "gate_up_proj", 2 * intermediate, hidden);
			return ClampedExpert.alternating(layer, shape, gateAndUp,
					common(expert, "down_proj", hidden, intermediate));
		}

		private Linear separate(ExpertBuilder expert, String name, int outputs, int inputs) {
			WeightGroup group = expert.group();
			String own = EXPERTS + expert.index() + "." + name;
			if (has(expert.layer(), EXPERTS + expert.index() + ".gate_proj.weight")) {
				return Linear.of(group, own, outputs, inputs, Bias.PRESENT);
			}
			Parameter weight = group.stacked(EXPERTS + name + ".weight", own, expert.count(), expert.index(), outputs,
					inputs);
			return new Linear(weight,
					group.stackedVector(EXPERTS + name + ".bias", own, expert.count(), expert.index(), outputs));
		}

		private Linear common(ExpertBuilder expert, String name, int outputs, int inputs) {
			WeightGroup group = expert.group();
			String own = EXPERTS + expert.index() + "." + name;
			boolean exchanged = has(expert.layer(), own) || has(expert.layer(), EXPERTS + name);
			Linear.Layout layout = exchanged ? Linear.Layout.INPUTS_BY_OUTPUTS : Linear.Layout.OUTPUTS_BY_INPUTS;
			if (has(expert.layer(), own + "_bias")) {
				return new Linear(exchanged ? group.tensor(own, inputs, outputs) : group.matrix(own, outputs, inputs),
						group.vector(own + "_bias", outputs), layout);
			}
			Parameter weight = exchanged
					? group.stacked(EXPERTS + name, own, expert.count(), expert.index(), inputs, outputs)
					: group.stacked(EXPERTS + name + ".weight", own, expert.count(), expert.index(), outputs, inputs);
			return new Linear(weight,
					group.stackedVector(EXPERTS + name + "_bias", own, expert.count(), expert.index(), outputs),
					layout);
		}

	}

}
