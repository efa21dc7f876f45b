package io.github.flashspring.engine.device.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShuffle;

/**
 * Floats of 8 bits, E4M3, which lie as those of {@link EightBitFormat}. Exponent and
 * fraction are brought to their places in single precision, and an addition moves the
 * exponent's bias from 7 to 127. That gives a subnormal {@code f = 2^-7 · (1 + m / 8)}
 * instead of {@code 2f − 2^-6}, which is the lesser of both for subnormals alone. (A
 * product would do in one operation, but Intel's processors take some 150 cycles for one
 * whose factor is subnormal: 0.4 instead of some 5 billion weights/s.) The code that is
 * NaN is looked for in whole words: it makes the sum NaN.
 */
final class E4m3Format extends FloatCodeFormat {

	E4m3Format(String name, FloatCodeFormat.Scales scales) {
		super(name, 8, BlockOrder.WORD_PAIRS, scales);
	}

	@Override
	float value(int code) {
		return Decoding.e4m3(code);
	}

	@Override
	VectorFormat vector(Weights weights) {
		return Fast.INSTANCE;
	}

	/** Reads rows into registers. */
	private static final class Fast implements VectorFormat {

		static final Fast INSTANCE = new Fast();

		private static final int BITS = 0x07f00000;

		private static final int BIAS = 120 << 23;

		private static final int SIGN = 0x80000000;

		private static final float MIN_NORMAL = 0x1p-6f;

		private static final int MAGNITUDES = 0x7f7f7f7f;

		private static final int ONES = 0x01010101;

		private static final int SIGNS = 0x80808080;

		private static final int NAN = 0x7f000000;

		private static final long LOW = 0xffffffffL;

		private static final long BLOCK_BYTES = 128;

		private Fast() {
		}

