package io.github.flashspring.engine.device.cpu;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * {@link Decoding} over the Vector API, a register of neighbouring columns at a time:
 * each lane gets the word in which its code lies, and shifts it down by its own distance.
 */
final class VectorDecoding {

	private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

	private static final VectorSpecies<Float> FLOATS = Lanes.NARROW;

	private static final VectorSpecies<Integer> INTS = Lanes.NARROW_INTS;

	private static final int STEP = FLOATS.length();

	private static final VectorMask<Integer> UPPER_HALF = IntVector.zero(INTS)
		.addIndex(1)
		.compare(VectorOperators.GE, 4);

	/** Bits of the magnitudes of E2M1: the first ones, and the last ones. */
	private static final IntVector MAGNITUDES = magnitudes(0).reinterpretAsInts();

	private static final IntVector UPPER_MAGNITUDES = magnitudes(8 - STEP).reinterpretAsInts();

	/** Where the codes of 32 columns lie, by their bits. */
	private static final Places[] PLACES = { Places.of(1), Places.of(1), Places.of(2), Places.of(3), Places.of(4),
			Places.of(5), Places.of(6), Places.of(7), Places.of(8) };

	private VectorDecoding() {
	}

	/** Magnitudes of E2M1. */
	static FloatVector magnitudes(int first) {
		float[] values = new float[STEP];
		for (int i = 0; i < STEP; i++) {
			values[i] = Decoding.e2m1(first + i);
		}
		return FloatVector.fromArray(FLOATS, values, 0);
	}

	/**
	 * Adds the products of a row.
	 * @param weights the matrix
	 * @param row row of the matrix
	 * @param x the input
	 * @param from index of its first value
	 * @param block room for a block
	 * @param lanes receives 16 sums
	 * @param at index of the first sum
	 */
	static void multiply(Weights weights, int row, float[] x, int from, float[] block, float[] lanes, int at) {
		Arrays.fill(lanes, at, at + Kernels.LANES, 0f);
		int blocks = BlockOrder.blocks(weights.columns());
		for (int b = 0; b < blocks; b++) {
			decodeBlock(weights, row, b, 0, Kernels.LANES, block);
			for (int lane = 0; lane < Kernels.LANES; lane += STEP) {
				addBlock(block, lane, x, from + b * BlockOrder.COLUMNS + lane, lanes, at + lane);
			}
		}
	}

	private static void addBlock(float[] block, int lane, float[] x, int from, float[] lanes, int at) {
		FloatVector sum = FloatVector.fromArray(FLOATS, lanes, at);
		for (int half = 0; half < BlockOrder.COLUMNS; half += BlockOrder.COLUMNS / 2) {
			FloatVector a = FloatVector.fromArray(FLOATS, block, half + lane)
				.mul(FloatVector.fromArray(FLOATS, x, from + half));
			for (int step = half + Kernels.LANES; step < half + 4 * Kernels.LANES; step += Kernels.LANES) {
				a = FloatVector.fromArray(FLOATS, block, step + lane)
					.fma(FloatVector.fromArray(FLOATS, x, from + step), a);
			}
			sum = sum.add(a);
		}
		sum.intoArray(lanes, at);
	}

	/**
	 * Decodes some lanes of a block in the order of {@link BlockOrder}.
	 * @param lane first lane
	 * @param width number of lanes: a narrow register's or all 16
	 * @param out receives {@code 8 · width} values, step by step; zeros behind the row
	 */
	static void decodeBlock(Weights weights, int row, int block, int lane, int width, float[] out) {
		int column = block * BlockOrder.COLUMNS;
		int columns = Math.min(weights.columns() - column, BlockOrder.COLUMNS);
		if (columns % Kernels.LANES != 0) {
			Decoding.decodeBlock(weights, row, block, lane, width, out);
			return;
		}
		int steps = columns / Kernels.LANES;
		if (width == Kernels.LANES) {
			decode(weights, row, column, STEP, columns / STEP, out, 0);
		}
		else {
			decode(weights, row, column + lane, Kernels.LANES, steps, out, 0);
		}
		Arrays.fill(out, steps * width, BlockOrder.STEPS * width, 0f);
	}

	/**
	 * Decodes neighbouring values of a row.
	 * @param from first column, a multiple of 16
	 * @param count number of columns
	 */
	static void decode(Weights weights, int row, int from, int count, float[] out, int to) {
		int whole = count / STEP * STEP;
		decode(weights, row, from, STEP, count / STEP, out, to);
		Decoding.decode(weights, row, from + whole, count - whole, out, to + whole);
	}

	/**
	 * Decodes registers of neighbouring values.
	 * @param first first column, a multiple of {@link #STEP}
	 * @param stride from one register's first column to the next one's
	 * @param count number of registers
	 * @param out receives the registers one after the other
	 */
	private static void decode(Weights weights, int row, int first, int stride, int count, float[] out, int to) {
		switch (weights.format()) {
			case MXFP4, NVFP4 -> e2m1(weights, row, first, stride, count, out, to);
			case MXFP8, FP8 -> e4m3(weights, row, first, stride, count, out, to);
			default -> affine(weights, row, first, stride, count, out, to);
		}
	}

