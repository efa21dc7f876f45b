package io.github.flashspring.engine.device;

/**
 * Where the keys and values of all layers lie. A page holds {@code pageTokens}
 * neighbouring tokens of one sequence, in F32, for the layers of one group: those that
 * attend to the same positions, so that a sequence has one page table for them. In which
 * order numbers lie inside a layer's part of a page is up to the device that stores and
 * reads them.
 */
public interface KvPages {

	/** Tokens of a page are a multiple of this number. */
	int TOKENS = 16;

	/** In a page table: the page was given back, nothing attends to its tokens. */
	int NONE = -1;

	/**
	 * Shape of a layer's part of a page.
	 * @return the shape
	 */
	Layout layout();

	/**
	 * The memory of a page.
	 * @param page id of the page
	 * @return the buffer that holds it, possibly together with others
	 */
	Buffer buffer(int page);

	/**
	 * Where a layer's part of a page begins.
	 * @param page id of the page, of the layer's group
	 * @param layer index among the layers that have keys and values
	 * @return offset in bytes in {@link #buffer}
	 */
	long byteOffset(int page, int layer);

	/**
	 * The group that a layer belongs to.
	 * @param layer index among the layers that have keys and values
	 * @return index of its page table in {@link RaggedBatch.Span#pages}
	 */
	default int group(int layer) {
		return 0;
	}

	/**
	 * Shape of a layer's part of a page.
	 *
	 * @param pageTokens tokens in a page, a multiple of {@link KvPages#TOKENS}
	 * @param keyValueHeads number of heads
	 * @param keyDim length of a key
	 * @param valueDim length of a value; 0: there are only keys, and values are part of
	 * them
	 */
	record Layout(int pageTokens, int keyValueHeads, int keyDim, int valueDim) {

		/**
		 * Bytes of one layer in one page.
		 * @return the number of bytes
		 */
		public long layerBytes() {
			return (long) this.pageTokens * this.keyValueHeads * (keyStride() + this.valueDim) * Float.BYTES;
		}

		/**
		 * Memory for a key. Keys that are values too are padded, so that values are whole
		 * vectors.
		 * @return number of floats
		 */
		public int keyStride() {
			return (this.valueDim > 0) ? this.keyDim : Math.ceilDiv(this.keyDim, 16) * 16;
		}

	}

}
