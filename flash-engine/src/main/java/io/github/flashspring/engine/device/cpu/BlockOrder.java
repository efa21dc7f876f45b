package io.github.flashspring.engine.device.cpu;

/**
 * The order in which a linear layer adds its products: blocks of 128 columns, in each of
 * which 16 lanes take 8 columns, one per step. Missing columns count as zeros.
 *
 * <p>
 * Which columns a lane takes follows from how the format packs them, so that one load
 * brings every lane its own: of singles {@code l, l + 16, l + 32 …}; of halves, two of
 * which lie in a 32-bit word, {@code 2l, 2l + 1, 2l + 32, 2l + 33 …}; of codes eight
 * neighbours, so that one word of 4-bit codes, half a word of 2-bit ones or two words of
 * 8-bit ones belong to one lane and are unpacked by a mask or by a shift to the top.
 * There affine codes remain, times a power of two, and the input is divided by the same
 * power of two instead. At the top, a code whose upper bit is flipped is the code minus
 * the middle of all codes.
 */
enum BlockOrder {

	/** One of every 16 columns. */
	SINGLES {

		@Override
		int column(int lane, int step) {
			return step * Kernels.LANES + lane;
		}

	},

	/** Two neighbours of every 32 columns. */
	HALVES {

		@Override
		int column(int lane, int step) {
			return step / 2 * 2 * Kernels.LANES + 2 * lane + step % 2;
		}

	},

	/** Eight neighbours. */
	NEIGHBOURS {

		@Override
		int column(int lane, int step) {
			return lane * STEPS + step;
		}

	},

	/**
	 * Eight neighbours of two words: those of even lanes lie in the first half of the
	 * block, those of odd ones in the second.
	 */
	WORD_PAIRS {

		@Override
		int column(int lane, int step) {
			return (lane & 1) * COLUMNS / 2 + lane / 2 * STEPS + step;
		}

	};

	/** Columns of a block. */
	static final int COLUMNS = 128;

	/** Columns of a lane in a block. */
	static final int STEPS = 8;

	/** By width of a register: the column of each packed value. */
	private final int[][] indices = new int[Integer.numberOfTrailingZeros(Kernels.LANES) + 1][];

	BlockOrder() {
		for (int log = 0; log < this.indices.length; log++) {
			this.indices[log] = order(1 << log);
		}
	}

	private int[] order(int width) {
		int[] columns = new int[COLUMNS];
		for (int i = 0; i < COLUMNS; i++) {
			int lane = i / (STEPS * width) * width + i % width;
			columns[i] = column(lane, i / width % STEPS);
		}
		return columns;
	}

	static int blocks(int columns) {
		return Math.ceilDiv(columns, COLUMNS);
	}

	/**
	 * The column of a block that a lane takes in a step.
	 */
	abstract int column(int lane, int step);

	/**
	 * The columns of a block in the order of a packed input: {@code width} lanes are
	 * neighbours, step after step; those of the first {@code width} lanes come first,
	 * then the next.
	 * @param width lanes of a register
	 * @return 128 columns; not to be changed
	 */
	int[] indices(int width) {
		return this.indices[Integer.numberOfTrailingZeros(width)];
	}

	/** A number of groups as a multiple of the lanes. */
	static int padded(int groups) {
		return Math.ceilDiv(groups, Kernels.LANES) * Kernels.LANES;
	}

}
