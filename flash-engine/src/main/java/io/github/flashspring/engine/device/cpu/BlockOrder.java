package io.github.flashspring.engine.device.cpu;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * The order in which a linear layer adds its products: blocks of 128 columns, in each of
 * which 16 lanes take 8 columns, one per step. Missing columns count as zeros.
 *
 * <p>
 * Lane {@code l} of plain numbers takes the columns {@code l, l + 16, l + 32 …}, but of
 * upper halves of singles, two of which lie in a 32-bit word, {@code 2l, 2l + 1, 2l + 32,
 * 2l + 33 …}, and of codes eight neighbours, so that one 32-bit word of 4-bit codes, or
 * two of 8-bit ones, belong to one lane and are unpacked by a shift to the top and a
 * mask. There they stay: a code whose upper bit is flipped is the code less the middle of
 * all codes, times a power of two, and the input is divided by the same power of two
 * instead.
 */
final class BlockOrder {

	/** Columns of a block. */
	static final int COLUMNS = 128;

	/** Columns of a lane in a block. */
	static final int STEPS = 8;

	private static final int LANES = Kernels.LANES;

	private BlockOrder() {
	}

	static int blocks(int columns) {
		return Math.ceilDiv(columns, COLUMNS);
	}

	/**
	 * The column of a block that a lane takes in a step.
	 */
	static int column(Format format, int lane, int step) {
		return switch (format) {
			case BF16 -> step / 2 * 2 * LANES + 2 * lane + step % 2;
			case AFFINE4 -> lane * STEPS + step;
			// even lanes lie in the low words of 64 bits, odd ones come from 32 bytes on
			case AFFINE8 -> (lane & 8) * STEPS + (lane & 1) * 4 * STEPS + (lane & 6) / 2 * STEPS + step;
			default -> step * LANES + lane;
		};
	}

	/**
	 * Whether the columns of a step lie side by side, so that an input needs no packing.
	 */
	static boolean natural(Format format) {
		return column(format, 1, 0) == 1;
	}

	/**
	 * What a code is multiplied with by standing at the top of a word.
	 * @return a power of two
	 */
	static float place(Format format) {
		return format.coded() ? 1L << Integer.SIZE - format.bits() : 1f;
	}

	/**
	 * Brings a row of an input into the order of its products, padded with zeros.
	 * @param format of the weights
	 * @param memory of the row
	 * @param offset of the row
	 * @param columns number of inputs
	 * @param width lanes that lie side by side, step after step; those of the first
	 * {@code width} come first in each block, then the next
	 * @param out receives {@code blocks · 128} values
	 * @param at index of the first
	 */
	static void arrange(Format format, MemorySegment memory, long offset, int columns, int width, float[] out, int at) {
		int blocks = blocks(columns);
		float[] natural = new float[COLUMNS];
		for (int block = 0; block < blocks; block++) {
			int count = Math.min(COLUMNS, columns - block * COLUMNS);
			if (count < COLUMNS) {
				Arrays.fill(natural, 0f);
			}
			MemorySegment.copy(memory, PortableKernels.FLOAT, offset + 4L * block * COLUMNS, natural, 0, count);
			for (int lane = 0; lane < LANES; lane += width) {
				arrange(format, natural, lane, width, out, at + block * COLUMNS + lane * STEPS);
			}
		}
	}

	/**
	 * Brings some lanes of a block into the order of their products.
	 * @param natural 128 inputs
	 * @param first first lane
	 * @param width number of lanes
	 * @param out receives {@code 8 · width} values
	 * @param at index of the first
	 */
	static void arrange(Format format, float[] natural, int first, int width, float[] out, int at) {
		float factor = 1f / place(format);
		for (int step = 0; step < STEPS; step++) {
			for (int l = 0; l < width; l++) {
				out[at + step * width + l] = natural[column(format, first + l, step)] * factor;
			}
		}
	}

	/**
	 * Adds the inputs of each group of columns: four sums of every fourth, then these.
	 * @param columns number of inputs
	 * @param groupSize columns of a group, a multiple of 4
	 * @param out receives the sums, padded with zeros to {@link #padded}
	 * @param at index of the first
	 */
	static void groupSums(MemorySegment memory, long offset, int columns, int groupSize, float[] out, int at) {
		int groups = columns / groupSize;
		for (int g = 0; g < groups; g++) {
			float a = 0f;
			float b = 0f;
			float c = 0f;
			float d = 0f;
			long from = offset + 4L * g * groupSize;
			for (long i = from; i < from + 4L * groupSize; i += 16) {
				a += memory.get(PortableKernels.FLOAT, i);
				b += memory.get(PortableKernels.FLOAT, i + 4);
				c += memory.get(PortableKernels.FLOAT, i + 8);
				d += memory.get(PortableKernels.FLOAT, i + 12);
			}
			out[at + g] = (a + b) + (c + d);
		}
		Arrays.fill(out, at + groups, at + padded(groups), 0f);
	}

	/** A number of groups as a multiple of the lanes. */
	static int padded(int groups) {
		return Math.ceilDiv(groups, LANES) * LANES;
	}

}
