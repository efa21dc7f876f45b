package io.github.flashspring.engine.model;

import io.github.flashspring.engine.checkpoint.Checkpoint;
import io.github.flashspring.engine.checkpoint.ModelConfig;
import io.github.flashspring.engine.checkpoint.RopeParameters;
import io.github.flashspring.engine.device.Activation;

/**
 * Qwen 3 with MoE layers.
 *
 * @see <a href="https://arxiv.org/abs/2505.09388">Qwen3</a>
 */
final class Qwen3Moe {

	private Qwen3Moe() {
	}

	/**
	 * Config of Qwen 3 MoE.
	 *
	 * @param window positions that every layer sees; 0: all
	 */
	record Config(DecoderConfig decoder, SparseLayers sparse, Routing routing, int intermediateSize,
			int moeIntermediateSize, Activation hiddenAct, float rmsNormEps, RopeParameters ropeParameters, int window,
			Bias attentionBias) {

		static Config of(ModelConfig config) {
			SparseLayers sparse = SparseLayers.of(config);
			return new Config(DecoderConfig.of(config, DecoderConfig.Defaults.numKeyValueHeads(4)), sparse,
					sparse.routing(config, 8), sparse.denseSize(config),
					sparse.expertSize(config, "moe_intermediate_size"),
					ActivationNames.of(config, "hidden_act", Activation.SILU), config.getFloat("rms_norm_eps", 1e-6f),
					config.ropeParameters(), Qwen2.window(config), Bias.of(config.getBoolean("attention_bias", false)));
		}

		Mlp.Shape mlp(int width) {
			return Mlp.Shape.gated(this.decoder.hiddenSize(), width, this.hiddenAct);
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
						.queryKeyNorm(norm)
						.rotary(rotary)
						.window(config.window())
						.bias(config.attentionBias())
						.build());
			layer.add(layer.norm("post_attention_layernorm", norm), config.sparse().contains(layer.index())
					? moe(layer, config, names) : layer.mlp("mlp", config.mlp(config.intermediateSize())));
		}
		return decoder.end(norm);
	}

	private static Sublayer moe(LayerBuilder layer, Config config, Names names) {
		return layer.moe(config.routing(), "mlp.gate", Bias.ABSENT)
			.experts((expert) -> names.experts.mlp(expert, config.mlp(config.moeIntermediateSize())));
	}

	private static final class Names extends TensorNames {

		private final ExpertNames experts = new ExpertNames(this, "mlp");

		Names(Checkpoint checkpoint) {
			super(checkpoint);
		}

	}

}
