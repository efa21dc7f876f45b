package io.github.flashspring.engine.device.cpu;

import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * Affine codes of 1, 3, 5 or 6 bits, which cross the bounds of bytes and words.
 * Neighbours are decoded side by side: each 64-bit lane gets eight codes and shifts the
 * two that are its own down.
 */
final class OddBitFormat extends AffineFormat {

	OddBitFormat(int bits) {
		super(bits, BlockOrder.SINGLES);
	}

	@Override
	VectorFormat vector(Weights weights) {
		return new Fast(weights);
	}

	/** Reads rows into registers. */
	private static final class Fast implements VectorFormat {

		private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED
			.withOrder(ByteOrder.LITTLE_ENDIAN);

		private static final VectorSpecies<Long> LONGS = Lanes.WIDE_LONGS;

		/** The second eight codes of a register. */
		private static final VectorMask<Long> UPPER = LongVector.zero(LONGS).addIndex(1).compare(VectorOperators.GE, 4);

		private final int bits;

		/** Steps of 16 columns that share a scale, as a shift. */
		private final int shift;

		Fast(Weights weights) {
			this.bits = weights.format().bits();
			this.shift = Integer.numberOfTrailingZeros(weights.groupSize() / Kernels.LANES);
		}

		@Override
		public int excess() {
			return Long.BYTES;
		}

		@Override
		public void multiply(RowStreams rows, int part) {
			for (int o = 0; o < rows.count; o++) {
				long row = o * rows.rowBytes;
				long scales = o * rows.scaleBytes;
				long sums = o * RowStreams.SUM_BYTES;
				multiply(rows.first + row, rows.firstScales + scales, rows.firstBiases, rows, part,
						rows.firstSums + sums);
				multiply(rows.second + row, rows.secondScales + scales, rows.secondBiases, rows, part,
						rows.secondSums + sums);
			}
		}

		private void multiply(long row, long scales, long biases, RowStreams rows, int part, long sums) {
			int width = this.bits;
			int perGroup = this.shift;
			LongVector shifts = shifts(width);
			long even = (1L << width) - 1;
			long odd = even << 32;
			long x = rows.input + part * PART;
			long step = Kernels.LANES / Byte.SIZE * width;
			long bit = (long) part * WIDTH * width;
			int index = 0;
			long w = row + bit / Byte.SIZE;
			int shift = (int) (bit % Byte.SIZE);
			FloatVector sum = FloatVector.zero(FLOATS);
			for (int n = 0; n < rows.blocks(part); n++) {
				FloatVector c = FloatVector.zero(FLOATS);
				long end = x + PART;
				do {
					x = Addresses.known(x);
					w = Addresses.known(w);
					long s = Addresses.known(scales + 4L * (index >>> perGroup));
					LongVector codes = LongVector.broadcast(LONGS, MEMORY.get(LONG, w) >>> shift);
					if (WIDTH == 16) {
						codes = codes.blend(MEMORY.get(LONG, w + width), UPPER);
					}
					codes = codes.lanewise(VectorOperators.LSHR, shifts);
					c = ((FloatVector) codes.and(even)
						.or(codes.lanewise(VectorOperators.LSHL, 32 - width).and(odd))
						.reinterpretAsInts()
						.convertShape(VectorOperators.I2F, FLOATS, 0))
						.fma(FloatVector.broadcast(FLOATS, MEMORY.get(PortableKernels.FLOAT, s)),
								FloatVector.broadcast(FLOATS,
										MEMORY.get(PortableKernels.FLOAT, Addresses.known(s + biases))))
						.fma(FloatVector.fromMemorySegment(FLOATS, MEMORY, x, ORDER), c);
					x += BYTES;
					w += step;
					index++;
				}
				while (x < end);
				x += BLOCK - PART;
				sum = sum.add(c);
			}
			sum.intoMemorySegment(MEMORY, Addresses.known(sums + part * BYTES), ORDER);
		}

		@Override
		public void unpack(long row, long scales, long biases, int part, int blocks, long mask, long out,
				long distance) {
			LongVector shifts = shifts(this.bits);
			long even = (1L << this.bits) - 1;
			long step = Kernels.LANES / Byte.SIZE * this.bits;
			long bit = (long) part * WIDTH * this.bits;
			long w = row + bit / Byte.SIZE;
			for (int n = 0; n < blocks; n++) {
				long q = out + n * distance;
				for (int i = 0; i < BlockOrder.STEPS; i++) {
					LongVector codes = LongVector.broadcast(LONGS,
							MEMORY.get(LONG, Addresses.known(w)) >>> (int) (bit % Byte.SIZE));
					if (WIDTH == 16) {
						codes = codes.blend(MEMORY.get(LONG, Addresses.known(w + this.bits)), UPPER);
					}
					codes = codes.lanewise(VectorOperators.LSHR, shifts);
					long s = scales + 4L * (n * BlockOrder.STEPS + i >>> this.shift);
					((FloatVector) codes.and(even)
						.or(codes.lanewise(VectorOperators.LSHL, 32 - this.bits).and(even << 32))
						.reinterpretAsInts()
						.convertShape(VectorOperators.I2F, FLOATS, 0))
						.fma(FloatVector.broadcast(FLOATS, Addresses.value(s)),
								FloatVector.broadcast(FLOATS, Addresses.value(s + biases)))
						.intoMemorySegment(MEMORY, Addresses.known(q + i * BYTES), ORDER);
					w += step;
				}
			}
		}

		/** Distances of the first codes of 64-bit lanes in their eight codes. */
		private static LongVector shifts(int bits) {
			long[] shifts = new long[WIDTH / 2];
			for (int i = 0; i < shifts.length; i++) {
				shifts[i] = i % 4 * 2L * bits;
			}
			return LongVector.fromArray(LONGS, shifts, 0);
		}

		@Override
		public void lookUp(Weights weights, int row, int from, int count, float[] out, int to, float[] groups) {
			VectorDecoding.affine(weights, row, from, count, out, to);
		}

	}

}
