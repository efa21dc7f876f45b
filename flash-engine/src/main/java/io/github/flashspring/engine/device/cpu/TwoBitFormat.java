package io.github.flashspring.engine.device.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShuffle;

/**
 * Affine codes of 2 bits, eight of a lane in half a word; otherwise as
 * {@link FourBitFormat}.
 */
final class TwoBitFormat extends AffineFormat {

	TwoBitFormat() {
		super(2, BlockOrder.NEIGHBOURS);
	}

	@Override
	boolean coded() {
		return true;
	}

	@Override
	int center() {
		return 2;
	}

	@Override
	float place(int step) {
		return 1L << Integer.SIZE - bits();
	}

	@Override
	VectorFormat vector(Weights weights) {
		return Fast.INSTANCE;
	}

	/** Reads rows into registers. */
	private static final class Fast implements VectorFormat {

		static final Fast INSTANCE = new Fast();

		private static final int TOP = 0xc0000000;

		private static final int FLIP = 0xaaaa;

		private static final long BLOCK_BYTES = 32;

		private Fast() {
		}

		@Override
		public void multiply(RowStreams rows, int part) {
			GroupScales.Spread spread = rows.spread;
			VectorShuffle<Float> shuffle = spread.shuffle(part);
			long scaleBytes = spread.bytes();
			long stride = rows.stride;
			int blocks = rows.blocks(part);
			for (int o = 0; o < rows.count; o++) {
				long w = rows.first + o * rows.rowBytes + part * BYTES / 2;
				long v = rows.second + o * rows.rowBytes + part * BYTES / 2;
				long s = rows.firstScales + o * rows.scaleBytes + spread.offset(part);
				long t = rows.secondScales + o * rows.scaleBytes + spread.offset(part);
				long x = rows.input + part * PART;
				IntVector top = IntVector.broadcast(INTS, TOP);
				IntVector flip = IntVector.broadcast(INTS, FLIP);
				FloatVector sum = FloatVector.zero(FLOATS);
				FloatVector other = sum;
				for (int n = 0; n < blocks; n++) {
					w = Addresses.known(w);
					v = Addresses.known(v);
					s = Addresses.known(s);
					t = Addresses.known(t);
					IntVector a = ((IntVector) ShortVector.fromMemorySegment(Lanes.WIDE_SHORTS, MEMORY, w, ORDER)
						.convertShape(VectorOperators.ZERO_EXTEND_S2I, INTS, 0)).lanewise(VectorOperators.XOR, flip);
					IntVector b = ((IntVector) ShortVector.fromMemorySegment(Lanes.WIDE_SHORTS, MEMORY, v, ORDER)
						.convertShape(VectorOperators.ZERO_EXTEND_S2I, INTS, 0)).lanewise(VectorOperators.XOR, flip);
					FloatVector c = FloatVector.zero(FLOATS);
					FloatVector d = c;
					long end = x + PART;
					do {
						x = Addresses.known(x);
						FloatVector y = FloatVector.fromMemorySegment(FLOATS, MEMORY, x, ORDER);
						c = ((FloatVector) a.lanewise(VectorOperators.LSHL, 30)
							.convertShape(VectorOperators.I2F, FLOATS, 0)).fma(y, c);
						d = ((FloatVector) b.lanewise(VectorOperators.LSHL, 30)
							.convertShape(VectorOperators.I2F, FLOATS, 0)).fma(y, d);
						y = FloatVector.fromMemorySegment(FLOATS, MEMORY, x + BYTES, ORDER);
						c = ((FloatVector) a.lanewise(VectorOperators.LSHL, 28)
							.and(top)
							.convertShape(VectorOperators.I2F, FLOATS, 0)).fma(y, c);
						d = ((FloatVector) b.lanewise(VectorOperators.LSHL, 28)
							.and(top)
							.convertShape(VectorOperators.I2F, FLOATS, 0)).fma(y, d);
						y = FloatVector.fromMemorySegment(FLOATS, MEMORY, x + 2 * BYTES, ORDER);
						c = ((FloatVector) a.lanewise(VectorOperators.LSHL, 26)
							.and(top)
							.convertShape(VectorOperators.I2F, FLOATS, 0)).fma(y, c);
						d = ((FloatVector) b.lanewise(VectorOperators.LSHL, 26)
							.and(top)
							.convertShape(VectorOperators.I2F, FLOATS, 0)).fma(y, d);
						y = FloatVector.fromMemorySegment(FLOATS, MEMORY, x + 3 * BYTES, ORDER);
						c = ((FloatVector) a.lanewise(VectorOperators.LSHL, 24)
							.and(top)
							.convertShape(VectorOperators.I2F, FLOATS, 0)).fma(y, c);
						d = ((FloatVector) b.lanewise(VectorOperators.LSHL, 24)
							.and(top)
							.convertShape(VectorOperators.I2F, FLOATS, 0)).fma(y, d);
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

		@Override
		public void unpack(long row, long scales, long biases, int part, int blocks, long mask, long out,
				long distance) {
			IntVector top = IntVector.broadcast(INTS, TOP);
			long w = row + part * BYTES / 2;
			long q = out;
			for (int n = 0; n < blocks; n++) {
				w = Addresses.known(w);
				q = Addresses.known(q);
				IntVector codes = ((IntVector) ShortVector.fromMemorySegment(Lanes.WIDE_SHORTS, MEMORY, w, ORDER)
					.convertShape(VectorOperators.ZERO_EXTEND_S2I, INTS, 0)).lanewise(VectorOperators.XOR, FLIP);
				for (int step = 0; step < BlockOrder.STEPS; step++) {
					((FloatVector) codes.lanewise(VectorOperators.LSHL, 30 - 2 * step)
						.and(top)
						.convertShape(VectorOperators.I2F, FLOATS, 0))
						.intoMemorySegment(MEMORY, q + step * BYTES, ORDER);
				}
				w += BLOCK_BYTES;
				q += distance;
			}
		}

		@Override
		public void lookUp(Weights weights, int row, int from, int count, float[] out, int to, float[] groups) {
			VectorDecoding.affine(weights, row, from, count, out, to);
		}

	}

}
