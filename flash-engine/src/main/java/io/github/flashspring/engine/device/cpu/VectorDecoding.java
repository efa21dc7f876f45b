package io.github.flashspring.engine.device.cpu;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

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

	private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

	private static final VectorSpecies<Float> FLOATS = Lanes.NARROW;

	private static final VectorSpecies<Integer> INTS = Lanes.NARROW_INTS;

	private static final int STEP = FLOATS.length();

	private static final VectorMask<Integer> UPPER_HALF = IntVector.zero(INTS)
		.addIndex(1)
		.compare(VectorOperators.GE, 4);

	/** Bits of the magnitudes of E2M1: the first ones, and the last ones. */
	private static final IntVector MAGNITUDES = magnitudes(0).reinterpretAsInts();

	private static final IntVector UPPER_MAGNITUDES = magnitudes(8 - STEP).reinterpretAsInts();

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
	 * Columns that are decoded by registers: whole ones, unless the row is shorter than
	 * what is read at once.
	 */
	private static int whole(Weights weights, int row, int count) {
		return (end(weights, row) - weights.values().row(row) < Long.BYTES) ? 0 : count / STEP * STEP;
	}

	/**
	 * Decodes neighbouring affine codes of a row.
	 * @param from first column, a multiple of 16
	 * @param count number of columns
	 */
	static void affine(Weights weights, int row, int from, int count, float[] out, int to) {
		int whole = whole(weights, row, count);
		MemorySegment memory = weights.values().memory();
		long offset = weights.values().row(row);
		long end = end(weights, row);
		int bits = weights.format().bits();
		IntVector shifts = shifts(bits);
		int mask = (1 << bits) - 1;
		for (int i = 0; i < whole; i += STEP) {
			int column = from + i;
			int group = column / weights.groupSize();
			FloatVector scale = FloatVector.broadcast(FLOATS, Decoding.scale(weights, row, group));
			FloatVector bias = FloatVector.broadcast(FLOATS, Decoding.bias(weights, row, group));
			((FloatVector) codes(memory, offset, end, column, bits, shifts).and(mask)
				.convertShape(VectorOperators.I2F, FLOATS, 0)).fma(scale, bias).intoArray(out, to + i);
		}
		weights.format().decode(weights, row, from + whole, count - whole, out, to + whole);
	}

	/**
	 * Decodes neighbouring four-bit floats of a row.
	 * @param from first column, a multiple of 16
	 * @param count number of columns
	 */
	static void e2m1(Weights weights, int row, int from, int count, float[] out, int to) {
		int whole = whole(weights, row, count);
		MemorySegment memory = weights.values().memory();
		long offset = weights.values().row(row);
		long end = end(weights, row);
		IntVector shifts = shifts(4);
		for (int i = 0; i < whole; i += STEP) {
			int column = from + i;
			float scale = Decoding.scale(weights, row, column / weights.groupSize());
			e2m1(codes(memory, offset, end, column, 4, shifts), MAGNITUDES, UPPER_MAGNITUDES).mul(scale)
				.intoArray(out, to + i);
		}
		weights.format().decode(weights, row, from + whole, count - whole, out, to + whole);
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

	/**
	 * Decodes neighbouring eight-bit floats of a row.
	 * @param from first column, a multiple of 16
	 * @param count number of columns
	 */
	static void e4m3(Weights weights, int row, int from, int count, float[] out, int to) {
		int whole = whole(weights, row, count);
		MemorySegment memory = weights.values().memory();
		long offset = weights.values().row(row);
		long end = end(weights, row);
		IntVector shifts = shifts(8);
		for (int i = 0; i < whole; i += STEP) {
			int column = from + i;
			float scale = Decoding.scale(weights, row, column / weights.groupSize());
			e4m3(codes(memory, offset, end, column, 8, shifts)).mul(scale).intoArray(out, to + i);
		}
		weights.format().decode(weights, row, from + whole, count - whole, out, to + whole);
	}

	/**
	 * The values of eight-bit floats.
	 * @param codes eight bits, and others above them
	 */
	private static FloatVector e4m3(IntVector codes) {
		// sign, exponent and fraction as in single precision, but for the exponent's
		// bias:
		// the product moves it from 7 to 127, for subnormals too; the highest code is NaN
		IntVector bits = codes.lanewise(VectorOperators.LSHL, 24).lanewise(VectorOperators.ASHR, 4).and(0x87f00000);
		IntVector notANumber = codes.and(0x7f)
			.add(1)
			.lanewise(VectorOperators.LSHL, 24)
			.lanewise(VectorOperators.ASHR, 31)
			.and(0x7fc00000);
		return bits.reinterpretAsFloats().mul(0x1p120f).reinterpretAsInts().or(notANumber).reinterpretAsFloats();
	}

	/**
	 * Brings the codes of neighbouring columns down in their lanes.
	 * @param offset of the row, which has at least eight bytes
	 * @param end of the row
	 * @param column the first, a multiple of {@link #STEP}
	 * @param bits of a code
	 * @param shifts distance of the code from the first of its four, by lane
	 * @return codes, with those of other columns above them
	 */
	private static IntVector codes(MemorySegment memory, long offset, long end, int column, int bits,
			IntVector shifts) {
		long bit = (long) column * bits;
		long at = offset + (bit >>> 3);
		// the last codes of a row are read with those before them
		long from = Math.min(at, end - Long.BYTES);
		long codes = memory.get(LONG, from) >>> (int) (Byte.SIZE * (at - from) + (bit & 7));
		IntVector words = IntVector.broadcast(INTS, (int) codes);
		if (STEP == 8) {
			words = words.blend((int) (codes >>> 4 * bits), UPPER_HALF);
		}
		return words.lanewise(VectorOperators.LSHR, shifts);
	}

	private static IntVector shifts(int bits) {
		return IntVector.zero(INTS).addIndex(1).and(3).mul(bits);
	}

	/** End of a row's codes. */
	private static long end(Weights weights, int row) {
		return weights.values().row(row) + (long) weights.columns() * weights.format().bits() / Byte.SIZE;
	}

}
