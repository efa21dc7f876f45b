package io.github.flashspring.engine.model;

import io.github.flashspring.engine.checkpoint.ModelConfig;
import io.github.flashspring.engine.device.Activation;
import io.github.flashspring.engine.weights.WeightGroup;

/**
 * Qwen 2 and 2.5: Llama with biases of queries, keys and values, and optional sliding
 * windows.
 *
 * @see <a href="https://arxiv.org/abs/2407.10671">Qwen2</a>
 */
final class Qwen2 {

	private Qwen2() {
	}

	static ModelDefinition define(ModelSource source) {
		ModelConfig config = source.config();
		DecoderConfig sizes = DecoderConfig.of(config, new DecoderConfig.Defaults(32, 0, false));
		Decoder decoder = new Decoder(source, sizes);
		Norm.Kind norm = Norm.Kind.rms(config.getFloat("rms_norm_eps", 1e-6f));
		RotaryEmbedding rotary = decoder.rotary(config.ropeParameters(), sizes.headDim());
		int[] windows = windows(config, sizes);
		Mlp.Shape mlp = new Mlp.Shape(sizes.hiddenSize(), DecoderConfig.positive(config, "intermediate_size"),
				ActivationNames.of(config, "hidden_act", Activation.SILU), true, false);
		for (int i = 0; i < sizes.numHiddenLayers(); i++) {
			WeightGroup unit = decoder.unit(i);
			decoder.add(unit,
					Residual.Branch.of(norm.of(unit, "input_layernorm", sizes.hiddenSize()),
							decoder.attention(unit).rotary(rotary).window(windows[i]).bias(true, false).build()),
					Residual.Branch.of(norm.of(unit, "post_attention_layernorm", sizes.hiddenSize()),
							decoder.feedForward(unit, "mlp", mlp)));
		}
		return decoder.end(norm).build();
	}

	/**
	 * The window of Qwen models, which they do not use unless told so.
	 * @param config the model's settings
	 * @return positions that a sliding layer sees; 0: all
	 */
	static int window(ModelConfig config) {
		return config.getBoolean("use_sliding_window", false) ? DecoderConfig.window(config, 4096) : 0;
	}

	/**
	 * Windows of dense Qwen models: those layers slide that {@code layer_types} names, or
	 * else those from {@code max_window_layers} on; none without
	 * {@code use_sliding_window}.
	 * @param config the model's settings
	 * @param sizes layers
	 * @return a window for each layer; 0: all positions
	 */
	static int[] windows(ModelConfig config, DecoderConfig sizes) {
		int window = window(config);
		int first = config.getInt("max_window_layers", 28);
		return sizes.windows(config, window, (layer) -> (layer >= first) ? 1 : 0);
	}

}
