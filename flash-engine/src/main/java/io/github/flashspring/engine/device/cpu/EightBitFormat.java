package io.github.flashspring.engine.device.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShuffle;

/**
 * Affine codes of 8 bits, eight of a lane in two neighbouring words. Two loads, 64 bytes
 * apart, bring the first words of all lanes and the second ones side by side; they are
 * sorted within 64 bits. Otherwise as {@link FourBitFormat}.
 */
final class EightBitFormat extends AffineFormat {

	EightBitFormat() {
		super(8, BlockOrder.WORD_PAIRS);
	}

	@Override
	boolean coded() {
		return true;
	}

	@Override
	int center() {
		return 128;
	}

	@Override
	float place(int step) {
		return 1L << Integer.SIZE - bits();
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

		private static final int TOP = 0xff000000;

		private static final int FLIP = 0x80808080;

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
			for (int o = 0; o < rows.count; o++) {
				long w = rows.first + o * rows.rowBytes + part * BYTES;
				long v = rows.second + o * rows.rowBytes + part * BYTES;
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
					LongVector near = IntVector.fromMemorySegment(INTS, MEMORY, w, ORDER)
						.lanewise(VectorOperators.XOR, flip)
						.reinterpretAsLongs();
					LongVector far = IntVector.fromMemorySegment(INTS, MEMORY, w + 64, ORDER)
						.lanewise(VectorOperators.XOR, flip)
						.reinterpretAsLongs();
					IntVector a = near.and(LOW).or(far.lanewise(VectorOperators.LSHL, 32)).reinterpretAsInts();
					IntVector nextA = near.lanewise(VectorOperators.LSHR, 32).or(far.and(~LOW)).reinterpretAsInts();
					near = IntVector.fromMemorySegment(INTS, MEMORY, v, ORDER)
						.lanewise(VectorOperators.XOR, flip)
						.reinterpretAsLongs();
					far = IntVector.fromMemorySegment(INTS, MEMORY, v + 64, ORDER)
						.lanewise(VectorOperators.XOR, flip)
						.reinterpretAsLongs();
					IntVector b = near.and(LOW).or(far.lanewise(VectorOperators.LSHL, 32)).reinterpretAsInts();
					IntVector nextB = near.lanewise(VectorOperators.LSHR, 32).or(far.and(~LOW)).reinterpretAsInts();
					FloatVector c = FloatVector.zero(FLOATS);
					FloatVector d = c;
					long end = x + PART;
					do {
						x = Addresses.known(x);
						FloatVector y = FloatVector.fromMemorySegment(FLOATS, MEMORY, x, ORDER);
						c = ((FloatVector) a.lanewise(VectorOperators.LSHL, 24)
							.convertShape(VectorOperators.I2F, FLOATS, 0)).fma(y, c);
						d = ((FloatVector) b.lanewise(VectorOperators.LSHL, 24)
							.convertShape(VectorOperators.I2F, FLOATS, 0)).fma(y, d);
						y = FloatVector.fromMemorySegment(FLOATS, MEMORY, x + BYTES, ORDER);
						c = ((FloatVector) a.lanewise(VectorOperators.LSHL, 16)
							.and(top)
							.convertShape(VectorOperators.I2F, FLOATS, 0)).fma(y, c);
						d = ((FloatVector) b.lanewise(VectorOperators.LSHL, 16)
							.and(top)
							.convertShape(VectorOperators.I2F, FLOATS, 0)).fma(y, d);
						y = FloatVector.fromMemorySegment(FLOATS, MEMORY, x + 2 * BYTES, ORDER);
						c = ((FloatVector) a.lanewise(VectorOperators.LSHL, 8)
							.and(top)
							.convertShape(VectorOperators.I2F, FLOATS, 0)).fma(y, c);
						d = ((FloatVector) b.lanewise(VectorOperators.LSHL, 8)
							.and(top)
							.convertShape(VectorOperators.I2F, FLOATS, 0)).fma(y, d);
						y = FloatVector.fromMemorySegment(FLOATS, MEMORY, x + 3 * BYTES, ORDER);
						c = ((FloatVector) a.and(top).convertShape(VectorOperators.I2F, FLOATS, 0)).fma(y, c);
						d = ((FloatVector) b.and(top).convertShape(VectorOperators.I2F, FLOATS, 0)).fma(y, d);
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
			IntVector flip = IntVector.broadcast(INTS, FLIP);
			long w = row + part * BYTES;
			long q = out;
			for (int n = 0; n < blocks; n++) {
				w = Addresses.known(w);
				q = Addresses.known(q);
				LongVector near = IntVector.fromMemorySegment(INTS, MEMORY, w, ORDER)
					.lanewise(VectorOperators.XOR, flip)
					.reinterpretAsLongs();
				LongVector far = IntVector.fromMemorySegment(INTS, MEMORY, w + 64, ORDER)
					.lanewise(VectorOperators.XOR, flip)
					.reinterpretAsLongs();
				IntVector a = near.and(LOW).or(far.lanewise(VectorOperators.LSHL, 32)).reinterpretAsInts();
				IntVector b = near.lanewise(VectorOperators.LSHR, 32).or(far.and(~LOW)).reinterpretAsInts();
				for (int step = 0; step < 4; step++) {
					((FloatVector) a.lanewise(VectorOperators.LSHL, 24 - 8 * step)
						.and(top)
						.convertShape(VectorOperators.I2F, FLOATS, 0))
						.intoMemorySegment(MEMORY, q + step * BYTES, ORDER);
					((FloatVector) b.lanewise(VectorOperators.LSHL, 24 - 8 * step)
						.and(top)
						.convertShape(VectorOperators.I2F, FLOATS, 0))
						.intoMemorySegment(MEMORY, q + (step + 4) * BYTES, ORDER);
				}
				w += BLOCK_BYTES;
				q += distance;
			}
		}

		@Override
		public void lookUp(Weights weights, int row, int from, int count, float[] out, int to, float[] groups) {
			VectorNumbers.lookUp8(weights, row, from, count, out, to, groups);
		}

	}

}
