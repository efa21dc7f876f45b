package io.github.flashspring.engine.model;

import io.github.flashspring.engine.checkpoint.ModelConfig;
import io.github.flashspring.engine.device.Activation;
import io.github.flashspring.engine.weights.WeightGroup;

/**
 * OLMo 2: norms behind attention and the feed-forward part instead of before them, and
 * norms of all queries and of all keys.
 *
 * @see <a href="https://arxiv.org/abs/2501.00656">2 OLMo 2 Furious</a>
 */
final class Olmo2 {

	private Olmo2() {
	}

	static ModelDefinition define(ModelSource source) {
		ModelConfig config = source.config();
		DecoderConfig sizes = DecoderConfig.of(config);
		Decoder decoder = new Decoder(source, sizes);
		Norm.Kind norm = Norm.Kind.rms(config.getFloat("rms_norm_eps", 1e-5f));
		RotaryEmbedding rotary = decoder.rotary(config.ropeParameters(), sizes.headDim());
		boolean bias = config.getBoolean("attention_bias", false);
		Mlp.Shape mlp = new Mlp.Shape(sizes.hiddenSize(), DecoderConfig.positive(config, "intermediate_size"),
				ActivationNames.of(config, "hidden_act", Activation.SILU), true, false);
		for (int i = 0; i < sizes.numHiddenLayers(); i++) {
			WeightGroup unit = decoder.unit(i);
			decoder.add(unit,
					new Residual.Branch(null,
							decoder.attention(unit).rotary(rotary).bias(bias, bias).normOfAllHeads(norm).build(),
							norm.of(unit, "post_attention_layernorm", sizes.hiddenSize()), 1f),
					new Residual.Branch(null, decoder.feedForward(unit, "mlp", mlp),
							norm.of(unit, "post_feedforward_layernorm", sizes.hiddenSize()), 1f));
		}
		return decoder.end(norm).build();
	}

}
