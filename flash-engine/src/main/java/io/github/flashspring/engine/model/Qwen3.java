package io.github.flashspring.engine.model;

import io.github.flashspring.engine.checkpoint.ModelConfig;

/**
 * Qwen 3 (dense): Llama with norms of queries and keys, and optional sliding windows.
 *
 * @see <a href="https://arxiv.org/abs/2505.09388">Qwen3</a>
 */
final class Qwen3 {

	private Qwen3() {
	}

	static ModelDefinition define(ModelConfig config) {
		DecoderConfig.Common common = DecoderConfig.Common.of(config);
		boolean attentionBias = config.getBoolean("attention_bias", false);
		return Decoder.define(
				new DecoderConfig(common, attentionBias, attentionBias, false, true, Qwen2.windows(config, common)));
	}

}
