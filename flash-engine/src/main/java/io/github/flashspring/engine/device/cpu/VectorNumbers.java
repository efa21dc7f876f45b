package io.github.flashspring.engine.device.cpu;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Objects;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

import io.github.flashspring.engine.checkpoint.DType;

/**
 * Reads numbers and codes of every format into FP32 vectors and arrays.
 */
final class VectorNumbers {

	private static final ByteOrder ORDER = ByteOrder.LITTLE_ENDIAN;

	private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ORDER);

	private static final int STEP = Lanes.WIDE.length();

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
			case BF16 -> {
				for (; i <= count - STEP; i += STEP) {
					((IntVector) ShortVector.fromMemorySegment(Lanes.WIDE_SHORTS, memory, offset + 2L * i, ORDER)
						.convertShape(VectorOperators.ZERO_EXTEND_S2I, Lanes.WIDE_INTS, 0))
						.lanewise(VectorOperators.LSHL, 16)
						.reinterpretAsFloats()
						.intoArray(out, to + i);
				}
			}
			default -> {
			}
		}
		for (; i < count; i++) {
			out[to + i] = PortableKernels.value(memory, rows.type(), offset + (long) i * bytes);
		}
	}

	/**
	 * Reads whole rows, at once where nothing lies between them.
	 * @param row first row
	 * @param count number of rows
	 * @param out address that receives count · columns values, checked
	 */
	static void read(Rows rows, int row, int count, long out) {
		int columns = rows.columns();
		if (rows.stride() == (long) columns * rows.type().bytes()) {
			read(rows, row, count * columns, out, 0);
			return;
		}
		for (int r = 0; r < count; r++) {
			read(rows, row + r, columns, out, (long) r * columns);
		}
	}

	/**
	 * Reads numbers of a row. Of halves, a product moves the exponent's bias from 15 to
	 * 127, for subnormals too; infinities and NaNs get the highest exponent.
	 */
	private static void read(Rows rows, int row, int count, long out, long first) {
		int bytes = rows.type().bytes();
		long from = Addresses.of(rows.memory(), rows.row(row), (long) count * bytes);
		long to = out + 4 * first;
		int i = 0;
		switch (rows.type()) {
			case F16 -> {
				for (; i <= count - STEP; i += STEP) {
					IntVector bits = (IntVector) ShortVector
						.fromMemorySegment(Lanes.WIDE_SHORTS, Addresses.MEMORY, Addresses.known(from + 2L * i), ORDER)
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
					finite.or(highest)
						.or(sign)
						.intoMemorySegment(Addresses.MEMORY, Addresses.known(to + 4L * i), ORDER);
				}
			}
			case BF16 -> {
				for (; i <= count - STEP; i += STEP) {
					((IntVector) ShortVector
						.fromMemorySegment(Lanes.WIDE_SHORTS, Addresses.MEMORY, Addresses.known(from + 2L * i), ORDER)
						.convertShape(VectorOperators.ZERO_EXTEND_S2I, Lanes.WIDE_INTS, 0))
						.lanewise(VectorOperators.LSHL, 16)
						.intoMemorySegment(Addresses.MEMORY, Addresses.known(to + 4L * i), ORDER);
				}
			}
			default -> {
			}
		}
		for (; i < count; i++) {
			Addresses.MEMORY.set(PortableKernels.FLOAT, Addresses.known(to + 4L * i),
					PortableKernels.value(Addresses.MEMORY, rows.type(), Addresses.known(from + (long) i * bytes)));
		}
	}

	/**
	 * Looks up a range of a weight row, which begins at a group, in the order of columns;
	 * zeros follow up to a multiple of the lanes.
	 * @param groups buffer for the scales and biases of the range
	 */
	static void lookUp(Weights weights, int row, int from, int count, float[] out, int to, float[] groups) {
		VectorFormat.of(weights).lookUp(weights, row, from, count, out, to, groups);
		for (int i = count; i % Kernels.LANES != 0; i++) {
			out[to + i] = 0f;
		}
	}

	/**
	 * Reads the scales of a range of groups, then their biases.
	 * @return number of groups; the biases begin there
	 */
	private static int readGroups(Weights weights, int row, int from, int count, float[] out) {
		int first = from / weights.groupSize();
		int number = count / weights.groupSize();
		read(Objects.requireNonNull(weights.scales()), row, first, number, out, 0);
		read(Objects.requireNonNull(weights.biases()), row, first, number, out, number);
		return number;
	}

	/** Looks up affine codes of four bits. */
	static void lookUp4(Weights weights, int row, int from, int count, float[] out, int to, float[] groups) {
		int number = readGroups(weights, row, from, count, groups);
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

	/** Looks up affine codes of eight bits. */
	static void lookUp8(Weights weights, int row, int from, int count, float[] out, int to, float[] groups) {
		int number = readGroups(weights, row, from, count, groups);
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
