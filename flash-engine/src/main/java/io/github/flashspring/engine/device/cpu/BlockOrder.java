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
final class BlockOrder {

	/** Columns of a block. */
	static final int COLUMNS = 128;

	/** Columns of a lane in a block. */
	static final int STEPS = 8;

	private static final int LANES = Kernels.LANES;

	/** By format and width of a register: the column of each packed value. */
	private static final int[][][] INDICES = new int[Format.values().length][Integer.numberOfTrailingZeros(LANES)
			+ 1][];

	static {
		for (Format format : Format.values()) {
			for (int log = 0; 1 << log <= LANES; log++) {
				INDICES[format.ordinal()][log] = order(format, 1 << log);
			}
		}
	}

	private BlockOrder() {
	}

	private static int[] order(Format format, int width) {
		int[] indices = new int[COLUMNS];
		for (int i = 0; i < COLUMNS; i++) {
			int lane = i / (STEPS * width) * width + i % width;
			indices[i] = column(format, lane, i / width % STEPS);
		}
		return indices;
	}

	static int blocks(int columns) {
		return Math.ceilDiv(columns, COLUMNS);
	}

	/**
	 * The column of a block that a lane takes in a step.
	 */
	static int column(Format format, int lane, int step) {
		return switch (format) {
			case F16, BF16 -> step / 2 * 2 * LANES + 2 * lane + step % 2;
			case AFFINE2, AFFINE4, MXFP4, NVFP4 -> lane * STEPS + step;
			// even lanes lie in the low words of 64 bits, odd ones come from 64 bytes on
			case AFFINE8, MXFP8, FP8 -> (lane & 1) * COLUMNS / 2 + lane / 2 * STEPS + step;
			default -> step * LANES + lane;
		};
	}

	/**
	 * What the code of a step is multiplied with by its position in a word.
	 * @return a power of two
	 */
	static float place(Format format, int step) {
		return switch (format) {
			case AFFINE2, AFFINE8 -> 1L << Integer.SIZE - format.bits();
			case AFFINE4 -> (step % 2 == 0) ? 1f : 16f;
			default -> 1f;
		};
	}

	/**
	 * The columns of a block in the order of a packed input: {@code width} lanes are
	 * neighbours, step after step; those of the first {@code width} lanes come first,
	 * then the next.
	 * @param width lanes of a register
	 * @return 128 columns; not to be changed
	 */
	static int[] indices(int width, Format format) {
		return INDICES[format.ordinal()][Integer.numberOfTrailingZeros(width)];
	}

	/** A number of groups as a multiple of the lanes. */
	static int padded(int groups) {
		return Math.ceilDiv(groups, LANES) * LANES;
	}

}
