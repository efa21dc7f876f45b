package io.github.flashspring.engine.device.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShuffle;

/**
 * Affine codes of 4 bits, eight of a lane in a word. Codes are masked where they lie in
 * the first byte of their word: every other one counts 16 times, and its input is divided
 * by 16. Four rows at a time; on one core of a Zen 3, 20.6 billion weights/s from memory
 * in C against 19.2 with two rows and 15.2 with codes that are shifted to one place.
 */
final class FourBitFormat extends AffineFormat {

	FourBitFormat() {
		super(4, BlockOrder.NEIGHBOURS);
	}

	@Override
	boolean coded() {
		return true;
	}

	@Override
	float place(int step) {
		return (step % 2 == 0) ? 1f : 16f;
	}

	@Override
	void lookUp(Weights weights, int row, int from, int count, float[] out) {
		lookUpBytes(weights, row, from, count, out);
	}

	@Override
	VectorFormat vector(Weights weights) {
		return Fast.INSTANCE;
	}

	/** Reads rows into registers. */
	private static final class Fast implements VectorFormat {

		static final Fast INSTANCE = new Fast();

		private static final long BLOCK_BYTES = 64;

		private Fast() {
		}

		@Override
		public void multiply(RowStreams rows, int part) {
			GroupScales.Spread spread = rows.spread;
			VectorShuffle<Float> shuffle = spread.shuffle(part);
			long scaleBytes = spread.bytes();
			// two steps
			long stride = rows.stride / 2;
			int blocks = rows.blocks(part);
			for (int o = 0; o < rows.count; o++) {
				long w0 = rows.first + o * rows.rowBytes + part * BYTES;
				long w1 = rows.second + o * rows.rowBytes + part * BYTES;
				long w2 = rows.third + o * rows.rowBytes + part * BYTES;
				long w3 = rows.fourth + o * rows.rowBytes + part * BYTES;
				long s0 = rows.firstScales + o * rows.scaleBytes + spread.offset(part);
				long s1 = rows.secondScales + o * rows.scaleBytes + spread.offset(part);
				long s2 = rows.thirdScales + o * rows.scaleBytes + spread.offset(part);
				long s3 = rows.fourthScales + o * rows.scaleBytes + spread.offset(part);
				long x = rows.input + part * PART;
				IntVector even = IntVector.fromMemorySegment(INTS, MEMORY, Lanes.EVEN, ORDER);
				IntVector odd = IntVector.fromMemorySegment(INTS, MEMORY, Lanes.ODD, ORDER);
				FloatVector t0 = FloatVector.zero(FLOATS);
				FloatVector t1 = t0;
				FloatVector t2 = t0;
				FloatVector t3 = t0;
				for (int n = 0; n < blocks; n++) {
					w0 = Addresses.known(w0);
					s0 = Addresses.known(s0);
					w1 = Addresses.known(w1);
					s1 = Addresses.known(s1);
					w2 = Addresses.known(w2);
					s2 = Addresses.known(s2);
					w3 = Addresses.known(w3);
					s3 = Addresses.known(s3);
					IntVector a0 = IntVector.fromMemorySegment(INTS, MEMORY, w0, ORDER);
					IntVector a1 = IntVector.fromMemorySegment(INTS, MEMORY, w1, ORDER);
					IntVector a2 = IntVector.fromMemorySegment(INTS, MEMORY, w2, ORDER);
					IntVector a3 = IntVector.fromMemorySegment(INTS, MEMORY, w3, ORDER);
					FloatVector c0 = FloatVector.zero(FLOATS);
					FloatVector c1 = c0;
					FloatVector c2 = c0;
					FloatVector c3 = c0;
					long end = x + PART;
					do {
						x = Addresses.known(x);
						FloatVector y = FloatVector.fromMemorySegment(FLOATS, MEMORY, x, ORDER);
						c0 = ((FloatVector) a0.and(even).convertShape(VectorOperators.I2F, FLOATS, 0)).fma(y, c0);
						c1 = ((FloatVector) a1.and(even).convertShape(VectorOperators.I2F, FLOATS, 0)).fma(y, c1);
						c2 = ((FloatVector) a2.and(even).convertShape(VectorOperators.I2F, FLOATS, 0)).fma(y, c2);
						c3 = ((FloatVector) a3.and(even).convertShape(VectorOperators.I2F, FLOATS, 0)).fma(y, c3);
						y = FloatVector.fromMemorySegment(FLOATS, MEMORY, x + BYTES, ORDER);
						c0 = ((FloatVector) a0.and(odd).convertShape(VectorOperators.I2F, FLOATS, 0)).fma(y, c0);
						c1 = ((FloatVector) a1.and(odd).convertShape(VectorOperators.I2F, FLOATS, 0)).fma(y, c1);
						c2 = ((FloatVector) a2.and(odd).convertShape(VectorOperators.I2F, FLOATS, 0)).fma(y, c2);
						c3 = ((FloatVector) a3.and(odd).convertShape(VectorOperators.I2F, FLOATS, 0)).fma(y, c3);
						a0 = a0.lanewise(VectorOperators.LSHR, 8);
						a1 = a1.lanewise(VectorOperators.LSHR, 8);
						a2 = a2.lanewise(VectorOperators.LSHR, 8);
						a3 = a3.lanewise(VectorOperators.LSHR, 8);
						x += stride;
					}
					while (x < end);
					x += BLOCK - PART;
					t0 = c0.fma(FloatVector.fromMemorySegment(FLOATS, MEMORY, s0, ORDER).rearrange(shuffle), t0);
					t1 = c1.fma(FloatVector.fromMemorySegment(FLOATS, MEMORY, s1, ORDER).rearrange(shuffle), t1);
					t2 = c2.fma(FloatVector.fromMemorySegment(FLOATS, MEMORY, s2, ORDER).rearrange(shuffle), t2);
					t3 = c3.fma(FloatVector.fromMemorySegment(FLOATS, MEMORY, s3, ORDER).rearrange(shuffle), t3);
					w0 += BLOCK_BYTES;
					s0 += scaleBytes;
					w1 += BLOCK_BYTES;
					s1 += scaleBytes;
					w2 += BLOCK_BYTES;
					s2 += scaleBytes;
					w3 += BLOCK_BYTES;
					s3 += scaleBytes;
				}
				t0.intoMemorySegment(MEMORY, Addresses.known(rows.firstSums + o * RowStreams.SUM_BYTES + part * BYTES),
						ORDER);
				t1.intoMemorySegment(MEMORY, Addresses.known(rows.secondSums + o * RowStreams.SUM_BYTES + part * BYTES),
						ORDER);
				t2.intoMemorySegment(MEMORY, Addresses.known(rows.thirdSums + o * RowStreams.SUM_BYTES + part * BYTES),
						ORDER);
				t3.intoMemorySegment(MEMORY, Addresses.known(rows.fourthSums + o * RowStreams.SUM_BYTES + part * BYTES),
						ORDER);
			}
		}

