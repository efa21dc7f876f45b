package io.github.flashspring.engine.model;

import java.util.List;
import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;

import io.github.flashspring.engine.checkpoint.ModelConfig;

/**
 * What every {@code config.json} of a decoder-only transformer says, in its own terms.
 *
 * @param hiddenSize width of the residual stream
 * @param numHiddenLayers layers
 * @param numAttentionHeads query heads
 * @param numKeyValueHeads key-value heads; divides the query heads
 * @param headDim length of a head
 * @param vocabSize tokens
 * @param maxPositionEmbeddings positions the model was trained for
 * @param tieWordEmbeddings whether the head is the embedding
 */
record DecoderConfig(int hiddenSize, int numHiddenLayers, int numAttentionHeads, int numKeyValueHeads, int headDim,
		int vocabSize, int maxPositionEmbeddings, boolean tieWordEmbeddings) {

	/**
	 * Reads the sizes.
	 * @param config the model's settings
	 * @return the sizes
	 * @throws io.github.flashspring.engine.checkpoint.CheckpointException if some are
	 * missing or contradict each other
	 */
	static DecoderConfig of(ModelConfig config) {
		return of(config, new Defaults(0, 0, false));
	}

	/**
	 * Reads the sizes.
	 * @param config the model's settings
	 * @param absent what holds where the file does not say
	 * @return the sizes
	 */
	static DecoderConfig of(ModelConfig config, Defaults absent) {
		int hiddenSize = positive(config, "hidden_size");
		int heads = positive(config, "num_attention_heads");
		int keyValueHeads = size(config, "num_key_value_heads", absent.numKeyValueHeads(), heads);
		if (heads % keyValueHeads != 0) {
			throw config.wrong("num_key_value_heads", "a divisor of num_attention_heads, " + heads,
					String.valueOf(keyValueHeads));
		}
		int headDim = size(config, "head_dim", absent.headDim(), 0);
		if (headDim == 0 && hiddenSize % heads != 0) {
			throw config.wrong("num_attention_heads", "a divisor of hidden_size, " + hiddenSize, String.valueOf(heads));
		}
		headDim = (headDim > 0) ? headDim : hiddenSize / heads;
		if (headDim % 2 != 0) {
			throw config.wrong("head_dim", "an even number", String.valueOf(headDim));
		}
		return new DecoderConfig(hiddenSize, positive(config, "num_hidden_layers"), heads, keyValueHeads, headDim,
				positive(config, "vocab_size"), config.getInt("max_position_embeddings", 2048),
				config.getBoolean("tie_word_embeddings", absent.tieWordEmbeddings()));
	}

	/** A size, which follows from the others where the file says null. */
	private static int size(ModelConfig config, String name, int absent, int derived) {
		if (config.has(name)) {
			return positive(config, name);
		}
		return (absent > 0 && !config.isNull(name)) ? absent : derived;
	}

	/**
	 * A required number above 0.
	 * @param config the model's settings
	 * @param name the property
	 * @return its value
	 */
	static int positive(ModelConfig config, String name) {
		int value = config.getInt(name);
		if (value < 1) {
			throw config.wrong(name, "a number above 0", String.valueOf(value));
		}
		return value;
	}

	/**
	 * Holds a property that names a way of computing against the one that is computed.
	 * @param config the model's settings
	 * @param name the property; absent is right
	 * @param expected its value
	 * @throws UnsupportedArchitectureException if it has another
	 */
	static void require(ModelConfig config, String name, String expected) {
		String found = config.getString(name, expected);
		if (!found.equals(expected)) {
			throw new UnsupportedArchitectureException(
					config.file() + ": " + name + " \"" + found + "\" is not supported for model type "
							+ config.modelType() + "; expected " + expected + ".",
					"Choose a model of this type that has that value.");
		}
	}

	/**
	 * The sliding window.
	 * @param config the model's settings
	 * @param absent positions if the file does not say
	 * @return positions that a sliding layer sees; 0: all, as where the file says null
	 */
	static int window(ModelConfig config, int absent) {
		return Math.max(0, config.getInt("sliding_window", absent, 0));
	}

	/**
	 * Windows of all layers from {@code layer_types}, or else from their index.
	 * @param config the model's settings
	 * @param window positions that a sliding layer sees; 0 or less: all
	 * @param slides whether a layer slides if the file does not name types; 0: no
	 * @return a window for each layer; 0: all positions
	 */
	int[] windows(ModelConfig config, int window, IntUnaryOperator slides) {
		List<String> types = config.getStrings("layer_types");
		if (!types.isEmpty() && types.size() != this.numHiddenLayers) {
			throw config.wrong("layer_types", this.numHiddenLayers + " entries, one a layer",
					types.size() + " entries");
		}
		return IntStream.range(0, this.numHiddenLayers).map((layer) -> {
			boolean sliding = types.isEmpty() ? slides.applyAsInt(layer) != 0 : switch (types.get(layer)) {
				case "full_attention" -> false;
				case "sliding_attention" -> true;
				default -> throw config.wrong("layer_types", "full_attention or sliding_attention", types.get(layer));
			};
			return sliding ? Math.max(0, window) : 0;
		}).toArray();
	}

	/**
	 * What holds where the file leaves a property out.
	 *
	 * @param numKeyValueHeads key-value heads; 0: as many as query heads
	 * @param headDim length of a head; 0: such that heads make up the stream
	 * @param tieWordEmbeddings whether the head is the embedding
	 */
	record Defaults(int numKeyValueHeads, int headDim, boolean tieWordEmbeddings) {

	}

}
