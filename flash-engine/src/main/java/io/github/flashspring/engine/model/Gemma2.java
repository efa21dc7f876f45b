package io.github.flashspring.engine.model;

import io.github.flashspring.engine.checkpoint.ModelConfig;
import io.github.flashspring.engine.device.Activation;
import io.github.flashspring.engine.weights.WeightGroup;

/**
 * Gemma 2: norms before and behind every part, with weights around zero; every other
 * layer slides; scores and logits are capped; GELU gates; scaled embeddings, tied to the
 * head.
 *
 * @see <a href="https://arxiv.org/abs/2408.00118">Gemma 2</a>
 */
final class Gemma2 {

	/** Sizes where the file does not say. */
	static final DecoderConfig.Defaults SIZES = new DecoderConfig.Defaults(4, 256, true);

	private Gemma2() {
	}

	static ModelDefinition define(ModelSource source) {
		ModelConfig config = source.config();
		requireCausal(config);
		DecoderConfig sizes = DecoderConfig.of(config, SIZES);
		Decoder decoder = new Decoder(source, sizes);
		Norm.Kind norm = Norm.Kind.rms(1f, config.getFloat("rms_norm_eps", 1e-6f));
		RotaryEmbedding rotary = decoder.rotary(config.ropeParameters(), sizes.headDim());
		int[] windows = sizes.windows(config, config.getInt("sliding_window", 4096), (layer) -> (layer + 1) % 2);
		float scale = (float) (1 / Math.sqrt(config.getDouble("query_pre_attn_scalar", 256)));
		float softcap = config.getFloat("attn_logit_softcapping", 50f, 0f);
		boolean bias = config.getBoolean("attention_bias", false);
		Mlp.Shape mlp = mlp(config, sizes);
		for (int i = 0; i < sizes.numHiddenLayers(); i++) {
			WeightGroup unit = decoder.unit(i);
			decoder.add(unit,
					sandwich(unit, norm, "input_layernorm",
							decoder.attention(unit)
								.rotary(rotary)
								.window(windows[i])
								.scale(scale)
								.softcap(softcap)
								.bias(bias, bias)
								.build(),
							"post_attention_layernorm", sizes.hiddenSize()),
					sandwich(unit, norm, "pre_feedforward_layernorm", decoder.feedForward(unit, "mlp", mlp),
							"post_feedforward_layernorm", sizes.hiddenSize()));
		}
		return end(decoder, norm, 30f);
	}

	static void requireCausal(ModelConfig config) {
		if (config.getBoolean("use_bidirectional_attention", false)) {
			throw new UnsupportedArchitectureException(config.file()
					+ ": use_bidirectional_attention is not supported: the engine generates text from left to right.",
					"Choose a model that was made to generate text.");
		}
	}

	/** The file's {@code hidden_act}, if there is one, is left over: it is not used. */
	static Mlp.Shape mlp(ModelConfig config, DecoderConfig sizes) {
		return new Mlp.Shape(sizes.hiddenSize(), DecoderConfig.positive(config, "intermediate_size"),
				ActivationNames.of(config, "hidden_activation", Activation.GELU_TANH), true, false);
	}

	/** A branch between two norms. */
	static Residual.Branch sandwich(WeightGroup unit, Norm.Kind norm, String before, Sublayer sublayer, String after,
			int width) {
		return new Residual.Branch(norm.of(unit, before, width), sublayer, norm.of(unit, after, width), 1f);
	}

	/**
	 * Ends the model.
	 * @param decoder the model
	 * @param norm kind of the final norm
	 * @param absentCap cap of the logits if the file leaves it out; 0: none
	 * @return the model
	 */
	static ModelDefinition end(Decoder decoder, Norm.Kind norm, float absentCap) {
		return decoder.end(norm)
			.embeddingScale((float) Math.sqrt(decoder.config().hiddenSize()))
			.logits(1f, decoder.source().config().getFloat("final_logit_softcapping", absentCap, 0f))
			.build();
	}

}
