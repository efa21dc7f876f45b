package io.github.flashspring.engine.model;

import io.github.flashspring.engine.checkpoint.ModelConfig;

/**
 * Mistral: Llama with a sliding window in all layers, in its early versions.
 *
 * @see <a href="https://arxiv.org/abs/2310.06825">Mistral 7B</a>
 */
final class Mistral {

	private Mistral() {
	}

	static ModelDefinition define(ModelConfig config) {
		DecoderConfig.Common common = DecoderConfig.Common.of(config);
		int window = config.getInt("sliding_window", 0);
		return Decoder.define(new DecoderConfig(common, false, false, false, false, common.windows((layer) -> window)));
	}

}
