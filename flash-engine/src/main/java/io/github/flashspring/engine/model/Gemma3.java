package io.github.flashspring.engine.model;

import java.util.OptionalInt;

import io.github.flashspring.engine.checkpoint.ModelConfig;
import io.github.flashspring.engine.checkpoint.RopeParameters;
import io.github.flashspring.engine.weights.WeightGroup;

/**
 * Gemma 3 (text): Gemma 2 with norms of queries and keys instead of capped scores, five
 * sliding layers for each that sees everything, and faster turns in those that slide. Its
 * {@code attn_logit_softcapping} is left over from Gemma 2: no layer uses it.
 *
 * @see <a href="https://arxiv.org/abs/2503.19786">Gemma 3</a>
 */
final class Gemma3 {

	private Gemma3() {
	}

	static ModelDefinition define(ModelSource source) {
		ModelConfig config = source.config();
		Gemma2.requireCausal(config);
		DecoderConfig sizes = DecoderConfig.of(config, Gemma2.SIZES);
		Decoder decoder = new Decoder(source, sizes);
		Norm.Kind norm = Norm.Kind.rms(1f, config.getFloat("rms_norm_eps", 1e-6f));
		RotaryEmbedding global = decoder.rotary(config.ropeParameters("full_attention", 1_000_000), sizes.headDim());
		RotaryEmbedding local = decoder.rotary(localRope(config), sizes.headDim());
		int pattern = config.getInt("sliding_window_pattern", config.getInt("_sliding_window_pattern", 6));
		int[] windows = sizes.windows(config, config.getInt("sliding_window", 4096),
				(layer) -> (layer + 1) % Math.max(1, pattern));
		float scale = (float) (1 / Math.sqrt(config.getDouble("query_pre_attn_scalar", 256)));
		boolean bias = config.getBoolean("attention_bias", false);
		Mlp.Shape mlp = Gemma2.mlp(config, sizes);
		for (int i = 0; i < sizes.numHiddenLayers(); i++) {
			WeightGroup unit = decoder.unit(i);
			decoder.add(unit,
					Gemma2.sandwich(unit, norm, "input_layernorm",
							decoder.attention(unit)
								.rotary((windows[i] > 0) ? local : global)
								.window(windows[i])
								.scale(scale)
								.bias(bias, bias)
								.normOfHeads(norm)
								.build(),
							"post_attention_layernorm", sizes.hiddenSize()),
					Gemma2.sandwich(unit, norm, "pre_feedforward_layernorm", decoder.feedForward(unit, "mlp", mlp),
							"post_feedforward_layernorm", sizes.hiddenSize()));
		}
		return Gemma2.end(decoder, norm, 0f);
	}

	/** Turns of sliding layers: of their own type, or plain with a base of their own. */
	private static RopeParameters localRope(ModelConfig config) {
		boolean byType = config.child("rope_parameters").filter((rope) -> rope.has("sliding_attention")).isPresent();
		if (byType) {
			return config.ropeParameters("sliding_attention", 10_000);
		}
		return new RopeParameters("default", config.getDouble("rope_local_base_freq", 10_000), 1, OptionalInt.empty(),
				ModelConfig.parse(config.file(), "{}"));
	}

}
