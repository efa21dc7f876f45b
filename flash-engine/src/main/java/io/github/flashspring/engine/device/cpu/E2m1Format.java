package io.github.flashspring.engine.device.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShuffle;

/**
 * Floats of 4 bits, E2M1, eight of a lane in a word. They are looked up in a register:
 * all sixteen where it holds as many, otherwise the magnitudes, to which the sign is
 * added; registers of four lanes compute the magnitudes from two tables.
 */
final class E2m1Format extends FloatCodeFormat {

	E2m1Format(String name, FloatCodeFormat.Scales scales) {
		super(name, 4, BlockOrder.NEIGHBOURS, scales);
	}

	@Override
	float value(int code) {
		return Decoding.e2m1(code);
	}

	@Override
	VectorFormat vector(Weights weights) {
		return Fast.INSTANCE;
	}

	/** Reads rows into registers. */
	private static final class Fast implements VectorFormat {

		static final Fast INSTANCE = new Fast();

		/** Bits of the first values. */
		private static final IntVector TABLE = table(0);

		/** Bits of the magnitudes behind the first four. */
		private static final IntVector UPPER = table(4);

		private static final int SIGN = 0x80000000;

		private static final long BLOCK_BYTES = 64;

		private Fast() {
		}

		private static IntVector table(int first) {
			int[] bits = new int[WIDTH];
			for (int i = 0; i < WIDTH; i++) {
				bits[i] = Float.floatToRawIntBits(Decoding.e2m1((first + i) % 16));
			}
			return IntVector.fromArray(INTS, bits, 0);
		}

		@Override
		public void multiply(RowStreams rows, int part) {
			switch (WIDTH) {
				case 16 -> multiply16(rows, part);
				case 8 -> multiply8(rows, part);
				default -> multiply4(rows, part);
			}
		}

