package io.github.flashspring.engine.model;

import java.util.List;
import java.util.OptionalInt;

import io.github.flashspring.engine.checkpoint.ModelConfig;
import io.github.flashspring.engine.checkpoint.RopeParameters;
import io.github.flashspring.engine.device.Activation;

/**
 * Gemma 3 (text): Gemma 2 with norms of queries and keys instead of capped scores, five
 * sliding layers for each that sees everything, and higher frequencies in those that
 * slide.
 *
 * @see <a href="https://arxiv.org/abs/2503.19786">Gemma 3</a>
 */
final class Gemma3 {

	private Gemma3() {
	}

	/**
	 * Config of Gemma 3. Its {@code attn_logit_softcapping} is left over from Gemma 2: no
	 * layer uses it.
	 *
	 * @param ropeParameters of layers that see everything
	 * @param localRopeParameters of sliding layers
	 * @param windows positions that each layer sees; 0: all
	 */
	record Config(DecoderConfig decoder, int intermediateSize, Activation hiddenActivation, float rmsNormEps,
			RopeParameters ropeParameters, RopeParameters localRopeParameters, List<Integer> windows,
			double queryPreAttnScalar, float finalLogitSoftcapping, Bias attentionBias) {

		static Config of(ModelConfig config) {
			Gemma2.Config.requireCausal(config);
			int pattern = Math.max(1,
					config.getInt("sliding_window_pattern", config.getInt("_sliding_window_pattern", 6)));
			return new Config(DecoderConfig.of(config, Gemma2.SIZES), config.getPositiveInt("intermediate_size"),
					ActivationNames.of(config, "hidden_activation", Activation.GELU_TANH),
					config.getFloat("rms_norm_eps", 1e-6f), config.ropeParameters("full_attention", 1_000_000),
					localRopeParameters(config),
					SlidingWindows.of(config, config.getInt("sliding_window", 4096),
							(layer) -> (layer + 1) % pattern != 0),
					config.getDouble("query_pre_attn_scalar", 256), config.getFloat("final_logit_softcapping", 0f, 0f),
					Bias.of(config.getBoolean("attention_bias", false)));
		}

		/** Of their own layer type, otherwise plain with a base of their own. */
		private static RopeParameters localRopeParameters(ModelConfig config) {
			boolean byType = config.child("rope_parameters")
				.filter((rope) -> rope.has("sliding_attention"))
				.isPresent();
			if (byType) {
				return config.ropeParameters("sliding_attention", 10_000);
			}
			return new RopeParameters("default", config.getDouble("rope_local_base_freq", 10_000), 1,
					OptionalInt.empty(), ModelConfig.parse(config.file(), "{}"));
		}

		float attentionScale() {
			return (float) (1 / Math.sqrt(this.queryPreAttnScalar));
		}

		Mlp.Shape mlp() {
			return Mlp.Shape.gated(this.decoder.hiddenSize(), this.intermediateSize, this.hiddenActivation);
		}

	}

	static ModelDefinition define(ModelSource source) {
		Config config = Config.of(source.config());
		Decoder decoder = new Decoder(source, config.decoder());
		Norm.Kind norm = Norm.Kind.rms(1f, config.rmsNormEps());
		RotaryEmbedding global = decoder.rotary(config.ropeParameters());
		RotaryEmbedding local = decoder.rotary(config.localRopeParameters());
		decoder.scaleEmbeddings((float) Math.sqrt(config.decoder().hiddenSize()));
		for (LayerBuilder layer : decoder.layers()) {
			int window = config.windows().get(layer.index());
			layer.add(Residual.Branch.sandwich(layer.norm("input_layernorm", norm),
					layer.attention("self_attn")
						.queryKeyNorm(norm)
						.rotary((window > 0) ? local : global)
						.window(window)
						.scale(config.attentionScale())
						.bias(config.attentionBias())
						.build(),
					layer.norm("post_attention_layernorm", norm)));
			layer.add(Residual.Branch.sandwich(layer.norm("pre_feedforward_layernorm", norm),
					layer.mlp("mlp", config.mlp()), layer.norm("post_feedforward_layernorm", norm)));
		}
		decoder.capLogits(config.finalLogitSoftcapping());
		return decoder.end(norm);
	}

}
