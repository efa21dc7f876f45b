package io.github.flashspring.engine.device;

/**
 * Where the keys and values of all layers lie. A page holds {@code pageTokens}
 * neighbouring tokens of one sequence for the layers of one group: those that attend to
 * the same positions in the same {@link Format}, so that a sequence has one page table
 * for them. In which order numbers lie inside a layer's part of a page is up to the
 * device that stores and reads them.
 *
 * <p>
 * A layer may have a second group, of its newest positions. Both get what is stored; a
 * token at {@code q} reads the positions from {@link #firstRecent} on in the second, and
 * those before in the first. So which format a token reads of a position depends on the
 * two positions alone, never on when or with which others it was computed.
 */
public interface KvPages {

	/** Tokens of a page are a multiple of this number. */
	int TOKENS = 16;

	/**
	 * Positions that a token reads in one format: those of a tile of attention, which
	 * begins at a multiple of this number.
	 */
	int TILE = 64;

	/** In a page table: the page was given back, nothing attends to its tokens. */
	int NONE = -1;

	/**
	 * Shape of a layer's part of a page.
	 * @return the shape, in the format of the oldest positions
	 */
	Layout layout();

	/**
	 * Shape of a layer's part of a page of a group.
	 * @param group index of the group
	 * @return {@link #layout()} in the format of the group
	 */
	default Layout layout(int group) {
		return layout();
	}

	/**
	 * The memory of a page.
	 * @param page id of the page
	 * @return the buffer that holds it, possibly together with others
	 */
	Buffer buffer(int page);

	/**
	 * Where a layer's part of a page begins.
	 * @param page id of the page, of a group of the layer
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
	 * The group that holds the newest positions of a layer once more.
	 * @param layer index among the layers that have keys and values
	 * @return index of its page table; {@link #NONE} if all positions are read in
	 * {@link #group}
	 */
	default int recentGroup(int layer) {
		return NONE;
	}

	/**
	 * Tokens before a token that it reads in {@link #recentGroup}, at least.
	 * @return a multiple of {@link #TILE}
	 */
	default int recentWindow() {
		return 0;
	}

	/**
	 * What a layer is called in messages.
	 * @param layer index among the layers that have keys and values
	 * @return its name
	 */
	default String name(int layer) {
		return "layer " + layer;
	}

	/**
	 * The first position that a token reads in {@link #recentGroup}.
	 * @param position of the token
	 * @return a multiple of {@link #TILE}, at most the position
	 */
	default int firstRecent(int position) {
		return firstRecent(position, recentWindow());
	}

	/**
	 * The first position of the tile that is {@code window} tokens before a token: tiles
	 * that end behind {@code position − window}. As windows are whole tiles, all tokens
	 * of a tile read the same tiles in the same format.
	 * @param position of the token
	 * @param window a multiple of {@link #TILE}
	 * @return a multiple of {@link #TILE}
	 */
	static int firstRecent(int position, int window) {
		return Math.max(0, position / TILE * TILE - window);
	}

	/** How numbers of keys and values are stored. */
	enum Format {

		/** Single precision. */
		F32(Float.BYTES),

		/**
		 * Half precision, rounded to the nearest, of two that are as near to the even.
		 */
		F16(Short.BYTES),

		/**
		 * Codes of 8 bits: {@code fma(code, scale, bias)} with a scale and a bias in half
		 * precision for each group of up to {@value Layout#MAX_GROUP} numbers of a head.
		 */
		Q8(Byte.BYTES);

		private final int bytes;

		Format(int bytes) {
			this.bytes = bytes;
		}

		/**
		 * {@return bytes of a number, or of its code}
		 */
		public int bytes() {
			return this.bytes;
		}

	}

