package io.github.flashspring.engine.model;

import java.util.List;

import io.github.flashspring.engine.checkpoint.ModelConfig;
import io.github.flashspring.engine.checkpoint.RopeParameters;
import io.github.flashspring.engine.device.Activation;

/**
 * Qwen 3 (dense): Llama with norms of queries and keys, and optional sliding windows.
 *
 * @see <a href="https://arxiv.org/abs/2505.09388">Qwen3</a>
 */
final class Qwen3 {

	private Qwen3() {
	}

	/**
	 * Config of Qwen 3.
	 *
	 * @param windows positions that each layer sees; 0: all
	 */
	record Config(DecoderConfig decoder, int intermediateSize, Activation hiddenAct, float rmsNormEps,
			RopeParameters ropeParameters, List<Integer> windows, Bias attentionBias) {

		static Config of(ModelConfig config) {
			return new Config(DecoderConfig.of(config, DecoderConfig.Defaults.numKeyValueHeads(32).headDim(128)),
					config.getPositiveInt("intermediate_size"),
					ActivationNames.of(config, "hidden_act", Activation.SILU), config.getFloat("rms_norm_eps", 1e-6f),
					config.ropeParameters(), Qwen2.windows(config),
					Bias.of(config.getBoolean("attention_bias", false)));
		}

		Mlp.Shape mlp() {
			return Mlp.Shape.gated(this.decoder.hiddenSize(), this.intermediateSize, this.hiddenAct);
		}

	}

	static ModelDefinition define(ModelSource source) {
		Config config = Config.of(source.config());
		Decoder decoder = new Decoder(source, config.decoder());
		Norm.Kind norm = Norm.Kind.rms(config.rmsNormEps());
		RotaryEmbedding rotary = decoder.rotary(config.ropeParameters());
		for (LayerBuilder layer : decoder.layers()) {
			layer.add(layer.norm("input_layernorm", norm),
					layer.attention("self_attn")
						.queryKeyNorm(norm)
						.rotary(rotary)
						.window(config.windows().get(layer.index()))
						.bias(config.attentionBias())
						.build());
			layer.add(layer.norm("post_attention_layernorm", norm), layer.mlp("mlp", config.mlp()));
		}
		return decoder.end(norm);
	}

}