		@Override
		public int streams() {
			return 4;
		}

		/**
		 * On one thread of a Zen 5, from {@link VectorPanels} to this in billion
		 * weights/s with 4, 8, 32 and 128 rows of 2,048 columns: 3.1 to 8.6, 2.2 to 4.6,
		 * 0.86 to 1.23, 0.23 to 0.30; no less at 576 and 14,336 columns. With 256 bits,
		 * which have half of the registers, 3.5 to 4.6 with 4 rows, but 2.5 to 2.4 with 8
		 * and 0.24 to 0.14 with 128.
		 */
		@Override
		public int mostByFour() {
			return (WIDTH == Kernels.LANES) ? Integer.MAX_VALUE : FewRows.FOUR;
		}

		@Override
		public void multiplyFour(RowStreams rows, int part) {
			GroupScales.Spread spread = rows.spread;
			VectorShuffle<Float> shuffle = spread.shuffle(part);
			long scaleBytes = spread.bytes();
			// two steps
			long stride = rows.stride / 2;
			int blocks = rows.blocks(part);
			for (int o = 0; o < rows.count; o++) {
				long w0 = rows.first + o * rows.rowBytes + part * BYTES;
				long w1 = rows.second + o * rows.rowBytes + part * BYTES;
				long s0 = rows.firstScales + o * rows.scaleBytes + spread.offset(part);
				long s1 = rows.secondScales + o * rows.scaleBytes + spread.offset(part);
				long x0 = rows.input + part * PART;
				long x1 = x0 + rows.inputBytes;
				long x2 = x1 + rows.inputBytes;
				long x3 = x2 + rows.inputBytes;
				IntVector even = IntVector.fromMemorySegment(INTS, MEMORY, Lanes.EVEN, ORDER);
				IntVector odd = IntVector.fromMemorySegment(INTS, MEMORY, Lanes.ODD, ORDER);
				FloatVector t00 = FloatVector.zero(FLOATS);
				FloatVector t01 = t00;
				FloatVector t02 = t00;
				FloatVector t03 = t00;
				FloatVector t10 = t00;
				FloatVector t11 = t00;
				FloatVector t12 = t00;
				FloatVector t13 = t00;
				for (int n = 0; n < blocks; n++) {
					w0 = Addresses.known(w0);
					s0 = Addresses.known(s0);
					w1 = Addresses.known(w1);
					s1 = Addresses.known(s1);
					IntVector a0 = IntVector.fromMemorySegment(INTS, MEMORY, w0, ORDER);
					IntVector a1 = IntVector.fromMemorySegment(INTS, MEMORY, w1, ORDER);
					FloatVector c00 = FloatVector.zero(FLOATS);
					FloatVector c01 = c00;
					FloatVector c02 = c00;
					FloatVector c03 = c00;
					FloatVector c10 = c00;
					FloatVector c11 = c00;
					FloatVector c12 = c00;
					FloatVector c13 = c00;
					long end = x0 + PART;
					do {
						x0 = Addresses.known(x0);
						x1 = Addresses.known(x1);
						x2 = Addresses.known(x2);
						x3 = Addresses.known(x3);
						FloatVector q0 = (FloatVector) a0.and(even).convertShape(VectorOperators.I2F, FLOATS, 0);
						FloatVector q1 = (FloatVector) a1.and(even).convertShape(VectorOperators.I2F, FLOATS, 0);
						FloatVector y = FloatVector.fromMemorySegment(FLOATS, MEMORY, x0, ORDER);
						c00 = q0.fma(y, c00);
						c10 = q1.fma(y, c10);
						y = FloatVector.fromMemorySegment(FLOATS, MEMORY, x1, ORDER);
						c01 = q0.fma(y, c01);
						c11 = q1.fma(y, c11);
						y = FloatVector.fromMemorySegment(FLOATS, MEMORY, x2, ORDER);
						c02 = q0.fma(y, c02);
						c12 = q1.fma(y, c12);
						y = FloatVector.fromMemorySegment(FLOATS, MEMORY, x3, ORDER);
						c03 = q0.fma(y, c03);
						c13 = q1.fma(y, c13);
						q0 = (FloatVector) a0.and(odd).convertShape(VectorOperators.I2F, FLOATS, 0);
						q1 = (FloatVector) a1.and(odd).convertShape(VectorOperators.I2F, FLOATS, 0);
						y = FloatVector.fromMemorySegment(FLOATS, MEMORY, x0 + BYTES, ORDER);
						c00 = q0.fma(y, c00);
						c10 = q1.fma(y, c10);
						y = FloatVector.fromMemorySegment(FLOATS, MEMORY, x1 + BYTES, ORDER);
						c01 = q0.fma(y, c01);
						c11 = q1.fma(y, c11);
						y = FloatVector.fromMemorySegment(FLOATS, MEMORY, x2 + BYTES, ORDER);
						c02 = q0.fma(y, c02);
						c12 = q1.fma(y, c12);
						y = FloatVector.fromMemorySegment(FLOATS, MEMORY, x3 + BYTES, ORDER);
						c03 = q0.fma(y, c03);
						c13 = q1.fma(y, c13);
						a0 = a0.lanewise(VectorOperators.LSHR, 8);
						a1 = a1.lanewise(VectorOperators.LSHR, 8);
						x0 += stride;
						x1 += stride;
						x2 += stride;
						x3 += stride;
					}
					while (x0 < end);
					x0 += BLOCK - PART;
					x1 += BLOCK - PART;
					x2 += BLOCK - PART;
					x3 += BLOCK - PART;
					FloatVector scale = FloatVector.fromMemorySegment(FLOATS, MEMORY, s0, ORDER).rearrange(shuffle);
					t00 = c00.fma(scale, t00);
					t01 = c01.fma(scale, t01);
					t02 = c02.fma(scale, t02);
					t03 = c03.fma(scale, t03);
					scale = FloatVector.fromMemorySegment(FLOATS, MEMORY, s1, ORDER).rearrange(shuffle);
					t10 = c10.fma(scale, t10);
					t11 = c11.fma(scale, t11);
					t12 = c12.fma(scale, t12);
					t13 = c13.fma(scale, t13);
					w0 += BLOCK_BYTES;
					s0 += scaleBytes;
					w1 += BLOCK_BYTES;
					s1 += scaleBytes;
				}
				long at0 = rows.firstSums + o * RowStreams.SUM_BYTES + part * BYTES;
				t00.intoMemorySegment(MEMORY, Addresses.known(at0), ORDER);
				t01.intoMemorySegment(MEMORY, Addresses.known(at0 + rows.inputSumBytes), ORDER);
				t02.intoMemorySegment(MEMORY, Addresses.known(at0 + 2 * rows.inputSumBytes), ORDER);
				t03.intoMemorySegment(MEMORY, Addresses.known(at0 + 3 * rows.inputSumBytes), ORDER);
				long at1 = rows.secondSums + o * RowStreams.SUM_BYTES + part * BYTES;
				t10.intoMemorySegment(MEMORY, Addresses.known(at1), ORDER);
				t11.intoMemorySegment(MEMORY, Addresses.known(at1 + rows.inputSumBytes), ORDER);
				t12.intoMemorySegment(MEMORY, Addresses.known(at1 + 2 * rows.inputSumBytes), ORDER);
				t13.intoMemorySegment(MEMORY, Addresses.known(at1 + 3 * rows.inputSumBytes), ORDER);
			}
		}

