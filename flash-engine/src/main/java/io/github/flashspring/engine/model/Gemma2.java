package io.github.flashspring.engine.model;

import java.util.List;

import io.github.flashspring.engine.checkpoint.ModelConfig;
import io.github.flashspring.engine.checkpoint.RopeParameters;
import io.github.flashspring.engine.device.Activation;

/**
 * Gemma 2: norms before and behind attention and MLP, with weights around zero; every
 * other layer slides; scores and logits are capped; GELU gates; scaled embeddings, tied
 * to the head.
 *
 * @see <a href="https://arxiv.org/abs/2408.00118">Gemma 2</a>
 */
final class Gemma2 {

	/** Sizes where the config does not say. */
	static final DecoderConfig.Defaults SIZES = DecoderConfig.Defaults.numKeyValueHeads(4)
		.headDim(256)
		.tiedEmbeddings();

	private Gemma2() {
	}

	/**
	 * Config of Gemma 2. Its {@code hidden_act}, if there is one, is not used.
	 *
	 * @param windows positions that each layer sees; 0: all
	 */
	record Config(DecoderConfig decoder, int intermediateSize, Activation hiddenActivation, float rmsNormEps,
			RopeParameters ropeParameters, List<Integer> windows, double queryPreAttnScalar, float attnLogitSoftcapping,
			float finalLogitSoftcapping, Bias attentionBias) {

		static Config of(ModelConfig config) {
			requireCausal(config);
			return new Config(DecoderConfig.of(config, SIZES), config.getPositiveInt("intermediate_size"),
					ActivationNames.of(config, "hidden_activation", Activation.GELU_TANH),
					config.getFloat("rms_norm_eps", 1e-6f), config.ropeParameters(),
					SlidingWindows.of(config, config.getInt("sliding_window", 4096), (layer) -> layer % 2 == 0),
					config.getDouble("query_pre_attn_scalar", 256), config.getFloat("attn_logit_softcapping", 50f, 0f),
					config.getFloat("final_logit_softcapping", 30f, 0f),
					Bias.of(config.getBoolean("attention_bias", false)));
		}

		static void requireCausal(ModelConfig config) {
			if (config.getBoolean("use_bidirectional_attention", false)) {
				throw new UnsupportedArchitectureException(config.file()
						+ ": use_bidirectional_attention is not supported: the engine generates text from left to right.",
						"Choose a model that was made to generate text.");
			}
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
		RotaryEmbedding rotary = decoder.rotary(config.ropeParameters());
		decoder.scaleEmbeddings((float) Math.sqrt(config.decoder().hiddenSize()));
		for (LayerBuilder layer : decoder.layers()) {
			layer.add(Residual.Branch.sandwich(layer.norm("input_layernorm", norm),
					layer.attention("self_attn")
						.rotary(rotary)
						.window(config.windows().get(layer.index()))
						.scale(config.attentionScale())
						.softcap(config.attnLogitSoftcapping())
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