	/**
	 * Shape of a layer's part of a page.
	 *
	 * @param pageTokens tokens in a page, a multiple of {@link KvPages#TOKENS}
	 * @param keyValueHeads number of heads
	 * @param keyDim length of a key
	 * @param valueDim length of a value; 0: there are only keys, and values are part of
	 * them
	 * @param rotatedDim the last numbers of a key whose codes have scales of their own,
	 * because they carry the position and the others do not; 0: none
	 * @param format how numbers are stored
	 */
	record Layout(int pageTokens, int keyValueHeads, int keyDim, int valueDim, int rotatedDim, Format format) {

		/**
		 * Numbers that share a scale at most. With two halves for 64 codes a number takes
		 * 8.5 bits.
		 */
		static final int MAX_GROUP = 64;

		/**
		 * A shape in single precision.
		 * @param pageTokens tokens in a page, a multiple of {@link KvPages#TOKENS}
		 * @param keyValueHeads number of heads
		 * @param keyDim length of a key
		 * @param valueDim length of a value; 0: there are only keys
		 */
		public Layout(int pageTokens, int keyValueHeads, int keyDim, int valueDim) {
			this(pageTokens, keyValueHeads, keyDim, valueDim, 0, Format.F32);
		}

		/**
		 * The same in another format.
		 * @param other the format
		 * @return the shape
		 */
		public Layout in(Format other) {
			return new Layout(this.pageTokens, this.keyValueHeads, this.keyDim, this.valueDim, this.rotatedDim, other);
		}

		/**
		 * The same with pages of another length.
		 * @param tokens in a page
		 * @return the shape
		 */
		public Layout ofTokens(int tokens) {
			return new Layout(tokens, this.keyValueHeads, this.keyDim, this.valueDim, this.rotatedDim, this.format);
		}

		/**
		 * Bytes of one layer in one page.
		 * @return the number of bytes
		 */
		public long layerBytes() {
			long heads = (long) this.pageTokens * this.keyValueHeads;
			long numbers = heads * (keyStride() + this.valueDim) * this.format.bytes();
			return (this.format == Format.Q8) ? numbers + 2 * Short.BYTES * heads * (keyGroups() + valueGroups())
					: numbers;
		}

		/**
		 * Memory for a key. Keys that are values too are padded, so that values are whole
		 * vectors.
		 * @return how many numbers
		 */
		public int keyStride() {
			return (this.valueDim > 0) ? this.keyDim : Math.ceilDiv(this.keyDim, 16) * 16;
		}

		/**
		 * {@return number of groups of a key}
		 */
		public int keyGroups() {
			int plain = this.keyDim - this.rotatedDim;
			return groups(plain) + groups(this.rotatedDim);
		}

		/**
		 * {@return number of groups of a value}
		 */
		public int valueGroups() {
			return groups(this.valueDim);
		}

		/**
		 * Where the groups of a key begin, and where the last one ends.
		 * @return indices of numbers
		 */
		public int[] keyBounds() {
			int plain = this.keyDim - this.rotatedDim;
			int[] bounds = new int[keyGroups() + 1];
			int count = groups(plain);
			for (int g = 0; g < bounds.length; g++) {
				bounds[g] = (g <= count) ? g * groupSize(plain) : plain + (g - count) * groupSize(this.rotatedDim);
			}
			return bounds;
		}

		/**
		 * Where the groups of a value begin, and where the last one ends.
		 * @return indices of numbers
		 */
		public int[] valueBounds() {
			int[] bounds = new int[valueGroups() + 1];
			for (int g = 0; g < bounds.length; g++) {
				bounds[g] = g * groupSize(this.valueDim);
			}
			return bounds;
		}

		private static int groups(int dim) {
			return (dim == 0) ? 0 : dim / groupSize(dim);
		}

		/**
		 * Numbers that share a scale: the largest divisor of a length that is at most
		 * {@value #MAX_GROUP}, such as 40 of 80 and 48 of 96.
		 */
		private static int groupSize(int dim) {
			int size = Math.min(MAX_GROUP, Math.max(1, dim));
			while (dim % size != 0) {
				size--;
			}
			return size;
		}

	}

}
