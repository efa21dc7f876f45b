package io.github.flashspring.engine.model;

import java.util.List;
import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;

import io.github.flashspring.engine.checkpoint.ModelConfig;
import io.github.flashspring.engine.checkpoint.RopeParameters;

/**
 * A decoder-only transformer of the Llama family.
 *
 * @param common sizes
 * @param queryKeyValueBias biases of q, k and v
 * @param outputBias bias of o
 * @param mlpBias biases of the feed-forward part
 * @param queryKeyNorm norms of every query and key head
 * @param slidingWindows positions that each layer sees; 0: all
 */
record DecoderConfig(Common common, boolean queryKeyValueBias, boolean outputBias, boolean mlpBias,
		boolean queryKeyNorm, int[] slidingWindows) {

	/**
	 * What every {@code config.json} of the family says, in its own terms.
	 *
	 * @param hiddenSize width of the residual stream
	 * @param intermediateSize width of the feed-forward part
	 * @param numHiddenLayers layers
	 * @param numAttentionHeads query heads
	 * @param numKeyValueHeads key-value heads; divides the query heads
	 * @param headDim length of a head, even
	 * @param vocabSize tokens
	 * @param maxPositionEmbeddings positions the model was trained for
	 * @param rmsNormEps epsilon of all norms
	 * @param tieWordEmbeddings whether the head is the embedding
	 * @param layerTypes kind of attention of each layer; empty if not given
	 * @param rope positions
	 */
	record Common(int hiddenSize, int intermediateSize, int numHiddenLayers, int numAttentionHeads,
			int numKeyValueHeads, int headDim, int vocabSize, int maxPositionEmbeddings, float rmsNormEps,
			boolean tieWordEmbeddings, List<String> layerTypes, RopeParameters rope) {

		static Common of(ModelConfig config) {
			String activation = config.getString("hidden_act", "silu");
			if (!activation.equals("silu")) {
				throw new UnsupportedArchitectureException(config.file() + ": hidden_act \"" + activation
						+ "\" is not supported for model type " + config.modelType() + "; expected silu");
			}
			int hiddenSize = positive(config, "hidden_size");
			int heads = positive(config, "num_attention_heads");
			int keyValueHeads = config.has("num_key_value_heads") ? positive(config, "num_key_value_heads") : heads;
			if (heads % keyValueHeads != 0) {
				throw config.wrong("num_key_value_heads", "a divisor of num_attention_heads, " + heads,
						String.valueOf(keyValueHeads));
			}
			if (!config.has("head_dim") && hiddenSize % heads != 0) {
				throw config.wrong("num_attention_heads", "a divisor of hidden_size, " + hiddenSize,
						String.valueOf(heads));
			}
			int headDim = config.has("head_dim") ? positive(config, "head_dim") : hiddenSize / heads;
			if (headDim % 2 != 0) {
				throw config.wrong("head_dim", "an even number", String.valueOf(headDim));
			}
			int layers = positive(config, "num_hidden_layers");
			List<String> layerTypes = config.getStrings("layer_types");
			if (!layerTypes.isEmpty() && layerTypes.size() != layers) {
				throw config.wrong("layer_types", layers + " entries, one a layer", layerTypes.size() + " entries");
			}
			RopeParameters rope = config.ropeParameters();
			if (rope.partialRotaryFactor() != 1) {
				throw new UnsupportedArchitectureException(config.file() + ": partial_rotary_factor "
						+ rope.partialRotaryFactor() + " is not supported for model type " + config.modelType());
			}
			return new Common(hiddenSize, positive(config, "intermediate_size"), layers, heads, keyValueHeads, headDim,
					positive(config, "vocab_size"), config.getInt("max_position_embeddings", 2048),
					config.getFloat("rms_norm_eps", 1e-6f), config.getBoolean("tie_word_embeddings", false), layerTypes,
					rope);
		}

		private static int positive(ModelConfig config, String name) {
			int value = config.getInt(name);
			if (value < 1) {
				throw config.wrong(name, "a number above 0", String.valueOf(value));
			}
			return value;
		}

		/**
		 * Windows of all layers.
		 * @param window positions that a layer sees, by its index; 0: all
		 * @return a window for each layer
		 */
		int[] windows(IntUnaryOperator window) {
			return IntStream.range(0, this.numHiddenLayers).map(window).toArray();
		}

	}

}
