package io.github.flashspring.engine.device.cpu;

/**
 * What a {@link VectorFormat} multiplies in one call: sets of two or four weight rows,
 * one from each stream, with one input. The rows of a set share the loads of the input
 * and give the processor independent chains of additions. All addresses were checked.
 */
final class RowStreams {

	/** Bytes of 16 sums. */
	static final long SUM_BYTES = 4L * Kernels.LANES;

	/** Number of sets. */
	int count;

	/**
	 * Addresses of the first set's codes or numbers, readable to the last block's end.
	 */
	long first;

	long second;

	long third;

	long fourth;

	/** Bytes from a row to the next. */
	long rowBytes;

	/** Addresses of the first set's {@link GroupScales scales}; not used for numbers. */
	long firstScales;

	long secondScales;

	long thirdScales;

	long fourthScales;

	/** Bytes from the scales of a row to those of the next. */
	long scaleBytes;

	/** Bytes from a scale to the bias of its group. */
	long firstBiases;

	long secondBiases;

	/** Where the scales of lanes lie; not used for numbers. */
	GroupScales.Spread spread = GroupScales.Spread.NONE;

	/** Address of the packed input, [block, part, step, lane]. */
	long input;

	/** Bytes from a row of the input to the next. */
	long inputBytes;

	/** Addresses that receive the sums, [row, lane]. */
	long firstSums;

	long secondSums;

	long thirdSums;

	long fourthSums;

	/** Bytes from the sums of a row of the input to those of the next. */
	long inputSumBytes;

	/**
	 * Bytes of four steps of an input. Not a constant, so that the JIT compiler leaves
	 * loops over half blocks as they are: unrolled, they take twice the time to compile.
	 */
	long stride = 4 * VectorFormat.BYTES;

	private final int[] blocks = new int[VectorFormat.PARTS];

	private final long[] masks = new long[VectorFormat.PARTS];

	RowStreams(Weights weights) {
		int whole = BlockOrder.blocks(weights.columns()) - 1;
		int rest = weights.columns() - whole * BlockOrder.COLUMNS;
		for (int part = 0; part < this.blocks.length; part++) {
			int column = weights.format().order().column(part * VectorFormat.WIDTH, 0);
			this.blocks[part] = (column < rest) ? whole + 1 : whole;
			this.masks[part] = (column < rest) ? VectorMatmul.lastMask(weights) : Lanes.ALL;
		}
	}

	/** Blocks in which the lanes of a part have columns. */
	int blocks(int part) {
		return this.blocks[part];
	}

	/** Address of the {@link Lanes#mask mask} of the last of these blocks. */
	long mask(int part) {
		return this.masks[part];
	}

}
