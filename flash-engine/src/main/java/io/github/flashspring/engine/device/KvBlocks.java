package io.github.flashspring.engine.device;

/**
 * Where the keys and values of all layers lie. A block holds {@code blockTokens} tokens
 * of one sequence. Inside a block each layer has, in F32, its keys [keyValueHeads,
 * blockTokens, keyDim] followed by its values [keyValueHeads, blockTokens, valueDim], so
 * that one head reads one stretch of memory.
 */
public interface KvBlocks {

	/**
	 * Shape of a layer's part of a block.
	 * @return the shape
	 */
	Layout layout();

	/**
	 * The memory of a block.
	 * @param block id of the block
	 * @return the buffer that holds it, perhaps together with others
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
	 * @param blockTokens tokens in a block
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
			return (long) this.blockTokens * this.keyValueHeads * (this.keyDim + this.valueDim) * Float.BYTES;
		}

	}

}
