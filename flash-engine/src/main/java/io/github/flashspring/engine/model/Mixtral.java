package io.github.flashspring.engine.model;

import io.github.flashspring.engine.checkpoint.Checkpoint;
import io.github.flashspring.engine.checkpoint.ModelConfig;
import io.github.flashspring.engine.checkpoint.RopeParameters;
import io.github.flashspring.engine.device.Activation;

/**
 * Mixtral: Mistral with a MoE layer in place of each MLP.
 *
 * @see <a href="https://arxiv.org/abs/2401.04088">Mixtral of Experts</a>
 */
final class Mixtral {

	private Mixtral() {
	}

	/**
	 * Config of Mixtral.
	 *
	 * @param slidingWindow positions that every layer sees; 0: all
	 */
	record Config(DecoderConfig decoder, int intermediateSize, Activation hiddenAct, float rmsNormEps,
			RopeParameters ropeParameters, int slidingWindow, Routing routing) {

		static Config of(ModelConfig config) {
			Routing routing = new Routing(config.getInt("num_local_experts", 8),
					config.getInt("num_experts_per_tok", 2), Routing.Scoring.SOFTMAX)
				.weighting(Routing.Weighting.NORMALIZED);
			return new Config(DecoderConfig.of(config, DecoderConfig.Defaults.numKeyValueHeads(8)),
					config.getPositiveInt("intermediate_size"),
					ActivationNames.of(config, "hidden_act", Activation.SILU), config.getFloat("rms_norm_eps", 1e-5f),
					config.ropeParameters(1_000_000), SlidingWindows.size(config, 0), routing.checked(config));
		}

		Mlp.Shape expert() {
			return Mlp.Shape.gated(this.decoder.hiddenSize(), this.intermediateSize, this.hiddenAct);
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
					layer.attention("self_attn").rotary(rotary).window(config.slidingWindow()).build());
			layer.add(layer.norm("post_attention_layernorm", norm),
					layer.moe(config.routing(), "block_sparse_moe.gate", Bias.ABSENT)
						.experts((expert) -> names.experts.mlp(expert, config.expert())));
		}
		return decoder.end(norm);
	}

	private static final class Names extends TensorNames {

		private final ExpertNames experts = new ExpertNames(this, "block_sparse_moe",
				new ExpertNames.Matrices("w1", "w3", "w2"), ExpertNames.Matrices.USUAL);

		Names(Checkpoint checkpoint) {
			super(checkpoint);
		}

	}

}
