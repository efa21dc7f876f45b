package io.github.flashspring.engine.device.cpu;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * The product of one row of {@link Format#MXFP4} with one input, in registers: the table
 * of the eight magnitudes is multiplied by a group's scale, which is exact, and then
 * looks up the weights.
 */
final class MicroscalingRows {

	private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

	private static final VectorSpecies<Float> FLOATS = Lanes.NARROW;

	private static final VectorSpecies<Integer> INTS = Lanes.NARROW_INTS;

	private static final int STEP = FLOATS.length();

	private static final FloatVector MAGNITUDES = VectorDecoding.magnitudes(0);

	private static final FloatVector UPPER_MAGNITUDES = VectorDecoding.magnitudes(8 - STEP);

	private MicroscalingRows() {
	}

	/**
	 * Adds the products of a row.
	 * @param codes memory of the codes
	 * @param offset of the row's codes
	 * @param scales memory of the scales
	 * @param scaleOffset of the row's scales
	 * @param columns number of inputs
	 * @param x the input
	 * @param from index of its first value
	 * @param lanes receives 16 sums
	 * @param at index of the first sum
	 */
	static void multiply(MemorySegment codes, long offset, MemorySegment scales, long scaleOffset, int columns,
			float[] x, int from, float[] lanes, int at) {
		for (int lane = 0; lane < Kernels.LANES; lane += STEP) {
			IntVector shifts = IntVector.broadcast(INTS, 4 * (lane % 8)).addIndex(4);
			FloatVector sum = FloatVector.zero(FLOATS);
			long word = offset + lane / 8 * 4;
			int column = 0;
			for (; column <= columns - 64; column += 64) {
				FloatVector a = FloatVector.zero(FLOATS);
				for (int k = 0; k < 2; k++) {
					a = group(codes, word + column / 2 + 16 * k, scale(scales, scaleOffset + column / 32 + k), shifts,
							x, from + column + 32 * k + lane, a);
				}
				sum = sum.add(a);
			}
			if (column < columns) {
				sum = sum.add(group(codes, word + column / 2, scale(scales, scaleOffset + column / 32), shifts, x,
						from + column + lane, FloatVector.zero(FLOATS)));
			}
			sum.intoArray(lanes, at + lane);
		}
	}

	private static float scale(MemorySegment scales, long offset) {
		return Decoding.e8m0(scales.get(ValueLayout.JAVA_BYTE, offset) & 0xff);
	}

	/** Adds the products of a register's part of a group: two steps. */
	private static FloatVector group(MemorySegment codes, long word, float scale, IntVector shifts, float[] x, int from,
			FloatVector sum) {
		IntVector table = MAGNITUDES.mul(scale).reinterpretAsInts();
		IntVector upper = (STEP < 8) ? UPPER_MAGNITUDES.mul(scale).reinterpretAsInts() : table;
		FloatVector a = weights(codes.get(INT, word), shifts, table, upper).fma(FloatVector.fromArray(FLOATS, x, from),
				sum);
		return weights(codes.get(INT, word + 8), shifts, table, upper)
			.fma(FloatVector.fromArray(FLOATS, x, from + Kernels.LANES), a);
	}

	private static FloatVector weights(int word, IntVector shifts, IntVector table, IntVector upper) {
		return VectorDecoding.e2m1(IntVector.broadcast(INTS, word).lanewise(VectorOperators.LSHR, shifts), table,
				upper);
	}

}
