package io.github.flashspring.engine.device.cpu;

import java.lang.foreign.MemorySegment;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;
import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.device.Device.Limits;

/**
 * Linear layers. A few rows are multiplied by {@link FewRows}, which unpack every weight
 * once for each of them or, for some formats, for four of them, more of them by
 * {@link VectorPanels}.
 */
final class VectorMatmul {

	/** Maximum of rows that are computed one by one. */
	static final int FEW = 3;

	private static final int LANES = Kernels.LANES;

	/** Columns that are looked up at a time. */
	static final int RANGE = 1024;

	private static final VectorSpecies<Float> FOUR = FloatVector.SPECIES_128;

	private VectorMatmul() {
	}

	static int rowsAtOnce() {
		return VectorPanels.ROWS;
	}

	/** Rows of a packed input, and what is added to make them whole units. */
	static int padded(int rows) {
		return (rows <= FEW) ? rows : VectorPanels.padded(rows);
	}

	/** Whether rows of the input are multiplied four at a time. */
	static boolean byFour(Weights weights, int rows) {
		return rows > FEW && rows <= VectorFormat.of(weights).mostByFour();
	}

	static long inputFloats(int rows, int columns) {
		return (long) padded(rows) * BlockOrder.blocks(columns) * BlockOrder.COLUMNS
				+ (long) padded(rows) * BlockOrder.padded(columns / 16);
	}

	static long scratchFloats(Limits limits) {
		int columns = limits.columns();
		long groups = Math.max(2 * RANGE / 16, VectorTangent.scratchFloats());
		// a layer norm puts its weights and biases here
		long weights = Math.max(2L * columns, RANGE + LANES);
		long lanes = VectorTangent.scratchFloats();
		long accumulators = Math.max(FewRows.scratchFloats(columns),
				(limits.rows() > FEW) ? VectorPanels.scratchFloats(limits.rows(), columns) : 0);
		return groups + weights + lanes + accumulators;
	}

	/**
	 * Floats of a copy of a row up to the end of its last block, and what is read behind.
	 */
	static long copyFloats(int columns) {
		return (long) BlockOrder.blocks(columns) * BlockOrder.COLUMNS + LANES;
	}

	static void reserve(Packed input, int rows, Weights weights) {
		input.reserve(0, 0, valueFloats(rows, weights) + (long) padded(rows) * weights.paddedGroups());
	}

	/** Floats of the packed rows; behind them come their sums over groups. */
	private static long valueFloats(int rows, Weights weights) {
		return (long) padded(rows) * BlockOrder.blocks(weights.columns()) * BlockOrder.COLUMNS;
	}

	/** Address of the sums of a row over groups. */
	static long sums(Packed input, int rows, Weights weights, int row) {
		long groups = weights.paddedGroups();
		return Addresses.of(input.panel(), 4 * (valueFloats(rows, weights) + row * groups), 4 * groups);
	}

	/**
	 * Packs rows of the input for {@link FewRows}, otherwise for {@link VectorPanels}.
	 */
	static void pack(Rows x, int firstRow, int rows, Weights weights, int from, int to, Packed input, boolean few) {
		int columns = weights.columns();
		int blocks = BlockOrder.blocks(columns);
		int[] indices = weights.format().order().indices(VectorFormat.WIDTH);
		float even = 1f / weights.format().place(0);
		float odd = 1f / weights.format().place(1);
		for (int r = from; r < to; r++) {
			long source = Addresses.of(x.memory(), x.row(firstRow + r), 4L * columns);
			for (int b = 0; b < blocks; b++) {
				int count = Math.min(BlockOrder.COLUMNS, columns - b * BlockOrder.COLUMNS);
				for (int part = 0; part < VectorFormat.PARTS; part++) {
					long offset = few ? (long) (r * blocks + b) * VectorFormat.BLOCK + part * VectorFormat.PART
							: VectorPanels.offset(rows, blocks, r, b, part);
					arrange(source + b * VectorFormat.BLOCK, count, indices, part, even, odd,
							Addresses.of(input.panel(), offset, VectorFormat.PART));
				}
			}
			if (weights.paddedGroups() > 0) {
				groupSums(source, columns / weights.groupSize(), weights.groupSize(), sums(input, rows, weights, r),
						weights.paddedGroups());
			}
		}
		if (!few && to == rows) {
			VectorPanels.clearPadding(input.panel(), rows, blocks);
		}
	}

