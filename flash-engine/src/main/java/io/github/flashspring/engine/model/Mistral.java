package io.github.flashspring.engine.model;

import io.github.flashspring.engine.checkpoint.ModelConfig;
import io.github.flashspring.engine.device.Activation;
import io.github.flashspring.engine.weights.WeightGroup;

/**
 * Mistral: Llama with a sliding window in all layers, in its early versions; in those of
 * which the file names types, as for Ministral.
 *
 * @see <a href="https://arxiv.org/abs/2310.06825">Mistral 7B</a>
 */
final class Mistral {

	private Mistral() {
	}

	static ModelDefinition define(ModelSource source) {
		ModelConfig config = source.config();
		DecoderConfig sizes = DecoderConfig.of(config, new DecoderConfig.Defaults(8, 0, false));
		Decoder decoder = new Decoder(source, sizes);
		Norm.Kind norm = Norm.Kind.rms(config.getFloat("rms_norm_eps", 1e-6f));
		RotaryEmbedding rotary = decoder.rotary(config.ropeParameters(), sizes.headDim());
		int[] windows = sizes.windows(config, DecoderConfig.window(config, 4096), (layer) -> 1);
		Mlp.Shape mlp = new Mlp.Shape(sizes.hiddenSize(), DecoderConfig.positive(config, "intermediate_size"),
				ActivationNames.of(config, "hidden_act", Activation.SILU), true, false);
		for (int i = 0; i < sizes.numHiddenLayers(); i++) {
			WeightGroup unit = decoder.unit(i);
			decoder.add(unit,
					Residual.Branch.of(norm.of(unit, "input_layernorm", sizes.hiddenSize()),
							decoder.attention(unit).rotary(rotary).window(windows[i]).build()),
					Residual.Branch.of(norm.of(unit, "post_attention_layernorm", sizes.hiddenSize()),
							decoder.feedForward(unit, "mlp", mlp)));
		}
		return decoder.end(norm).build();
	}

}
