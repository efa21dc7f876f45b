package io.github.flashspring.engine.model;

import io.github.flashspring.engine.checkpoint.ModelConfig;

/**
 * Qwen 2 and 2.5: Llama with biases of queries, keys and values, and optional sliding
 * windows.
 *
 * @see <a href="https://arxiv.org/abs/2407.10671">Qwen2</a>
 */
final class Qwen2 {

	private Qwen2() {
	}

	static ModelDefinition define(ModelConfig config) {
		DecoderConfig.Common common = DecoderConfig.Common.of(config);
		return Decoder.define(new DecoderConfig(common, true, false, false, false, windows(config, common)));
	}

	/**
	 * Layers from {@code max_window_layers} on slide, or those that {@code layer_types}
	 * names.
	 */
	static int[] windows(ModelConfig config, DecoderConfig.Common common) {
		if (!config.getBoolean("use_sliding_window", false) || !config.has("sliding_window")) {
			return common.windows((layer) -> 0);
		}
		int window = config.getInt("sliding_window");
		if (config.has("layer_types")) {
			return common.windows((layer) -> switch (common.layerTypes().get(layer)) {
				case "full_attention" -> 0;
				case "sliding_attention" -> window;
				default -> throw config.wrong("layer_types", "full_attention or sliding_attention",
						common.layerTypes().get(layer));
			});
		}
		int first = config.getInt("max_window_layers", common.numHiddenLayers());
		return common.windows((layer) -> (layer >= first) ? window : 0);
	}

}