		private static void multiply16(RowStreams rows, int part) {
			GroupScales.Spread spread = rows.spread;
			VectorShuffle<Float> shuffle = spread.shuffle(part);
			long scaleBytes = spread.bytes();
			long stride = rows.stride;
			int blocks = rows.blocks(part);
			for (int o = 0; o < rows.count; o++) {
				long w = rows.first + o * rows.rowBytes + part * BYTES;
				long v = rows.second + o * rows.rowBytes + part * BYTES;
				long s = rows.firstScales + o * rows.scaleBytes + spread.offset(part);
				long t = rows.secondScales + o * rows.scaleBytes + spread.offset(part);
				long x = rows.input + part * PART;
				FloatVector sum = FloatVector.zero(FLOATS);
				FloatVector other = sum;
				for (int n = 0; n < blocks; n++) {
					w = Addresses.known(w);
					v = Addresses.known(v);
					s = Addresses.known(s);
					t = Addresses.known(t);
					IntVector a = IntVector.fromMemorySegment(INTS, MEMORY, w, ORDER);
					IntVector b = IntVector.fromMemorySegment(INTS, MEMORY, v, ORDER);
					FloatVector c = FloatVector.zero(FLOATS);
					FloatVector d = c;
					long end = x + PART;
					do {
						x = Addresses.known(x);
						FloatVector y = FloatVector.fromMemorySegment(FLOATS, MEMORY, x, ORDER);
						c = a.and(15).selectFrom(TABLE).reinterpretAsFloats().fma(y, c);
						d = b.and(15).selectFrom(TABLE).reinterpretAsFloats().fma(y, d);
						y = FloatVector.fromMemorySegment(FLOATS, MEMORY, x + BYTES, ORDER);
						c = a.lanewise(VectorOperators.LSHR, 4)
							.and(15)
							.selectFrom(TABLE)
							.reinterpretAsFloats()
							.fma(y, c);
						d = b.lanewise(VectorOperators.LSHR, 4)
							.and(15)
							.selectFrom(TABLE)
							.reinterpretAsFloats()
							.fma(y, d);
						y = FloatVector.fromMemorySegment(FLOATS, MEMORY, x + 2 * BYTES, ORDER);
						c = a.lanewise(VectorOperators.LSHR, 8)
							.and(15)
							.selectFrom(TABLE)
							.reinterpretAsFloats()
							.fma(y, c);
						d = b.lanewise(VectorOperators.LSHR, 8)
							.and(15)
							.selectFrom(TABLE)
							.reinterpretAsFloats()
							.fma(y, d);
						y = FloatVector.fromMemorySegment(FLOATS, MEMORY, x + 3 * BYTES, ORDER);
						c = a.lanewise(VectorOperators.LSHR, 12)
							.and(15)
							.selectFrom(TABLE)
							.reinterpretAsFloats()
							.fma(y, c);
						d = b.lanewise(VectorOperators.LSHR, 12)
							.and(15)
							.selectFrom(TABLE)
							.reinterpretAsFloats()
							.fma(y, d);
						a = a.lanewise(VectorOperators.LSHR, 16);
						b = b.lanewise(VectorOperators.LSHR, 16);
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
				sum.intoMemorySegment(MEMORY, Addresses.known(rows.firstSums + o * RowStreams.SUM_BYTES + part * BYTES),
						ORDER);
				other.intoMemorySegment(MEMORY,
						Addresses.known(rows.secondSums + o * RowStreams.SUM_BYTES + part * BYTES), ORDER);
			}
		}

		private static void multiply8(RowStreams rows, int part) {
			GroupScales.Spread spread = rows.spread;
			VectorShuffle<Float> shuffle = spread.shuffle(part);
			long scaleBytes = spread.bytes();
			// two steps: of four, the JIT compiler's inlining refuses some in a busy
			// process
			long stride = rows.stride / 2;
			int blocks = rows.blocks(part);
			for (int o = 0; o < rows.count; o++) {
				long w = rows.first + o * rows.rowBytes + part * BYTES;
				long v = rows.second + o * rows.rowBytes + part * BYTES;
				long s = rows.firstScales + o * rows.scaleBytes + spread.offset(part);
				long t = rows.secondScales + o * rows.scaleBytes + spread.offset(part);
				long x = rows.input + part * PART;
				IntVector sign = IntVector.broadcast(INTS, SIGN);
				FloatVector sum = FloatVector.zero(FLOATS);
				FloatVector other = sum;
				for (int n = 0; n < blocks; n++) {
					w = Addresses.known(w);
					v = Addresses.known(v);
					s = Addresses.known(s);
					t = Addresses.known(t);
					IntVector a = IntVector.fromMemorySegment(INTS, MEMORY, w, ORDER);
					IntVector b = IntVector.fromMemorySegment(INTS, MEMORY, v, ORDER);
					FloatVector c = FloatVector.zero(FLOATS);
					FloatVector d = c;
					long end = x + PART;
					do {
						x = Addresses.known(x);
						FloatVector y = FloatVector.fromMemorySegment(FLOATS, MEMORY, x, ORDER);
						c = a.and(7)
							.selectFrom(TABLE)
							.or(a.lanewise(VectorOperators.LSHL, 28).and(sign))
							.reinterpretAsFloats()
							.fma(y, c);
						d = b.and(7)
							.selectFrom(TABLE)
							.or(b.lanewise(VectorOperators.LSHL, 28).and(sign))
							.reinterpretAsFloats()
							.fma(y, d);
						y = FloatVector.fromMemorySegment(FLOATS, MEMORY, x + BYTES, ORDER);
						c = a.lanewise(VectorOperators.LSHR, 4)
							.and(7)
							.selectFrom(TABLE)
							.or(a.lanewise(VectorOperators.LSHL, 24).and(sign))
							.reinterpretAsFloats()
							.fma(y, c);
						d = b.lanewise(VectorOperators.LSHR, 4)
							.and(7)
							.selectFrom(TABLE)
							.or(b.lanewise(VectorOperators.LSHL, 24).and(sign))
							.reinterpretAsFloats()
							.fma(y, d);
						a = a.lanewise(VectorOperators.LSHR, 8);
						b = b.lanewise(VectorOperators.LSHR, 8);
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
				sum.intoMemorySegment(MEMORY, Addresses.known(rows.firstSums + o * RowStreams.SUM_BYTES + part * BYTES),
						ORDER);
				other.intoMemorySegment(MEMORY,
						Addresses.known(rows.secondSums + o * RowStreams.SUM_BYTES + part * BYTES), ORDER);
			}
		}

		private static void multiply4(RowStreams rows, int part) {
			for (int o = 0; o < rows.count; o++) {
				long row = o * rows.rowBytes;
				long scales = o * rows.scaleBytes;
				long sums = o * RowStreams.SUM_BYTES;
				multiply4(rows.first + row, rows.firstScales + scales, rows, part, rows.firstSums + sums);
				multiply4(rows.second + row, rows.secondScales + scales, rows, part, rows.secondSums + sums);
			}
		}

		private static void multiply4(long row, long scales, RowStreams rows, int part, long sums) {
			GroupScales.Spread spread = rows.spread;
			VectorShuffle<Float> shuffle = spread.shuffle(part);
			long w = row + part * BYTES;
			long s = scales + spread.offset(part);
			long x = rows.input + part * PART;
			FloatVector sum = FloatVector.zero(FLOATS);
			for (int n = 0; n < rows.blocks(part); n++) {
				IntVector codes = IntVector.fromMemorySegment(INTS, MEMORY, Addresses.known(w), ORDER);
				FloatVector c = FloatVector.zero(FLOATS);
				for (long end = x + PART; x < end; x += BYTES) {
					IntVector magnitude = codes.and(3)
						.selectFrom(TABLE)
						.blend(codes.and(3).selectFrom(UPPER), codes.and(4).compare(VectorOperators.NE, 0));
					c = codes.lanewise(VectorOperators.LSHL, 28)
						.and(SIGN)
						.or(magnitude)
						.reinterpretAsFloats()
						.fma(FloatVector.fromMemorySegment(FLOATS, MEMORY, Addresses.known(x), ORDER), c);
					codes = codes.lanewise(VectorOperators.LSHR, 4);
				}
				x += BLOCK - PART;
				sum = c.fma(FloatVector.fromMemorySegment(FLOATS, MEMORY, Addresses.known(s), ORDER).rearrange(shuffle),
						sum);
				w += BLOCK_BYTES;
				s += spread.bytes();
			}
			sum.intoMemorySegment(MEMORY, Addresses.known(sums + part * BYTES), ORDER);
		}

		@Override
		public void unpack(long row, long scales, long biases, int part, int blocks, long mask, long out,
				long distance) {
			long w = row + part * BYTES;
			long q = out;
			for (int n = 0; n < blocks; n++) {
				w = Addresses.known(w);
				q = Addresses.known(q);
				IntVector codes = IntVector.fromMemorySegment(INTS, MEMORY, w, ORDER);
				for (int step = 0; step < BlockOrder.STEPS; step++) {
					IntVector code = codes.lanewise(VectorOperators.LSHR, 4 * step);
					IntVector value = code.and(WIDTH - 1).selectFrom(TABLE);
					if (WIDTH == 4) {
						value = value.blend(code.and(3).selectFrom(UPPER), code.and(4).compare(VectorOperators.NE, 0));
					}
					if (WIDTH < 16) {
						value = code.lanewise(VectorOperators.LSHL, 28).and(SIGN).or(value);
					}
					value.reinterpretAsFloats().intoMemorySegment(MEMORY, q + step * BYTES, ORDER);
				}
				w += BLOCK_BYTES;
				q += distance;
			}
		}

		@Override
		public void lookUp(Weights weights, int row, int from, int count, float[] out, int to, float[] groups) {
			VectorDecoding.e2m1(weights, row, from, count, out, to);
		}

	}

}
