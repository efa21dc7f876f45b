package io.github.flashspring.engine.model;

import java.util.List;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;

import io.github.flashspring.engine.checkpoint.ModelConfig;

/**
 * Reads which layers see a sliding window of positions.
 */
final class SlidingWindows {

	private SlidingWindows() {
	}

	/**
	 * Reads {@code sliding_window}.
	 * @param config the model's config
	 * @param absent positions if the property is absent
	 * @return positions that a sliding layer sees; 0: all, as where it is null
	 */
	static int size(ModelConfig config, int absent) {
		return Math.max(0, config.getInt("sliding_window", absent, 0));
	}

	/**
	 * Windows of all layers by {@code layer_types}, otherwise by their index.
	 * @param config the model's config
	 * @param window positions that a sliding layer sees; 0 or less: all
	 * @param slides whether a layer slides if the config has no {@code layer_types}
	 * @return a window for each layer; 0: all positions
	 */
	static List<Integer> of(ModelConfig config, int window, IntPredicate slides) {
		int layers = config.getInt("num_hidden_layers");
		List<String> types = config.getStrings("layer_types");
		if (!types.isEmpty() && types.size() != layers) {
			throw config.wrong("layer_types", layers + " entries, one a layer", types.size() + " entries");
		}
		return IntStream.range(0, layers).map((layer) -> {
			boolean sliding = types.isEmpty() ? slides.test(layer) : switch (types.get(layer)) {
				case "full_attention" -> false;
				case "sliding_attention" -> true;
				default -> throw config.wrong("layer_types", "full_attention or sliding_attention", types.get(layer));
			};
			return sliding ? Math.max(0, window) : 0;
		}).boxed().toList();
	}

}
