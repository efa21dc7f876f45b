package io.github.flashspring.engine.model;

import io.github.flashspring.engine.checkpoint.ModelConfig;

/**
 * Llama 1 to 3 and its descendants.
 *
 * @see <a href="https://arxiv.org/abs/2407.21783">Llama 3</a>
 */
final class Llama {

	private Llama() {
	}

	static ModelDefinition define(ModelConfig config) {
		DecoderConfig.Common common = DecoderConfig.Common.of(config);
		boolean attentionBias = config.getBoolean("attention_bias", false);
		return Decoder.define(new DecoderConfig(common, attentionBias, attentionBias,
				config.getBoolean("mlp_bias", false), false, common.windows((layer) -> 0)));
	}

}
