package io.github.flashspring.engine.device.cpu;

import java.lang.foreign.MemorySegment;

import jdk.incubator.vector.FloatVector;

/**
 * Norms, weighted sums of rows and products with columns over the Vector API.
 */
final class VectorRowwise implements RowwiseKernels {

	private static final int LANES = Kernels.LANES;

	private static final int STEP = Lanes.WIDE.length();

	@Override
	public void layerNorm(Rows out, Rows x, Rows weight, Rows bias, float offset, float epsilon, int from, int to,
			Scratch scratch) {
		int columns = x.columns();
		int whole = columns / STEP * STEP;
		float[] lanes = scratch.lanes(LANES);
		float[] factors = scratch.weights(2 * columns);
		VectorNumbers.read(weight, 0, 0, columns, factors, 0);
		for (int i = 0; i < columns; i++) {
			factors[i] += offset;
		}
		VectorNumbers.read(bias, 0, 0, columns, factors, columns);
		for (int r = from; r < to; r++) {
			float mean = sum(x.memory(), x.row(r), columns, lanes) / columns;
			float inverse = PortableKernels.inverseRoot(squares(x.memory(), x.row(r), columns, mean, lanes), columns,
					epsilon);
			for (int i = 0; i < whole; i += STEP) {
				FloatVector value = VectorNumbers.load(x.memory(), x.row(r) + 4L * i)
					.sub(mean)
					.mul(inverse)
					.mul(FloatVector.fromArray(Lanes.WIDE, factors, i))
					.add(FloatVector.fromArray(Lanes.WIDE, factors, columns + i));
				VectorNumbers.store(value, out.memory(), out.row(r) + 4L * i);
			}
			for (int i = whole; i < columns; i++) {
				PortableKernels.set(out, r, i,
						(PortableKernels.get(x, r, i) - mean) * inverse * factors[i] + factors[columns + i]);
			}
		}
	}

	private static float sum(MemorySegment memory, long offset, int columns, float[] lanes) {
		int whole = columns / LANES * LANES;
		for (int lane = 0; lane < LANES; lane += STEP) {
			FloatVector sum = FloatVector.zero(Lanes.WIDE);
			for (int i = lane; i < whole; i += LANES) {
				sum = sum.add(VectorNumbers.load(memory, offset + 4L * i));
			}
			sum.intoArray(lanes, lane);
		}
		for (int i = whole; i < columns; i++) {
			lanes[i - whole] += memory.get(PortableKernels.FLOAT, offset + 4L * i);
		}
		return PortableKernels.tree(lanes, 0);
	}

	private static float squares(MemorySegment memory, long offset, int columns, float mean, float[] lanes) {
		int whole = columns / LANES * LANES;
		for (int lane = 0; lane < LANES; lane += STEP) {
			FloatVector sum = FloatVector.zero(Lanes.WIDE);
			for (int i = lane; i < whole; i += LANES) {
				FloatVector difference = VectorNumbers.load(memory, offset + 4L * i).sub(mean);
				sum = difference.fma(difference, sum);
			}
			sum.intoArray(lanes, lane);
		}
		for (int i = whole; i < columns; i++) {
			float difference = memory.get(PortableKernels.FLOAT, offset + 4L * i) - mean;
			lanes[i - whole] = Math.fma(difference, difference, lanes[i - whole]);
		}
		return PortableKernels.tree(lanes, 0);
	}

	@Override
	public void combine(Rows out, Rows x, float[] weights, int from, int to) {
		int each = weights.length / out.count();
		int whole = out.columns() / STEP * STEP;
		for (int r = from; r < to; r++) {
			for (int i = 0; i < whole; i += STEP) {
				FloatVector sum = FloatVector.zero(Lanes.WIDE);
				for (int k = r * each; k < (r + 1) * each; k++) {
					sum = FloatVector.broadcast(Lanes.WIDE, weights[k])
						.fma(VectorNumbers.load(x.memory(), x.row(k) + 4L * i), sum);
				}
				VectorNumbers.store(sum, out.memory(), out.row(r) + 4L * i);
			}
			PortableRowwise.combineRow(out, x, weights, r, whole);
		}
	}

	@Override
	public void matmulTransposed(Rows out, Rows x, Weights weights, boolean accumulate, int from, int to,
			Scratch scratch) {
		float[] values = scratch.weights(BLOCK + LANES);
		float[] sums = scratch.lanes(ROWS * BLOCK);
		float[] groups = scratch.groups(2 * BLOCK / 16);
		for (int block = from; block < to; block++) {
			int column = block * BLOCK;
			int count = Math.min(BLOCK, weights.columns() - column);
			for (int row = 0; row < x.count(); row += ROWS) {
				int rows = Math.min(ROWS, x.count() - row);
				PortableRowwise.begin(out, row, rows, column, count, accumulate, sums);
				for (int o = 0; o < weights.rows(); o++) {
					VectorNumbers.lookUp(weights, o, column, count, values, 0, groups);
					for (int r = 0; r < rows; r++) {
						multiplyAdd(PortableKernels.get(x, row + r, o), values, sums, r * BLOCK, count);
					}
				}
				PortableRowwise.end(out, row, rows, column, count, sums);
			}
		}
	}

	private static void multiplyAdd(float factor, float[] values, float[] sums, int at, int count) {
		int whole = count / STEP * STEP;
		FloatVector broadcast = FloatVector.broadcast(Lanes.WIDE, factor);
		for (int i = 0; i < whole; i += STEP) {
			broadcast.fma(FloatVector.fromArray(Lanes.WIDE, values, i), FloatVector.fromArray(Lanes.WIDE, sums, at + i))
				.intoArray(sums, at + i);
		}
		for (int i = whole; i < count; i++) {
			sums[at + i] = Math.fma(factor, values[i], sums[at + i]);
		}
	}

}
