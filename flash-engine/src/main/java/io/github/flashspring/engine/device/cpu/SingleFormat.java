package io.github.flashspring.engine.device.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

import io.github.flashspring.engine.checkpoint.DType;

/**
 * Single precision. What lies behind the end of a row is masked, because it may be no
 * number.
 */
final class SingleFormat extends NumberFormat {

	SingleFormat() {
		super("F32", DType.F32, BlockOrder.SINGLES);
	}

	@Override
	VectorFormat vector(Weights weights) {
		return Fast.INSTANCE;
	}

	/** Reads rows into registers. */
	private static final class Fast implements VectorFormat {

		static final Fast INSTANCE = new Fast();

		private static final long BLOCK_BYTES = 512;

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
				FloatVector sum = FloatVector.zero(FLOATS);
				FloatVector other = sum;
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
						FloatVector y = FloatVector.fromMemorySegment(FLOATS, MEMORY, x, ORDER);
						c = IntVector.fromMemorySegment(INTS, MEMORY, w, ORDER)
							.and(valid)
							.reinterpretAsFloats()
							.fma(y, c);
						d = IntVector.fromMemorySegment(INTS, MEMORY, v, ORDER)
							.and(valid)
							.reinterpretAsFloats()
							.fma(y, d);
						valid = IntVector.fromMemorySegment(INTS, MEMORY, mask + 64, ORDER);
						y = FloatVector.fromMemorySegment(FLOATS, MEMORY, x + BYTES, ORDER);
						c = IntVector.fromMemorySegment(INTS, MEMORY, w + 64, ORDER)
							.and(valid)
							.reinterpretAsFloats()
							.fma(y, c);
						d = IntVector.fromMemorySegment(INTS, MEMORY, v + 64, ORDER)
							.and(valid)
							.reinterpretAsFloats()
							.fma(y, d);
						valid = IntVector.fromMemorySegment(INTS, MEMORY, mask + 128, ORDER);
						y = FloatVector.fromMemorySegment(FLOATS, MEMORY, x + 2 * BYTES, ORDER);
						c = IntVector.fromMemorySegment(INTS, MEMORY, w + 128, ORDER)
							.and(valid)
							.reinterpretAsFloats()
							.fma(y, c);
						d = IntVector.fromMemorySegment(INTS, MEMORY, v + 128, ORDER)
							.and(valid)
							.reinterpretAsFloats()
							.fma(y, d);
						valid = IntVector.fromMemorySegment(INTS, MEMORY, mask + 192, ORDER);
						y = FloatVector.fromMemorySegment(FLOATS, MEMORY, x + 3 * BYTES, ORDER);
						c = IntVector.fromMemorySegment(INTS, MEMORY, w + 192, ORDER)
							.and(valid)
							.reinterpretAsFloats()
							.fma(y, c);
						d = IntVector.fromMemorySegment(INTS, MEMORY, v + 192, ORDER)
							.and(valid)
							.reinterpretAsFloats()
							.fma(y, d);
						w += BLOCK_BYTES / 2;
						v += BLOCK_BYTES / 2;
						mask += BLOCK_BYTES / 2;
						x += stride;
					}
					while (x < end);
					x += BLOCK - PART;
					sum = sum.add(c);
					other = other.add(d);
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
			long w = row + part * BYTES;
			long q = out;
			for (int n = 0; n < blocks; n++) {
				w = Addresses.known(w);
				q = Addresses.known(q);
				long valid = Addresses.known(((n == blocks - 1) ? mask : Lanes.ALL) + part * BYTES);
				for (int step = 0; step < BlockOrder.STEPS; step++) {
					IntVector.fromMemorySegment(INTS, MEMORY, w + 64L * step, ORDER)
						.and(IntVector.fromMemorySegment(INTS, MEMORY, valid + 64L * step, ORDER))
						.intoMemorySegment(MEMORY, q + step * BYTES, ORDER);
				}
				w += BLOCK_BYTES;
				q += distance;
			}
		}

		@Override
		public void lookUp(Weights weights, int row, int from, int count, float[] out, int to, float[] groups) {
			VectorNumbers.read(weights.values(), row, from, count, out, to);
		}

	}

}
