package io.github.flashspring.engine.device;

/**
 * Where the keys and values of all layers lie. A block holds {@code blockTokens} tokens
 * of one sequence. Inside a block each layer has a part of its own, in F32. In which
 * order numbers lie there is up to the device that stores and reads them.
 */
public interface KvBlocks {

	/** Tokens of a block are a multiple of this number. */
	int TOKENS = 16;

	/**
	 * Shape of a layer's part of a block.
	 * @return the shape
	 */
	Layout layout();

	/**
	 * The memory of a block.
	 * @param block id of the block
	 * @return the buffer that holds it, possibly with others
	 */
	Buffer buffer(int block);

	/**
	 * Where a layer's keys begin.
	 * @param block id of the block
	 * @param layer index among the layers that have keys and values
	 * @return offset in bytes in {@link #buffer}
	 */
	long byteOffset(int block, int layer);

	/**
	 * The memory of what a sequence remembers besides keys and values.
	 * @param sequence id of the sequence's first block
	 * @return the states of all its layers
	 * @throws IllegalStateException if the sequence has no states
	 */
	default Buffer states(int sequence) {
		throw new IllegalStateException("The sequence of KV block " + sequence + " has no states");
	}

	/**
	 * Shape of a layer's part of a block.
	 *
	 * @param blockTokens tokens in a block, a multiple of {@link KvBlocks#TOKENS}
	 * @param keyValueHeads number of heads
	 * @param keyDim length of a key
	 * @param valueDim length of a value; 0: there are only keys, and values are part of
	 * them
	 */
	record Layout(int blockTokens, int keyValueHeads, int keyDim, int valueDim) {

		/**
		 * Bytes of one layer in one block.
		 * @return the number of bytes
		 */
		public long layerBytes() {
			return (long) this.blockTokens * this.keyValueHeads * (keyStride() + this.valueDim) * Float.BYTES;
		}

		/**
		 * Space for a key. Keys that are values too are padded, so that values are whole
		 * vectors.
		 * @return number of floats
		 */
		public int keyStride() {
			return (this.valueDim > 0) ? this.keyDim : Math.ceilDiv(this.keyDim, 16) * 16;
		}

	}

}
