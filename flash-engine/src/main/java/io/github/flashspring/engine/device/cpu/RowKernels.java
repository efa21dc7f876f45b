package io.github.flashspring.engine.device.cpu;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * The product of one weight row with one input: what decoding spends its time in. Codes
 * are read from memory 64 bits at a time, broadcast, and cut out by one shift that
 * differs from lane to lane; the input is brought into the order in which they come out.
 *
 * <p>
 * A row runs through two registers at a time, so 256 bits cover the 16 lanes in one pass
 * and 128 bits in two, of which the second finds the row in the first-level cache. Its
 * two chains of dependent additions allow 4 weights per clock. Measured on one core of a
 * Zen 3 at 3.3 GHz with 4 bits in groups of 64: 11.3 billion weights per second, in cache
 * as from memory, where C with the same two chains gets 13.0. Two rows at once would
 * allow more (C: 15.3), but the JIT compiler then spills accumulators: 6.5 to 10.5. Words
 * broadcast one by one instead of in pairs cost more checks: 9.4. Unchecked access to all
 * of memory instead of a segment changed nothing.
 */
final class RowKernels {

	private static final ByteOrder ORDER = ByteOrder.LITTLE_ENDIAN;

	private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ORDER);

	private static final VectorSpecies<Float> FLOATS = Lanes.NARROW;

	private static final VectorSpecies<Integer> INTS = Lanes.NARROW_INTS;

	private static final VectorSpecies<Long> LONGS = Lanes.NARROW_LONGS;

	private static final VectorSpecies<Short> SHORTS = ShortVector.SPECIES_64
		.withShape(VectorShape.forBitSize(FLOATS.vectorBitSize() / 2));

	private static final int STEP = FLOATS.length();

	private RowKernels() {
	}

	/**
	 * Brings an input into the order in which a format's codes are unpacked: in a
	 * register the two words of a 64-bit read alternate.
	 * @param format of the weights
	 * @param values the input, changed in place
	 * @param count number of values, a multiple of 16 for formats with codes
	 */
	static void arrange(Format format, float[] values, int count) {
		int perWord = switch (format) {
			case F32, F16, BF16 -> 0;
			case AFFINE4 -> 8;
			case AFFINE8 -> 4;
		};
		if (perWord > 0) {
			float[] natural = new float[2 * perWord];
			for (int i = 0; i < count; i += 2 * perWord) {
				System.arraycopy(values, i, natural, 0, natural.length);
				for (int j = 0; j < perWord; j++) {
					values[i + 2 * j] = natural[j];
					values[i + 2 * j + 1] = natural[perWord + j];
				}
			}
		}
	}

	/**
	 * Adds the lanes of a product, which lie in the order of {@link #arrange}, as the
	 * tree of {@link Kernels}.
	 */
	static float tree(Format format, float[] lanes, int at) {
		return switch (format) {
			case F32, F16, BF16 -> {
				float a = (lanes[at] + lanes[at + 8]) + (lanes[at + 4] + lanes[at + 12]);
				float b = (lanes[at + 1] + lanes[at + 9]) + (lanes[at + 5] + lanes[at + 13]);
				float c = (lanes[at + 2] + lanes[at + 10]) + (lanes[at + 6] + lanes[at + 14]);
				float d = (lanes[at + 3] + lanes[at + 11]) + (lanes[at + 7] + lanes[at + 15]);
				yield (a + c) + (b + d);
			}
			case AFFINE4 -> {
				float a = (lanes[at] + lanes[at + 1]) + (lanes[at + 8] + lanes[at + 9]);
				float b = (lanes[at + 2] + lanes[at + 3]) + (lanes[at + 10] + lanes[at + 11]);
				float c = (lanes[at + 4] + lanes[at + 5]) + (lanes[at + 12] + lanes[at + 13]);
				float d = (lanes[at + 6] + lanes[at + 7]) + (lanes[at + 14] + lanes[at + 15]);
				yield (a + c) + (b + d);
			}
			case AFFINE8 -> {
				float a = (lanes[at] + lanes[at + 8]) + (lanes[at + 1] + lanes[at + 9]);
				float b = (lanes[at + 2] + lanes[at + 10]) + (lanes[at + 3] + lanes[at + 11]);
				float c = (lanes[at + 4] + lanes[at + 12]) + (lanes[at + 5] + lanes[at + 13]);
				float d = (lanes[at + 6] + lanes[at + 14]) + (lanes[at + 7] + lanes[at + 15]);
				yield (a + c) + (b + d);
			}
		};
	}

	/**
	 * Multiplies single precision.
	 * @param memory of the weights
	 * @param offset of the row
	 * @param x the input
	 * @param count number of values, a multiple of 16
	 * @param lanes receives 16 sums
	 * @param at index of the first sum
	 */
	static void single(MemorySegment memory, long offset, float[] x, int count, float[] lanes, int at) {
		for (int lane = 0; lane < Kernels.LANES; lane += 2 * STEP) {
			FloatVector a = FloatVector.zero(FLOATS);
			FloatVector b = FloatVector.zero(FLOATS);
			for (int i = lane; i < count; i += Kernels.LANES) {
				a = FloatVector.fromMemorySegment(FLOATS, memory, offset + 4L * i, ORDER)
					.fma(FloatVector.fromArray(FLOATS, x, i), a);
				b = FloatVector.fromMemorySegment(FLOATS, memory, offset + 4L * i + 4L * STEP, ORDER)
					.fma(FloatVector.fromArray(FLOATS, x, i + STEP), b);
			}
			a.intoArray(lanes, at + lane);
			b.intoArray(lanes, at + lane + STEP);
		}
	}

	/**
	 * Multiplies upper halves of singles, with the operands of {@link #single}.
	 */
	static void bfloat(MemorySegment memory, long offset, float[] x, int count, float[] lanes, int at) {
		for (int lane = 0; lane < Kernels.LANES; lane += 2 * STEP) {
			FloatVector a = FloatVector.zero(FLOATS);
			FloatVector b = FloatVector.zero(FLOATS);
			for (int i = lane; i < count; i += Kernels.LANES) {
				a = ((IntVector) ShortVector.fromMemorySegment(SHORTS, memory, offset + 2L * i, ORDER)
					.convertShape(VectorOperators.ZERO_EXTEND_S2I, INTS, 0)).lanewise(VectorOperators.LSHL, 16)
					.reinterpretAsFloats()
					.fma(FloatVector.fromArray(FLOATS, x, i), a);
				b = ((IntVector) ShortVector.fromMemorySegment(SHORTS, memory, offset + 2L * i + 2L * STEP, ORDER)
					.convertShape(VectorOperators.ZERO_EXTEND_S2I, INTS, 0)).lanewise(VectorOperators.LSHL, 16)
					.reinterpretAsFloats()
					.fma(FloatVector.fromArray(FLOATS, x, i + STEP), b);
			}
			a.intoArray(lanes, at + lane);
			b.intoArray(lanes, at + lane + STEP);
		}
	}

	/**
	 * Adds the products of a stretch that was unpacked before.
	 * @param w the weights
	 * @param x the input
	 * @param from index of the first input
	 * @param count number of values, a multiple of 16
	 * @param lanes 16 sums to add to
	 * @param at index of the first sum
	 */
	static void unpacked(float[] w, float[] x, int from, int count, float[] lanes, int at) {
		for (int lane = 0; lane < Kernels.LANES; lane += 2 * STEP) {
			FloatVector a = FloatVector.fromArray(FLOATS, lanes, at + lane);
			FloatVector b = FloatVector.fromArray(FLOATS, lanes, at + lane + STEP);
			for (int i = lane; i < count; i += Kernels.LANES) {
				a = FloatVector.fromArray(FLOATS, w, i).fma(FloatVector.fromArray(FLOATS, x, from + i), a);
				b = FloatVector.fromArray(FLOATS, w, i + STEP)
					.fma(FloatVector.fromArray(FLOATS, x, from + i + STEP), b);
			}
			a.intoArray(lanes, at + lane);
			b.intoArray(lanes, at + lane + STEP);
		}
	}

	/**
	 * Multiplies codes of 4 bits.
	 * @param memory of the codes
	 * @param offset of the row
	 * @param shift binary logarithm of the number of 32-code stretches in a group
	 * @param groups scales of the row, then its biases
	 * @param number number of groups
	 * @param x the arranged input
	 * @param count number of values, a multiple of 32
	 * @param lanes receives 16 sums in the order of {@link #arrange}
	 * @param at index of the first sum
	 */
	static void affine4(MemorySegment memory, long offset, int shift, float[] groups, int number, float[] x, int count,
			float[] lanes, int at) {
		for (int lane = 0; lane < Kernels.LANES; lane += 2 * STEP) {
			IntVector low = shifts(4, lane);
			IntVector high = shifts(4, lane + STEP);
			FloatVector a = FloatVector.zero(FLOATS);
			FloatVector b = FloatVector.zero(FLOATS);
			for (int t = 0; t < count >>> 5; t++) {
				FloatVector scale = FloatVector.broadcast(FLOATS, groups[t >>> shift]);
				FloatVector bias = FloatVector.broadcast(FLOATS, groups[number + (t >>> shift)]);
				for (int i = 0; i < 2; i++) {
					IntVector words = LongVector.broadcast(LONGS, memory.get(LONG, offset + 16L * t + 8L * i))
						.reinterpretAsInts();
					int input = 32 * t + 16 * i + lane;
					a = ((FloatVector) words.lanewise(VectorOperators.LSHR, low)
						.and(15)
						.convertShape(VectorOperators.I2F, FLOATS, 0)).fma(scale, bias)
						.fma(FloatVector.fromArray(FLOATS, x, input), a);
					b = ((FloatVector) words.lanewise(VectorOperators.LSHR, high)
						.and(15)
						.convertShape(VectorOperators.I2F, FLOATS, 0)).fma(scale, bias)
						.fma(FloatVector.fromArray(FLOATS, x, input + STEP), b);
				}
			}
			a.intoArray(lanes, at + lane);
			b.intoArray(lanes, at + lane + STEP);
		}
	}

	/**
	 * Multiplies codes of 8 bits, with the operands of {@link #affine4}.
	 */
	static void affine8(MemorySegment memory, long offset, int shift, float[] groups, int number, float[] x, int count,
			float[] lanes, int at) {
		for (int lane = 0; lane < Kernels.LANES; lane += 2 * STEP) {
			IntVector low = shifts(8, lane % 8);
			IntVector high = shifts(8, (lane + STEP) % 8);
			long first = offset + lane / 8 * 8L;
			long second = offset + (lane + STEP) / 8 * 8L;
			FloatVector a = FloatVector.zero(FLOATS);
			FloatVector b = FloatVector.zero(FLOATS);
			for (int t = 0; t < count >>> 5; t++) {
				FloatVector scale = FloatVector.broadcast(FLOATS, groups[t >>> shift]);
				FloatVector bias = FloatVector.broadcast(FLOATS, groups[number + (t >>> shift)]);
				for (int i = 0; i < 2; i++) {
					long code = 32L * t + 16L * i;
					int input = 32 * t + 16 * i + lane;
					a = ((FloatVector) LongVector.broadcast(LONGS, memory.get(LONG, first + code))
						.reinterpretAsInts()
						.lanewise(VectorOperators.LSHR, low)
						.and(255)
						.convertShape(VectorOperators.I2F, FLOATS, 0)).fma(scale, bias)
						.fma(FloatVector.fromArray(FLOATS, x, input), a);
					b = ((FloatVector) LongVector.broadcast(LONGS, memory.get(LONG, second + code))
						.reinterpretAsInts()
						.lanewise(VectorOperators.LSHR, high)
						.and(255)
						.convertShape(VectorOperators.I2F, FLOATS, 0)).fma(scale, bias)
						.fma(FloatVector.fromArray(FLOATS, x, input + STEP), b);
				}
			}
			a.intoArray(lanes, at + lane);
			b.intoArray(lanes, at + lane + STEP);
		}
	}

	/** Shifts that bring the codes of lane {@code lane} on to the lowest bits. */
	private static IntVector shifts(int bits, int lane) {
		return IntVector.zero(INTS).addIndex(1).add(lane).lanewise(VectorOperators.ASHR, 1).mul(bits);
	}

}