	/**
	 * Brings a part of a block of an input into the order of its products.
	 * @param source address of the block
	 * @param count its columns
	 * @param even factor of the steps 0, 2 …
	 * @param odd factor of the steps 1, 3 …
	 */
	private static void arrange(long source, int count, int[] indices, int part, float even, float odd, long out) {
		int values = BlockOrder.STEPS * VectorFormat.WIDTH;
		int first = part * values;
		for (int from = 0; from < values; from += VectorFormat.WIDTH) {
			float factor = (from / VectorFormat.WIDTH % 2 == 0) ? even : odd;
			if (count == BlockOrder.COLUMNS) {
				for (int i = from; i < from + VectorFormat.WIDTH; i++) {
					set(out + 4L * i, Addresses.value(source + 4L * indices[first + i]) * factor);
				}
			}
			else {
				for (int i = from; i < from + VectorFormat.WIDTH; i++) {
					int column = indices[first + i];
					set(out + 4L * i, (column < count) ? Addresses.value(source + 4L * column) * factor : 0f);
				}
			}
		}
	}

	/**
	 * Adds the inputs of each group of columns: four sums of every fourth, then these.
	 * @param out address that receives the sums, padded with zeros
	 */
	private static void groupSums(long source, int groups, int groupSize, long out, int padded) {
		long at = source;
		for (int g = 0; g < groups; g++) {
			FloatVector sums = FloatVector.zero(FOUR);
			for (long end = at + 4L * groupSize; at < end; at += 16) {
				sums = sums.add(
						FloatVector.fromMemorySegment(FOUR, Addresses.MEMORY, Addresses.known(at), VectorFormat.ORDER));
			}
			set(out + 4L * g, (sums.lane(0) + sums.lane(1)) + (sums.lane(2) + sums.lane(3)));
		}
		for (int g = groups; g < padded; g++) {
			set(out + 4L * g, 0f);
		}
	}

	/** Calls vector code that computes nothing, see {@link Exercise}. */
	static void callEmpty() {
		groupSums(0, 0, 0, 0, 0);
	}

	static void set(long address, float value) {
		Addresses.MEMORY.set(PortableKernels.FLOAT, Addresses.known(address), value);
	}

	static void multiply(Rows out, int firstRow, int rows, Packed input, Weights weights, @Nullable Rows bias, int from,
			int to, Scratch scratch, boolean few, boolean byFour) {
		if (few) {
			new FewRows(out, firstRow, input, weights, bias, scratch).multiply(rows, from, to, byFour);
			return;
		}
		VectorPanels.multiply(out, firstRow, rows, input, weights, bias, from, to, scratch);
	}

	/** The mask of the last block of a row. */
	static long lastMask(Weights weights) {
		int columns = weights.columns() - (BlockOrder.blocks(weights.columns()) - 1) * BlockOrder.COLUMNS;
		return Lanes.mask(columns * weights.format().bits() / Byte.SIZE);
	}

	private static long blockBytes(Weights weights) {
		return (long) BlockOrder.COLUMNS * weights.format().bits() / Byte.SIZE;
	}

	/** Whether blocks of a row can be read up to the end of the last one. */
	static boolean readable(Weights weights, int row, int block, int blocks, VectorFormat format) {
		return weights.values().row(row) + (block + blocks) * blockBytes(weights)
				+ format.excess() <= weights.values().memory().byteSize();
	}

	/**
	 * Blocks of a row of codes or numbers, readable up to the end of the last one: copied
	 * where memory ends before.
	 * @param block first block
	 * @param blocks number of blocks
	 * @param copy receives a copy
	 * @return address of the first block
	 */
	static long codes(Weights weights, int row, int block, int blocks, VectorFormat format, MemorySegment copy) {
		MemorySegment memory = weights.values().memory();
		long offset = weights.values().row(row) + block * blockBytes(weights);
		long bytes = blocks * blockBytes(weights) + format.excess();
		if (readable(weights, row, block, blocks, format)) {
			return Addresses.of(memory, offset, bytes);
		}
		long rest = (long) weights.columns() * weights.format().bits() / Byte.SIZE - block * blockBytes(weights);
		MemorySegment.copy(memory, offset, copy, 0, rest);
		copy.asSlice(rest, bytes - rest).fill((byte) 0);
		return copy.address();
	}

}
