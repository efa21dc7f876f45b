package io.github.flashspring.engine.model;

import io.github.flashspring.engine.checkpoint.ModelConfig;
import io.github.flashspring.engine.device.Activation;
import io.github.flashspring.engine.weights.WeightGroup;

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

	static ModelDefinition define(ModelSource source) {
		ModelConfig config = source.config();
		DecoderConfig sizes = DecoderConfig.of(config);
		Decoder decoder = new Decoder(source, sizes);
		Norm.Kind norm = Norm.Kind.rms(config.getFloat("rms_norm_eps", 1e-6f));
		RotaryEmbedding rotary = decoder.rotary(config.ropeParameters(), sizes.headDim());
		boolean bias = config.getBoolean("attention_bias", false);
		float residual = config.getFloat("residual_multiplier", 1f);
		float scale = config.getFloat("attention_multiplier", 1f);
		Mlp.Shape mlp = new Mlp.Shape(sizes.hiddenSize(), DecoderConfig.positive(config, "intermediate_size"),
				ActivationNames.of(config, "hidden_act", Activation.SILU), true, config.getBoolean("mlp_bias", false));
		for (int i = 0; i < sizes.numHiddenLayers(); i++) {
			WeightGroup unit = decoder.unit(i);
			decoder.add(unit, new Residual.Branch(norm.of(unit, "input_layernorm", sizes.hiddenSize()),
					decoder.attention(unit).rotary(rotary).scale(scale).bias(bias, bias).build(), null, residual),
					new Residual.Branch(norm.of(unit, "post_attention_layernorm", sizes.hiddenSize()),
							decoder.feedForward(unit, "mlp", mlp), null, residual));
		}
		double logitsScaling = config.getDouble("logits_scaling", 1);
		if (!(logitsScaling > 0)) {
			throw config.wrong("logits_scaling", "a number above 0", String.valueOf(logitsScaling));
		}
		return decoder.end(norm)
			.embeddingScale(config.getFloat("embedding_multiplier", 1f))
			.logits((float) (1 / logitsScaling), 0f)
			.build();
	}

}
