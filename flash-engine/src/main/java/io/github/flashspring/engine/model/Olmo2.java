package io.github.flashspring.engine.model;

import io.github.flashspring.engine.checkpoint.ModelConfig;
import io.github.flashspring.engine.checkpoint.RopeParameters;
import io.github.flashspring.engine.device.Activation;

/**
 * OLMo 2: norms behind attention and MLP instead of before them, and norms of all queries
 * and of all keys.
 *
 * @see <a href="https://arxiv.org/abs/2501.00656">2 OLMo 2 Furious</a>
 */
final class Olmo2 {

	private Olmo2() {
	}

	record Config(DecoderConfig decoder, int intermediateSize, Activation hiddenAct, float rmsNormEps,
			RopeParameters ropeParameters, Bias attentionBias) {

		static Config of(ModelConfig config) {
			return new Config(DecoderConfig.of(config), config.getPositiveInt("intermediate_size"),
					ActivationNames.of(config, "hidden_act", Activation.SILU), config.getFloat("rms_norm_eps", 1e-5f),
					config.ropeParameters(), Bias.of(config.getBoolean("attention_bias", false)));
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
			layer.add(Residual.Branch.postNorm(layer.attention("self_attn")
				.queryKeyNormOfAllHeads(norm)
				.rotary(rotary)
				.bias(config.attentionBias())
				.build(), layer.norm("post_attention_layernorm", norm)));
			layer.add(Residual.Branch.postNorm(layer.mlp("mlp", config.mlp()),
					layer.norm("post_feedforward_layernorm", norm)));
		}
		return decoder.end(norm);
	}

}
