package io.github.flashspring.engine.model;

import io.github.flashspring.engine.checkpoint.ModelConfig;
import io.github.flashspring.engine.checkpoint.RopeParameters;
import io.github.flashspring.engine.device.Activation;

/**
 * Granite 3 (dense): Llama with four factors: of the embeddings, the scores, what layers
 * add to the stream, and the logits.
 *
 * @see <a href="https://github.com/ibm-granite/granite-3.0-language-models">Granite
 * 3.0</a>
 */
final class Granite {

	private Granite() {
	}

	record Config(DecoderConfig decoder, int intermediateSize, Activation hiddenAct, float rmsNormEps,
			RopeParameters ropeParameters, Bias attentionBias, Bias mlpBias, float embeddingMultiplier,
			float attentionMultiplier, float residualMultiplier, double logitsScaling) {

		static Config of(ModelConfig config) {
			double logitsScaling = config.getDouble("logits_scaling", 1);
			if (!(logitsScaling > 0)) {
				throw config.wrong("logits_scaling", "a number above 0", String.valueOf(logitsScaling));
			}
			return new Config(DecoderConfig.of(config), config.getPositiveInt("intermediate_size"),
					ActivationNames.of(config, "hidden_act", Activation.SILU), config.getFloat("rms_norm_eps", 1e-6f),
					config.ropeParameters(), Bias.of(config.getBoolean("attention_bias", false)),
					Bias.of(config.getBoolean("mlp_bias", false)), config.getFloat("embedding_multiplier", 1f),
					config.getFloat("attention_multiplier", 1f), config.getFloat("residual_multiplier", 1f),
					logitsScaling);
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
		decoder.scaleEmbeddings(config.embeddingMultiplier());
		for (LayerBuilder layer : decoder.layers()) {
			layer.add(
					Residual.Branch
						.preNorm(layer.norm("input_layernorm", norm),
								layer.attention("self_attn")
									.rotary(rotary)
									.scale(config.attentionMultiplier())
									.bias(config.attentionBias())
									.build())
						.times(config.residualMultiplier()));
			layer.add(Residual.Branch
				.preNorm(layer.norm("post_attention_layernorm", norm), layer.mlp("mlp", config.mlp()))
				.times(config.residualMultiplier()));
		}
		decoder.scaleLogits((float) (1 / config.logitsScaling()));
		return decoder.end(norm);
	}

}
