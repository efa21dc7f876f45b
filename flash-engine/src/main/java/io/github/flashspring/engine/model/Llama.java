package io.github.flashspring.engine.model;

import io.github.flashspring.engine.checkpoint.ModelConfig;
import io.github.flashspring.engine.checkpoint.RopeParameters;
import io.github.flashspring.engine.device.Activation;

/**
 * Llama 1 to 3 and its descendants: layers of attention with rotary positions and of an
 * MLP with a SiLU gate, each behind a root mean square norm.
 *
 * @see <a href="https://arxiv.org/abs/2407.21783">Llama 3</a>
 */
final class Llama {

	private Llama() {
	}

	record Config(DecoderConfig decoder, int intermediateSize, Activation hiddenAct, float rmsNormEps,
			RopeParameters ropeParameters, Bias attentionBias, Bias mlpBias) {

		static Config of(ModelConfig config) {
			return new Config(DecoderConfig.of(config), config.getPositiveInt("intermediate_size"),
					ActivationNames.of(config, "hidden_act", Activation.SILU), config.getFloat("rms_norm_eps", 1e-6f),
					config.ropeParameters(), Bias.of(config.getBoolean("attention_bias", false)),
					Bias.of(config.getBoolean("mlp_bias", false)));
		}

		Mlp.Shape mlp() {
			return Mlp.Shape.gated(this.decoder.hiddenSize(), this.intermediateSize, this.hiddenAct).bias(this.mlpBias);
		}

	}

	static ModelDefinition define(ModelSource source) {
		Config config = Config.of(source.config());
		Decoder decoder = new Decoder(source, config.decoder());
		Norm.Kind norm = Norm.Kind.rms(config.rmsNormEps());
		RotaryEmbedding rotary = decoder.rotary(config.ropeParameters());
		for (LayerBuilder layer : decoder.layers()) {
			layer.add(layer.norm("input_layernorm", norm),
					layer.attention("self_attn").rotary(rotary).bias(config.attentionBias()).build());
			layer.add(layer.norm("post_attention_layernorm", norm), layer.mlp("mlp", config.mlp()));
		}
		return decoder.end(norm);
	}

}