		@Override
		public void unpack(long row, long scales, long biases, int part, int blocks, long mask, long out,
				long distance) {
			IntVector even = IntVector.fromMemorySegment(INTS, MEMORY, Lanes.EVEN, ORDER);
			IntVector odd = IntVector.fromMemorySegment(INTS, MEMORY, Lanes.ODD, ORDER);
			long w = row + part * BYTES;
			long q = out;
			for (int n = 0; n < blocks; n++) {
				w = Addresses.known(w);
				q = Addresses.known(q);
				IntVector codes = IntVector.fromMemorySegment(INTS, MEMORY, w, ORDER);
				for (int step = 0; step < BlockOrder.STEPS; step += 2) {
					((FloatVector) codes.and(even).convertShape(VectorOperators.I2F, FLOATS, 0))
						.intoMemorySegment(MEMORY, q + step * BYTES, ORDER);
					((FloatVector) codes.and(odd).convertShape(VectorOperators.I2F, FLOATS, 0))
						.intoMemorySegment(MEMORY, q + (step + 1) * BYTES, ORDER);
					codes = codes.lanewise(VectorOperators.LSHR, 8);
				}
				w += BLOCK_BYTES;
				q += distance;
			}
		}

		@Override
		public void lookUp(Weights weights, int row, int from, int count, float[] out, int to, float[] groups) {
			VectorNumbers.lookUp4(weights, row, from, count, out, to, groups);
		}

	}

}
