package io.github.flashspring.engine.device.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

import io.github.flashspring.engine.checkpoint.DType;

/**
 * Half precision, two of a lane in a word, brought to single precision as
 * {@link E4m3Format} do it. Infinities and NaNs, which only damaged weights hold, are
 * looked for in whole words: they make the sum NaN. What lies behind the end of a row is
 * masked.
 */
final class HalfFormat extends NumberFormat {

	HalfFormat() {
		super("F16", DType.F16, BlockOrder.HALVES);
	}

	@Override
	float number(Weights weights, int row, int column) {
		// only damaged weights hold infinities
		float half = super.number(weights, row, column);
		return Float.isInfinite(half) ? Float.NaN : half;
	}

	@Override
	VectorFormat vector(Weights weights) {
		return Fast.INSTANCE;
	}

	/** Reads rows into registers. */
	private static final class Fast implements VectorFormat {

		static final Fast INSTANCE = new Fast();

		private static final int BITS = 0x0fffe000;

		private static final int BIAS = 112 << 23;

		private static final int SIGN = 0x80000000;

		private static final float MIN_NORMAL = 0x1p-14f;

		private static final int EXPONENTS = 0x7c007c00;

		private static final int ONES = 0x04000400;

		private static final int SIGNS = 0x80008000;

		private static final int NAN = 0x7c000000;

		private static final long BLOCK_BYTES = 256;

		private Fast() {
		}

		@Override
		public void multiply(RowStreams rows, int part) {
			long stride = rows.stride;
			int blocks = rows.blocks(part);
			long last = rows.mask(part);
			for (int o = 0; o < rows.count; o++) {
				long w = rows.first + o * rows.rowBytes + part * BYTES;
				long v = rows.second + o * rows.rowBytes + part * BYTES;
				long x = rows.input + part * PART;
				IntVector bits = IntVector.broadcast(INTS, BITS);
				IntVector bias = IntVector.broadcast(INTS, BIAS);
				IntVector sign = IntVector.broadcast(INTS, SIGN);
				FloatVector two = FloatVector.broadcast(FLOATS, 2f);
				FloatVector minus = FloatVector.broadcast(FLOATS, -MIN_NORMAL);
				IntVector exponents = IntVector.broadcast(INTS, EXPONENTS);
				IntVector ones = IntVector.broadcast(INTS, ONES);
				FloatVector sum = FloatVector.zero(FLOATS);
				FloatVector other = sum;
				IntVector nan = IntVector.zero(INTS);
				IntVector otherNan = nan;
				for (int n = 0; n < blocks; n++) {
					long mask = ((n == blocks - 1) ? last : Lanes.ALL) + part * BYTES;
					FloatVector c = FloatVector.zero(FLOATS);
					FloatVector d = c;
					long end = x + PART;
					do {
						w = Addresses.known(w);
						v = Addresses.known(v);
						x = Addresses.known(x);
						mask = Addresses.known(mask);
						IntVector valid = IntVector.fromMemorySegment(INTS, MEMORY, mask, ORDER);
						IntVector a = IntVector.fromMemorySegment(INTS, MEMORY, w, ORDER).and(valid);
						IntVector b = IntVector.fromMemorySegment(INTS, MEMORY, v, ORDER).and(valid);
						nan = nan.or(a.and(exponents).add(ones));
						otherNan = otherNan.or(b.and(exponents).add(ones));
						FloatVector y = FloatVector.fromMemorySegment(FLOATS, MEMORY, x, ORDER);
						IntVector value;
						value = a.lanewise(VectorOperators.LSHL, 13).and(bits).add(bias);
						c = value.reinterpretAsFloats()
							.fma(two, minus)
							.reinterpretAsInts()
							.min(value)
							.or(a.lanewise(VectorOperators.LSHL, 16).and(sign))
							.reinterpretAsFloats()
							.fma(y, c);
						value = b.lanewise(VectorOperators.LSHL, 13).and(bits).add(bias);
						d = value.reinterpretAsFloats()
							.fma(two, minus)
							.reinterpretAsInts()
							.min(value)
							.or(b.lanewise(VectorOperators.LSHL, 16).and(sign))
							.reinterpretAsFloats()
							.fma(y, d);
						y = FloatVector.fromMemorySegment(FLOATS, MEMORY, x + BYTES, ORDER);
						value = a.lanewise(VectorOperators.LSHR, 3).and(bits).add(bias);
						c = value.reinterpretAsFloats()
							.fma(two, minus)
							.reinterpretAsInts()
							.min(value)
							.or(a.and(sign))
							.reinterpretAsFloats()
							.fma(y, c);
						value = b.lanewise(VectorOperators.LSHR, 3).and(bits).add(bias);
						d = value.reinterpretAsFloats()
							.fma(two, minus)
							.reinterpretAsInts()
							.min(value)
							.or(b.and(sign))
							.reinterpretAsFloats()
							.fma(y, d);
						w += 64;
						v += 64;
						mask += 64;
						x += stride / 2;
					}
					while (x < end);
					x += BLOCK - PART;
					sum = sum.add(c);
					other = other.add(d);
				}
				sum.blend(Float.NaN, nan.and(SIGNS).compare(VectorOperators.NE, 0).cast(FLOATS))
					.intoMemorySegment(MEMORY,
							Addresses.known(rows.firstSums + o * RowStreams.SUM_BYTES + part * BYTES), ORDER);
				other.blend(Float.NaN, otherNan.and(SIGNS).compare(VectorOperators.NE, 0).cast(FLOATS))
					.intoMemorySegment(MEMORY,
							Addresses.known(rows.secondSums + o * RowStreams.SUM_BYTES + part * BYTES), ORDER);
			}
		}

		@Override
		public void unpack(long row, long scales, long biases, int part, int blocks, long mask, long out,
				long distance) {
			long w = row + part * BYTES;
			long q = out;
			for (int n = 0; n < blocks; n++) {
				w = Addresses.known(w);
				q = Addresses.known(q);
				long valid = Addresses.known(((n == blocks - 1) ? mask : Lanes.ALL) + part * BYTES);
				for (int i = 0; i < BlockOrder.STEPS / 2; i++) {
					IntVector words = IntVector.fromMemorySegment(INTS, MEMORY, w + 64L * i, ORDER)
						.and(IntVector.fromMemorySegment(INTS, MEMORY, valid + 64L * i, ORDER));
					value(words.lanewise(VectorOperators.LSHL, 16)).intoMemorySegment(MEMORY, q + 2 * i * BYTES, ORDER);
					value(words).intoMemorySegment(MEMORY, q + (2 * i + 1) * BYTES, ORDER);
				}
				w += BLOCK_BYTES;
				q += distance;
			}
		}

		/** The values of the upper halves of words; NaN for infinities too. */
		private static FloatVector value(IntVector words) {
			IntVector value = words.lanewise(VectorOperators.LSHR, 3).and(BITS).add(BIAS);
			return value.reinterpretAsFloats()
				.fma(FloatVector.broadcast(FLOATS, 2f), FloatVector.broadcast(FLOATS, -MIN_NORMAL))
				.reinterpretAsInts()
				.min(value)
				.or(words.and(SIGN))
				.reinterpretAsFloats()
				.blend(Float.NaN, words.and(NAN).compare(VectorOperators.EQ, NAN).cast(FLOATS));
		}

		@Override
		public void lookUp(Weights weights, int row, int from, int count, float[] out, int to, float[] groups) {
			VectorNumbers.read(weights.values(), row, from, count, out, to);
		}

	}

}