	private static void affine(Weights weights, int row, int first, int stride, int count, float[] out, int to) {
		MemorySegment memory = weights.values().memory();
		long offset = weights.values().row(row);
		Places places = PLACES[weights.format().bits()];
		int mask = (1 << weights.format().bits()) - 1;
		for (int i = 0; i < count; i++) {
			int column = first + i * stride;
			int group = column / weights.groupSize();
			FloatVector scale = FloatVector.broadcast(FLOATS, Decoding.scale(weights, row, group));
			FloatVector bias = FloatVector.broadcast(FLOATS, Decoding.bias(weights, row, group));
			((FloatVector) codes(memory, offset, column, places).and(mask).convertShape(VectorOperators.I2F, FLOATS, 0))
				.fma(scale, bias)
				.intoArray(out, to + i * STEP);
		}
	}

	private static void e2m1(Weights weights, int row, int first, int stride, int count, float[] out, int to) {
		MemorySegment memory = weights.values().memory();
		long offset = weights.values().row(row);
		Places places = PLACES[4];
		for (int i = 0; i < count; i++) {
			int column = first + i * stride;
			float scale = Decoding.scale(weights, row, column / weights.groupSize());
			e2m1(codes(memory, offset, column, places), MAGNITUDES, UPPER_MAGNITUDES).mul(scale)
				.intoArray(out, to + i * STEP);
		}
	}

	/**
	 * The values of four-bit floats.
	 * @param codes four bits, and others above them
	 * @param magnitudes bits of the first magnitudes
	 * @param upper bits of the last magnitudes, if a register does not hold all
	 */
	static FloatVector e2m1(IntVector codes, IntVector magnitudes, IntVector upper) {
		IntVector magnitude = codes.and(STEP - 1).selectFrom(magnitudes);
		if (STEP < 8) {
			magnitude = magnitude.blend(codes.and(STEP - 1).selectFrom(upper),
					codes.and(4).compare(VectorOperators.NE, 0));
		}
		return codes.lanewise(VectorOperators.LSHL, 28).and(0x80000000).or(magnitude).reinterpretAsFloats();
	}

	private static void e4m3(Weights weights, int row, int first, int stride, int count, float[] out, int to) {
		MemorySegment memory = weights.values().memory();
		long offset = weights.values().row(row);
		Places places = PLACES[8];
		for (int i = 0; i < count; i++) {
			int column = first + i * stride;
			float scale = Decoding.scale(weights, row, column / weights.groupSize());
			e4m3(codes(memory, offset, column, places)).mul(scale).intoArray(out, to + i * STEP);
		}
	}

	/**
	 * The values of eight-bit floats.
	 * @param codes eight bits, and others above them
	 */
	private static FloatVector e4m3(IntVector codes) {
		IntVector magnitude = codes.and(0x7f);
		// The product moves the exponent's bias from 7 to 127, for subnormals too; the
		// highest code is NaN.
		IntVector finite = magnitude.lanewise(VectorOperators.LSHL, 20)
			.reinterpretAsFloats()
			.mul(0x1p120f)
			.reinterpretAsInts();
		IntVector notANumber = magnitude.add(1)
			.lanewise(VectorOperators.LSHL, 24)
			.lanewise(VectorOperators.ASHR, 31)
			.and(0x7fc00000);
		IntVector sign = codes.and(0x80).lanewise(VectorOperators.LSHL, 24);
		return finite.or(notANumber).or(sign).reinterpretAsFloats();
	}

	/**
	 * Brings the codes of neighbouring columns down in their lanes.
	 * @param offset of the row
	 * @param column the first, a multiple of {@link #STEP}
	 * @return codes, with those of other columns above them
	 */
	static IntVector codes(MemorySegment memory, long offset, int column, Places places) {
		int quad = column / 4 % 8;
		long at = offset + column / 32 * places.bytes();
		IntVector words = IntVector.broadcast(INTS, memory.get(INT, at + places.offsets()[quad]));
		if (STEP == 8) {
			words = words.blend(memory.get(INT, at + places.offsets()[quad + 1]), UPPER_HALF);
		}
		return words.lanewise(VectorOperators.LSHR, IntVector.fromArray(INTS, places.shifts(), 4 * quad));
	}

	/**
	 * Where the codes of 32 columns lie.
	 *
	 * @param bytes of 32 columns
	 * @param offsets of the 32 bits in which each four columns lie, in bytes
	 * @param shifts by how much each code must be shifted down in these
	 */
	record Places(long bytes, int[] offsets, int[] shifts) {

		static Places of(int bits) {
			int[] offsets = new int[8];
			int[] shifts = new int[32];
			for (int quad = 0; quad < 8; quad++) {
				int bit = 4 * quad * bits;
				// Codes that cross no word are read with their word, which may be the
				// last one of the row; others with what lies behind, but for the last.
				int offset = (32 % bits == 0) ? bit / 32 * 4 : Math.min(bit / 8, 4 * bits - 4);
				offsets[quad] = offset;
				for (int i = 0; i < 4; i++) {
					shifts[4 * quad + i] = bit + i * bits - 8 * offset;
				}
			}
			return new Places(4L * bits, offsets, shifts);
		}

	}

}