		@Override
		public void multiply(RowStreams rows, int part) {
			GroupScales.Spread spread = rows.spread;
			VectorShuffle<Float> shuffle = spread.shuffle(part);
			long scaleBytes = spread.bytes();
			long stride = rows.stride;
			int blocks = rows.blocks(part);
			long last = rows.mask(part);
			for (int o = 0; o < rows.count; o++) {
				long w = rows.first + o * rows.rowBytes + part * BYTES;
				long v = rows.second + o * rows.rowBytes + part * BYTES;
				long s = rows.firstScales + o * rows.scaleBytes + spread.offset(part);
				long t = rows.secondScales + o * rows.scaleBytes + spread.offset(part);
				long x = rows.input + part * PART;
				IntVector bits = IntVector.broadcast(INTS, BITS);
				IntVector bias = IntVector.broadcast(INTS, BIAS);
				IntVector sign = IntVector.broadcast(INTS, SIGN);
				FloatVector two = FloatVector.broadcast(FLOATS, 2f);
				FloatVector minus = FloatVector.broadcast(FLOATS, -MIN_NORMAL);
				FloatVector sum = FloatVector.zero(FLOATS);
				FloatVector other = sum;
				IntVector nan = IntVector.zero(INTS);
				IntVector otherNan = nan;
				long mask = Lanes.ALL + part * BYTES;
				for (int n = 0; n < blocks; n++) {
					w = Addresses.known(w);
					v = Addresses.known(v);
					s = Addresses.known(s);
					t = Addresses.known(t);
					mask = Addresses.known((n == blocks - 1) ? last + part * BYTES : mask);
					IntVector valid = IntVector.fromMemorySegment(INTS, MEMORY, mask, ORDER);
					IntVector validFar = IntVector.fromMemorySegment(INTS, MEMORY, mask + 64, ORDER);
					IntVector words = IntVector.fromMemorySegment(INTS, MEMORY, w, ORDER).and(valid);
					IntVector farWords = IntVector.fromMemorySegment(INTS, MEMORY, w + 64, ORDER).and(validFar);
					nan = nan.or(words.and(MAGNITUDES).add(ONES)).or(farWords.and(MAGNITUDES).add(ONES));
					LongVector near = words.reinterpretAsLongs();
					LongVector far = farWords.reinterpretAsLongs();
					IntVector a = near.and(LOW).or(far.lanewise(VectorOperators.LSHL, 32)).reinterpretAsInts();
					IntVector nextA = near.lanewise(VectorOperators.LSHR, 32).or(far.and(~LOW)).reinterpretAsInts();
					words = IntVector.fromMemorySegment(INTS, MEMORY, v, ORDER).and(valid);
					farWords = IntVector.fromMemorySegment(INTS, MEMORY, v + 64, ORDER).and(validFar);
					otherNan = otherNan.or(words.and(MAGNITUDES).add(ONES)).or(farWords.and(MAGNITUDES).add(ONES));
					near = words.reinterpretAsLongs();
					far = farWords.reinterpretAsLongs();
					IntVector b = near.and(LOW).or(far.lanewise(VectorOperators.LSHL, 32)).reinterpretAsInts();
					IntVector nextB = near.lanewise(VectorOperators.LSHR, 32).or(far.and(~LOW)).reinterpretAsInts();
					FloatVector c = FloatVector.zero(FLOATS);
					FloatVector d = c;
					long end = x + PART;
					do {
						x = Addresses.known(x);
						IntVector code;
						IntVector value;
						FloatVector y = FloatVector.fromMemorySegment(FLOATS, MEMORY, x, ORDER);
						code = a.lanewise(VectorOperators.LSHL, 24);
						value = code.lanewise(VectorOperators.LSHR, 4).and(bits).add(bias);
						c = value.reinterpretAsFloats()
							.fma(two, minus)
							.reinterpretAsInts()
							.min(value)
							.or(code.and(sign))
							.reinterpretAsFloats()
							.fma(y, c);
						code = b.lanewise(VectorOperators.LSHL, 24);
						value = code.lanewise(VectorOperators.LSHR, 4).and(bits).add(bias);
						d = value.reinterpretAsFloats()
							.fma(two, minus)
							.reinterpretAsInts()
							.min(value)
							.or(code.and(sign))
							.reinterpretAsFloats()
							.fma(y, d);
						y = FloatVector.fromMemorySegment(FLOATS, MEMORY, x + BYTES, ORDER);
						code = a.lanewise(VectorOperators.LSHL, 16);
						value = code.lanewise(VectorOperators.LSHR, 4).and(bits).add(bias);
						c = value.reinterpretAsFloats()
							.fma(two, minus)
							.reinterpretAsInts()
							.min(value)
							.or(code.and(sign))
							.reinterpretAsFloats()
							.fma(y, c);
						code = b.lanewise(VectorOperators.LSHL, 16);
						value = code.lanewise(VectorOperators.LSHR, 4).and(bits).add(bias);
						d = value.reinterpretAsFloats()
							.fma(two, minus)
							.reinterpretAsInts()
							.min(value)
							.or(code.and(sign))
							.reinterpretAsFloats()
							.fma(y, d);
						y = FloatVector.fromMemorySegment(FLOATS, MEMORY, x + 2 * BYTES, ORDER);
						code = a.lanewise(VectorOperators.LSHL, 8);
						value = code.lanewise(VectorOperators.LSHR, 4).and(bits).add(bias);
						c = value.reinterpretAsFloats()
							.fma(two, minus)
							.reinterpretAsInts()
							.min(value)
							.or(code.and(sign))
							.reinterpretAsFloats()
							.fma(y, c);
						code = b.lanewise(VectorOperators.LSHL, 8);
						value = code.lanewise(VectorOperators.LSHR, 4).and(bits).add(bias);
						d = value.reinterpretAsFloats()
							.fma(two, minus)
							.reinterpretAsInts()
							.min(value)
							.or(code.and(sign))
							.reinterpretAsFloats()
							.fma(y, d);
						y = FloatVector.fromMemorySegment(FLOATS, MEMORY, x + 3 * BYTES, ORDER);
						code = a;
						value = code.lanewise(VectorOperators.LSHR, 4).and(bits).add(bias);
						c = value.reinterpretAsFloats()
							.fma(two, minus)
							.reinterpretAsInts()
							.min(value)
							.or(code.and(sign))
							.reinterpretAsFloats()
							.fma(y, c);
						code = b;
						value = code.lanewise(VectorOperators.LSHR, 4).and(bits).add(bias);
						d = value.reinterpretAsFloats()
							.fma(two, minus)
							.reinterpretAsInts()
							.min(value)
							.or(code.and(sign))
							.reinterpretAsFloats()
							.fma(y, d);
						a = nextA;
						b = nextB;
						x += stride;
					}
					while (x < end);
					x += BLOCK - PART;
					sum = c.fma(FloatVector.fromMemorySegment(FLOATS, MEMORY, s, ORDER).rearrange(shuffle), sum);
					other = d.fma(FloatVector.fromMemorySegment(FLOATS, MEMORY, t, ORDER).rearrange(shuffle), other);
					w += BLOCK_BYTES;
					v += BLOCK_BYTES;
					s += scaleBytes;
					t += scaleBytes;
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
				LongVector near = IntVector.fromMemorySegment(INTS, MEMORY, w, ORDER)
					.and(IntVector.fromMemorySegment(INTS, MEMORY, valid, ORDER))
					.reinterpretAsLongs();
				LongVector far = IntVector.fromMemorySegment(INTS, MEMORY, w + 64, ORDER)
					.and(IntVector.fromMemorySegment(INTS, MEMORY, valid + 64, ORDER))
					.reinterpretAsLongs();
				IntVector a = near.and(LOW).or(far.lanewise(VectorOperators.LSHL, 32)).reinterpretAsInts();
				IntVector b = near.lanewise(VectorOperators.LSHR, 32).or(far.and(~LOW)).reinterpretAsInts();
				for (int step = 0; step < 4; step++) {
					value(a.lanewise(VectorOperators.LSHL, 24 - 8 * step)).intoMemorySegment(MEMORY, q + step * BYTES,
							ORDER);
					value(b.lanewise(VectorOperators.LSHL, 24 - 8 * step)).intoMemorySegment(MEMORY,
							q + (step + 4) * BYTES, ORDER);
				}
				w += BLOCK_BYTES;
				q += distance;
			}
		}

		/** The values of codes at the top of their words. */
		private static FloatVector value(IntVector codes) {
			IntVector value = codes.lanewise(VectorOperators.LSHR, 4).and(BITS).add(BIAS);
			return value.reinterpretAsFloats()
				.fma(FloatVector.broadcast(FLOATS, 2f), FloatVector.broadcast(FLOATS, -MIN_NORMAL))
				.reinterpretAsInts()
				.min(value)
				.or(codes.and(SIGN))
				.reinterpretAsFloats()
				.blend(Float.NaN, codes.and(NAN).compare(VectorOperators.EQ, NAN).cast(FLOATS));
		}

		@Override
		public void lookUp(Weights weights, int row, int from, int count, float[] out, int to, float[] groups) {
			VectorDecoding.e4m3(weights, row, from, count, out, to);
		}

	}

}
