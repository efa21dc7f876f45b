package io.github.flashspring.engine.model;

import io.github.flashspring.engine.checkpoint.ModelConfig;

/**
 * The part of {@code config.json} that every decoder-only transformer has.
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

	private static final int MAX_POSITION_EMBEDDINGS = 2048;

	/**
	 * Reads the sizes.
	 * @param config the model's config
	 * @return the sizes
	 * @throws io.github.flashspring.engine.checkpoint.CheckpointException if some are
	 * missing or contradict each other
	 */
	static DecoderConfig of(ModelConfig config) {
		return of(config, Defaults.NONE);
	}

	/**
	 * Reads the sizes.
	 * @param config the model's config
	 * @param defaults of the architecture
	 * @return the sizes
	 */
	static DecoderConfig of(ModelConfig config, Defaults defaults) {
		int hiddenSize = config.getPositiveInt("hidden_size");
		int heads = config.getPositiveInt("num_attention_heads");
		int keyValueHeads = size(config, "num_key_value_heads", defaults.numKeyValueHeads(), heads);
		requireDivisor(config, keyValueHeads, heads);
		int headDim = size(config, "head_dim", defaults.headDim(), 0);
		if (headDim == 0 && hiddenSize % heads != 0) {
			throw config.wrong("num_attention_heads", "a divisor of hidden_size, " + hiddenSize, String.valueOf(heads));
		}
		headDim = (headDim > 0) ? headDim : hiddenSize / heads;
		if (headDim % 2 != 0) {
			throw config.wrong("head_dim", "an even number", String.valueOf(headDim));
		}
		return new DecoderConfig(hiddenSize, config.getPositiveInt("num_hidden_layers"), heads, keyValueHeads, headDim,
				config.getPositiveInt("vocab_size"), config.getInt("max_position_embeddings", MAX_POSITION_EMBEDDINGS),
				config.getBoolean("tie_word_embeddings", defaults.tieWordEmbeddings()));
	}

	static void requireDivisor(ModelConfig config, int keyValueHeads, int heads) {
		if (heads % keyValueHeads != 0) {
			throw config.wrong("num_key_value_heads", "a divisor of num_attention_heads, " + heads,
					String.valueOf(keyValueHeads));
		}
	}

	/** A size that follows from the others where the config says null. */
	private static int size(ModelConfig config, String name, int absent, int derived) {
		if (config.has(name)) {
			return config.getPositiveInt(name);
		}
		return (absent > 0 && !config.isNull(name)) ? absent : derived;
	}

	/**
	 * Checks a property that names a way of computing.
	 * @param config the model's config
	 * @param name the property; absent is right
	 * @param expected the only value that is supported
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
	 * What holds where the config leaves a property out.
	 *
	 * @param numKeyValueHeads key-value heads; 0: as many as query heads
	 * @param headDim length of a head; 0: hiddenSize / numAttentionHeads
	 * @param tieWordEmbeddings whether the head is the embedding
	 */
	record Defaults(int numKeyValueHeads, int headDim, boolean tieWordEmbeddings) {

		static final Defaults NONE = new Defaults(0, 0, false);

		static Defaults numKeyValueHeads(int heads) {
			return new Defaults(heads, 0, false);
		}

		Defaults headDim(int length) {
			return new Defaults(this.numKeyValueHeads, length, this.tieWordEmbeddings);
		}

		Defaults tiedEmbeddings() {
			return new Defaults(this.numKeyValueHeads, this.headDim, true);
		}

	}

}
