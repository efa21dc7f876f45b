package io.github.flashspring.engine.device.cpu;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Objects;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/**
 * Reads numbers and codes of every format into FP32 vectors and arrays.
 */
final class VectorNumbers {

	private static final ByteOrder ORDER = ByteOrder.LITTLE_ENDIAN;

	private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ORDER);

	private static final int STEP = Lanes.WIDE.length();

	private static final long LOW = 0xffffffffL;

	private static final int NARROW_STEP = Lanes.NARROW.length();

	private static final VectorMask<Integer> UPPER_HALF = IntVector.zero(Lanes.NARROW_INTS)
		.addIndex(1)
		.compare(VectorOperators.GE, 4);

	private VectorNumbers() {
	}

	static FloatVector load(MemorySegment memory, long offset) {
		return FloatVector.fromMemorySegment(Lanes.WIDE, memory, offset, ORDER);
	}

	static void store(FloatVector vector, MemorySegment memory, long offset) {
		vector.intoMemorySegment(memory, offset, ORDER);
	}

	/**
	 * Reads {@code count} numbers of a row.
	 */
	static void read(Rows rows, int row, int from, int count, float[] out, int to) {
		MemorySegment memory = rows.memory();
		int bytes = rows.type().bytes();
		long offset = rows.row(row) + (long) from * bytes;
		int i = 0;
		switch (rows.type()) {
			case F32 -> {
				MemorySegment.copy(memory, PortableKernels.FLOAT, offset, out, to, count);
				i = count;
			}
			case F16 -> {
				for (; i <= count - STEP; i += STEP) {
					// The product moves the exponent's bias from 15 to 127, for
					// subnormals too;
					// infinities and NaNs get the highest exponent.
					IntVector bits = (IntVector) ShortVector
						.fromMemorySegment(Lanes.WIDE_SHORTS, memory, offset + 2L * i, ORDER)
						.convertShape(VectorOperators.ZERO_EXTEND_S2I, Lanes.WIDE_INTS, 0);
					IntVector magnitude = bits.and(0x7fff);
					IntVector finite = magnitude.lanewise(VectorOperators.LSHL, 13)
						.reinterpretAsFloats()
						.mul(0x1p112f)
						.reinterpretAsInts();
					IntVector highest = magnitude.add(0x400)
						.lanewise(VectorOperators.LSHL, 16)
						.lanewise(VectorOperators.ASHR, 31)
						.and(0x7f800000);
					IntVector sign = bits.and(0x8000).lanewise(VectorOperators.LSHL, 16);
					finite.or(highest).or(sign).reinterpretAsFloats().intoArray(out, to + i);
				}
			}
			case BF16 -> {
				for (; i <= count - STEP; i += STEP) {
					((IntVector) ShortVector.fromMemorySegment(Lanes.WIDE_SHORTS, memory, offset + 2L * i, ORDER)
						.convertShape(VectorOperators.ZERO_EXTEND_S2I, Lanes.WIDE_INTS, 0))
						.lanewise(VectorOperators.LSHL, 16)
						.reinterpretAsFloats()
						.intoArray(out, to + i);
				}
			}
			default -> throw new IllegalArgumentException("Not a floating-point type: " + rows.type());
		}
		for (; i < count; i++) {
			out[to + i] = PortableKernels.value(memory, rows.type(), offset + (long) i * bytes);
		}
	}

	/**
	 * Unpacks some lanes of a block of a weight row in the order of {@link BlockOrder}.
	 * @param lane first lane
	 * @param width number of lanes: a narrow register's or a wide one's
	 * @param out receives {@code 8 · width} numbers or codes, step by step
	 */
	static void unpackBlock(Weights weights, int row, int block, int lane, int width, float[] out) {
		int column = block * BlockOrder.COLUMNS;
		if (weights.format().decoded()) {
			VectorDecoding.decodeBlock(weights, row, block, lane, width, out);
		}
		else if (column + BlockOrder.COLUMNS <= weights.columns() && BlockOrder.natural(weights.format())) {
			numbers(weights.values(), row, column, lane, width, out);
		}
		else {
			PortableKernels.unpackBlock(weights, row, block, lane, width, out);
		}
	}

	/**
	 * Does the same where a whole block takes few operations.
	 * @param out address of memory that receives the numbers or codes
	 * @return whether it was done
	 */
	static boolean unpackPart(Weights weights, int row, int block, int lane, int width, long out) {
		int column = block * BlockOrder.COLUMNS;
		boolean whole = column + BlockOrder.COLUMNS <= weights.columns();
		if (!whole) {
			return false;
		}
		switch (weights.format()) {
			case AFFINE4 -> codes4(weights, row, column, lane, width, Addresses.known(out));
			case AFFINE8 -> codes8(weights, row, column, lane, width, Addresses.known(out));
			case BF16 -> halves(weights, row, column, lane, width, Addresses.known(out));
			default -> {
				return false;
			}
		}
		return true;
	}

	private static void codes4(Weights weights, int row, int column, int lane, int width, long out) {
		long offset = weights.values().row(row) + column / 2;
		for (int l = 0; l < width; l += NARROW_STEP) {
			IntVector words = words(weights, offset + 4L * (lane + l)).lanewise(VectorOperators.XOR, 0x88888888);
			for (int step = 0; step < BlockOrder.STEPS; step++) {
				store(code(words, 28 - 4 * step, 0xf0000000), out, step * width + l);
			}
		}
	}

	private static void codes8(Weights weights, int row, int column, int lane, int width, long out) {
		for (int l = 0; l < width; l += NARROW_STEP) {
			long offset = weights.values().row(row) + column + 64L * ((lane + l) / 8) + 4L * ((lane + l) % 8);
			LongVector near = words(weights, offset).lanewise(VectorOperators.XOR, 0x80808080).reinterpretAsLongs();
			LongVector far = words(weights, offset + 32).lanewise(VectorOperators.XOR, 0x80808080).reinterpretAsLongs();
			IntVector even = near.and(LOW).or(far.lanewise(VectorOperators.LSHL, 32)).reinterpretAsInts();
			IntVector next = near.lanewise(VectorOperators.LSHR, 32).or(far.and(~LOW)).reinterpretAsInts();
			for (int step = 0; step < 4; step++) {
				store(code(even, 24 - 8 * step, 0xff000000), out, step * width + l);
				store(code(next, 24 - 8 * step, 0xff000000), out, (step + 4) * width + l);
			}
		}
	}

	/** Upper halves of singles, two to a word. */
	private static void halves(Weights weights, int row, int column, int lane, int width, long out) {
		for (int l = 0; l < width; l += NARROW_STEP) {
			long offset = weights.values().row(row) + 2L * column + 4L * (lane + l);
			for (int step = 0; step < BlockOrder.STEPS; step += 2) {
				IntVector words = words(weights, offset + 32L * step);
				store(words.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats(), out, step * width + l);
				store(words.and(0xffff0000).reinterpretAsFloats(), out, (step + 1) * width + l);
			}
		}
	}

	private static void store(FloatVector vector, long out, int index) {
		vector.intoMemorySegment(Addresses.MEMORY, out + 4L * index, ORDER);
	}

	private static void numbers(Rows rows, int row, int column, int lane, int width, float[] out) {
		for (int step = 0; step < BlockOrder.STEPS; step++) {
			read(rows, row, column + step * Kernels.LANES + lane, width, out, step * width);
		}
	}

	private static IntVector words(Weights weights, long offset) {
		return IntVector.fromMemorySegment(Lanes.NARROW_INTS, weights.values().memory(), offset, ORDER);
	}

	/** The codes that a shift brings to the top of their words, where they stay. */
	private static FloatVector code(IntVector words, int shift, int mask) {
		return (FloatVector) words.lanewise(VectorOperators.LSHL, shift)
			.and(mask)
			.convertShape(VectorOperators.I2F, Lanes.NARROW, 0);
	}

	/**
	 * Reads the scales of some rows, then their biases for centred codes if they have
	 * any. Each row is padded with zeros to {@link BlockOrder#padded}.
	 * @return where the biases begin
	 */
	static int readGroups(Weights weights, int row, int rows, float[] out) {
		int end = rows * weights.paddedGroups();
		read(Objects.requireNonNull(weights.scales()), row, rows, out, 0);
		if (weights.biases() != null) {
			read(weights.biases(), row, rows, out, end);
			FloatVector center = FloatVector.broadcast(Lanes.NARROW, weights.format().center());
			for (int g = 0; g < end; g += NARROW_STEP) {
				center
					.fma(FloatVector.fromArray(Lanes.NARROW, out, g), FloatVector.fromArray(Lanes.NARROW, out, g + end))
					.intoArray(out, g + end);
			}
		}
		return end;
	}

	/** Reads whole rows, at once where nothing lies between them. */
	private static void read(Rows rows, int row, int count, float[] out, int to) {
		int columns = rows.columns();
		int padded = BlockOrder.padded(columns);
		if (padded == columns && rows.row(1) - rows.row(0) == (long) columns * rows.type().bytes()) {
			read(rows, row, 0, count * columns, out, to);
			return;
		}
		for (int r = 0; r < count; r++) {
			read(rows, row + r, 0, columns, out, to + r * padded);
			Arrays.fill(out, to + r * padded + columns, to + (r + 1) * padded, 0f);
		}
	}

	/**
	 * Unpacks a stretch of a weight row, which begins at a group, in the order of
	 * columns.
	 * @param groups room for the scales and biases of the stretch
	 */
	static void unpack(Weights weights, int row, int from, int count, float[] out, int to, float[] groups) {
		switch (weights.format()) {
			case F32, F16, BF16 -> read(weights.values(), row, from, count, out, to);
			case AFFINE4 -> {
				int number = readGroups(weights, row, from, count, groups);
				unpack4(weights, row, from, count, out, to, groups, number);
			}
			case AFFINE8 -> {
				int number = readGroups(weights, row, from, count, groups);
				unpack8(weights, row, from, count, out, to, groups, number);
			}
			default -> VectorDecoding.decode(weights, row, from, count, out, to);
		}
		for (int i = count; i % Kernels.LANES != 0; i++) {
			out[to + i] = 0f;
		}
	}

	/**
	 * Reads the scales of a stretch of groups, then their biases.
	 * @return number of groups; the biases begin there
	 */
	static int readGroups(Weights weights, int row, int from, int count, float[] out) {
		int first = from / weights.groupSize();
		int number = count / weights.groupSize();
		read(Objects.requireNonNull(weights.scales()), row, first, number, out, 0);
		read(Objects.requireNonNull(weights.biases()), row, first, number, out, number);
		return number;
	}

	private static void unpack4(Weights weights, int row, int from, int count, float[] out, int to, float[] groups,
			int number) {
		MemorySegment codes = weights.values().memory();
		long offset = weights.values().row(row) + from / 2;
		int shift = Integer.numberOfTrailingZeros(weights.groupSize());
		for (int half = 0; half < 8; half += NARROW_STEP) {
			IntVector shifts = IntVector.broadcast(Lanes.NARROW_INTS, 4 * half).addIndex(4);
			for (int i = 0; i < count; i += 8) {
				FloatVector scale = FloatVector.broadcast(Lanes.NARROW, groups[i >>> shift]);
				FloatVector bias = FloatVector.broadcast(Lanes.NARROW, groups[number + (i >>> shift)]);
				IntVector word = IntVector.broadcast(Lanes.NARROW_INTS, codes.get(INT, offset + (i >> 1)));
				((FloatVector) word.lanewise(VectorOperators.LSHR, shifts)
					.and(15)
					.convertShape(VectorOperators.I2F, Lanes.NARROW, 0)).fma(scale, bias).intoArray(out, to + i + half);
			}
		}
	}

	private static void unpack8(Weights weights, int row, int from, int count, float[] out, int to, float[] groups,
			int number) {
		MemorySegment codes = weights.values().memory();
		long offset = weights.values().row(row) + from;
		int shift = Integer.numberOfTrailingZeros(weights.groupSize());
		IntVector shifts = IntVector.zero(Lanes.NARROW_INTS).addIndex(8).and(31);
		for (int i = 0; i < count; i += NARROW_STEP) {
			FloatVector scale = FloatVector.broadcast(Lanes.NARROW, groups[i >>> shift]);
			FloatVector bias = FloatVector.broadcast(Lanes.NARROW, groups[number + (i >>> shift)]);
			IntVector words = IntVector.broadcast(Lanes.NARROW_INTS, codes.get(INT, offset + i));
			if (NARROW_STEP == 8) {
				words = words.blend(codes.get(INT, offset + i + 4), UPPER_HALF);
			}
			((FloatVector) words.lanewise(VectorOperators.LSHR, shifts)
				.and(255)
				.convertShape(VectorOperators.I2F, Lanes.NARROW, 0)).fma(scale, bias).intoArray(out, to + i);
		}
	}

}
