package io.github.flashspring.engine.model;

import io.github.flashspring.engine.checkpoint.ModelConfig;
import io.github.flashspring.engine.device.Activation;
import io.github.flashspring.engine.weights.WeightGroup;

/**
 * Llama 1 to 3 and its descendants: layers of attention with rotary positions and of a
 * feed-forward part with a SiLU gate, each behind a root mean square norm.
 *
 * @see <a href="https://arxiv.org/abs/2407.21783">Llama 3</a>
 */
final class Llama {

	private Llama() {
	}

	static ModelDefinition define(ModelSource source) {
		ModelConfig config = source.config();
		DecoderConfig sizes = DecoderConfig.of(config);
		Decoder decoder = new Decoder(source, sizes);
		Norm.Kind norm = Norm.Kind.rms(config.getFloat("rms_norm_eps", 1e-6f));
		RotaryEmbedding rotary = decoder.rotary(config.ropeParameters(), sizes.headDim());
		boolean attentionBias = config.getBoolean("attention_bias", false);
		Mlp.Shape mlp = new Mlp.Shape(sizes.hiddenSize(), DecoderConfig.positive(config, "intermediate_size"),
				ActivationNames.of(config, "hidden_act", Activation.SILU), true, config.getBoolean("mlp_bias", false));
		for (int i = 0; i < sizes.numHiddenLayers(); i++) {
			WeightGroup unit = decoder.unit(i);
			decoder.add(unit,
					Residual.Branch.of(norm.of(unit, "input_layernorm", sizes.hiddenSize()),
							decoder.attention(unit).rotary(rotary).bias(attentionBias, attentionBias).build()),
					Residual.Branch.of(norm.of(unit, "post_attention_layernorm", sizes.hiddenSize()),
							decoder.feedForward(unit, "mlp", mlp)));
		}
		return decoder.end(norm).build();
	}

}
