package io.github.flashspring.engine.model;

import io.github.flashspring.engine.checkpoint.ModelConfig;
import io.github.flashspring.engine.device.Activation;
import io.github.flashspring.engine.weights.WeightGroup;

/**
 * Qwen 3 (dense): Llama with norms of queries and keys, and optional sliding windows.
 *
 * @see <a href="https://arxiv.org/abs/2505.09388">Qwen3</a>
 */
final class Qwen3 {

	private Qwen3() {
	}

	static ModelDefinition define(ModelSource source) {
		ModelConfig config = source.config();
		DecoderConfig sizes = DecoderConfig.of(config, new DecoderConfig.Defaults(32, 128, false));
		Decoder decoder = new Decoder(source, sizes);
		Norm.Kind norm = Norm.Kind.rms(config.getFloat("rms_norm_eps", 1e-6f));
		RotaryEmbedding rotary = decoder.rotary(config.ropeParameters(), sizes.headDim());
		int[] windows = Qwen2.windows(config, sizes);
		boolean bias = config.getBoolean("attention_bias", false);
		Mlp.Shape mlp = new Mlp.Shape(sizes.hiddenSize(), DecoderConfig.positive(config, "intermediate_size"),
				ActivationNames.of(config, "hidden_act", Activation.SILU), true, false);
		for (int i = 0; i < sizes.numHiddenLayers(); i++) {
			WeightGroup unit = decoder.unit(i);
			decoder.add(unit,
					Residual.Branch.of(norm.of(unit, "input_layernorm", sizes.hiddenSize()),
							decoder.attention(unit)
								.rotary(rotary)
								.window(windows[i])
								.bias(bias, bias)
								.normOfHeads(norm)
								.build()),
					Residual.Branch.of(norm.of(unit, "post_attention_layernorm", sizes.hiddenSize()),
							decoder.feedForward(unit, "mlp", mlp)));
		}
		return decoder.end(norm).build();
	}

}
