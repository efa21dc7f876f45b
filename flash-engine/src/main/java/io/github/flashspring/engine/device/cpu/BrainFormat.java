package io.github.flashspring.engine.device.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

import io.github.flashspring.engine.checkpoint.DType;

/**
 * Upper halves of singles (bfloat16), two of a lane in a word. What lies behind the end
 * of a row is masked, because it may be no number.
 */
final class BrainFormat extends NumberFormat {

	BrainFormat() {
		super("BF16", DType.BF16, BlockOrder.HALVES);
	}

	@Override
	VectorFormat vector(Weights weights) {
		return Fast.INSTANCE;
	}

	/** Reads rows into registers. */
	private static final class Fast implements VectorFormat {

		static final Fast INSTANCE = new Fast();

		private static final int HIGH = 0xffff0000;

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
				IntVector high = IntVector.broadcast(INTS, HIGH);
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
						IntVector a = IntVector.fromMemorySegment(INTS, MEMORY, w, ORDER).and(valid);
						IntVector b = IntVector.fromMemorySegment(INTS, MEMORY, v, ORDER).and(valid);
						FloatVector y = FloatVector.fromMemorySegment(FLOATS, MEMORY, x, ORDER);
						c = a.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats().fma(y, c);
						d = b.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats().fma(y, d);
						y = FloatVector.fromMemorySegment(FLOATS, MEMORY, x + BYTES, ORDER);
						c = a.and(high).reinterpretAsFloats().fma(y, c);
						d = b.and(high).reinterpretAsFloats().fma(y, d);
						valid = IntVector.fromMemorySegment(INTS, MEMORY, mask + 64, ORDER);
						a = IntVector.fromMemorySegment(INTS, MEMORY, w + 64, ORDER).and(valid);
						b = IntVector.fromMemorySegment(INTS, MEMORY, v + 64, ORDER).and(valid);
						y = FloatVector.fromMemorySegment(FLOATS, MEMORY, x + 2 * BYTES, ORDER);
						c = a.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats().fma(y, c);
						d = b.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats().fma(y, d);
						y = FloatVector.fromMemorySegment(FLOATS, MEMORY, x + 3 * BYTES, ORDER);
						c = a.and(high).reinterpretAsFloats().fma(y, c);
						d = b.and(high).reinterpretAsFloats().fma(y, d);
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
				for (int i = 0; i < BlockOrder.STEPS / 2; i++) {
					IntVector words = IntVector.fromMemorySegment(INTS, MEMORY, w + 64L * i, ORDER)
						.and(IntVector.fromMemorySegment(INTS, MEMORY, valid + 64L * i, ORDER));
					words.lanewise(VectorOperators.LSHL, 16).intoMemorySegment(MEMORY, q + 2 * i * BYTES, ORDER);
					words.and(HIGH).intoMemorySegment(MEMORY, q + (2 * i + 1) * BYTES, ORDER);
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
