package io.github.flashspring.engine.device.cpu;

/**
 * What a {@link VectorFormat} multiplies at a time: two weight rows with one input. Two
 * rows share the loads of the input and give the processor two independent chains of
 * additions. All addresses were checked.
 */
final class RowPair {

	/** Addresses of the codes or numbers, readable up to the end of the last block. */
	long first;

	long second;

	/** Addresses of the rows' {@link GroupScales scales}; not used for numbers. */
	long firstScales;

	long secondScales;

	/** Bytes from a scale to the bias of its group. */
	long firstBiases;

	long secondBiases;

	/** Where the scales of lanes lie; not used for numbers. */
	GroupScales.Spread spread = GroupScales.Spread.NONE;

	/** Address of the packed input, [block, part, step, lane]. */
	long input;

	/** Number of blocks. */
	int blocks;

	/** Address of the {@link Lanes#mask mask} of the last block. */
	long mask;

	/** Addresses that receive the sums, 16 lanes each. */
	long firstSums;

	long secondSums;

	/**
	 * Bytes of four steps of an input. Not a constant, so that the JIT compiler leaves
	 * loops over half blocks as they are: unrolled, they take twice the time to compile.
	 */
	long stride = 4 * VectorFormat.BYTES;

}
