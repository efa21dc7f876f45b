package io.github.flashspring.engine.device.cpu;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * Norms, weighted sums of rows and products with columns in plain Java.
 */
final class PortableRowwise implements RowwiseKernels {

	private static final int LANES = Kernels.LANES;

	@Override
	public void layerNorm(Rows out, Rows x, Rows weight, Rows bias, float offset, float epsilon, int from, int to,
			Scratch scratch) {
		float[] lanes = scratch.lanes(LANES);
		int columns = x.columns();
		for (int r = from; r < to; r++) {
			Arrays.fill(lanes, 0, LANES, 0f);
			for (int i = 0; i < columns; i++) {
				lanes[i % LANES] += PortableKernels.get(x, r, i);
			}
			float mean = PortableKernels.tree(lanes, 0) / columns;
			Arrays.fill(lanes, 0, LANES, 0f);
			for (int i = 0; i < columns; i++) {
				float difference = PortableKernels.get(x, r, i) - mean;
				lanes[i % LANES] = Math.fma(difference, difference, lanes[i % LANES]);
			}
			float inverse = PortableKernels.inverseRoot(PortableKernels.tree(lanes, 0), columns, epsilon);
			for (int i = 0; i < columns; i++) {
				float factor = PortableKernels.value(weight, 0, i) + offset;
				PortableKernels.set(out, r, i,
						(PortableKernels.get(x, r, i) - mean) * inverse * factor + PortableKernels.value(bias, 0, i));
			}
		}
	}

	@Override
	public void combine(Rows out, Rows x, float[] weights, int from, int to) {
		for (int r = from; r < to; r++) {
			combineRow(out, x, weights, r, 0);
		}
	}

	static void combineRow(Rows out, Rows x, float[] weights, int row, int fromColumn) {
		int each = weights.length / out.count();
		for (int i = fromColumn; i < out.columns(); i++) {
			float sum = 0f;
			for (int k = row * each; k < (row + 1) * each; k++) {
				sum = Math.fma(weights[k], PortableKernels.get(x, k, i), sum);
			}
			PortableKernels.set(out, row, i, sum);
		}
	}

	@Override
	public void matmulTransposed(Rows out, Rows x, Weights weights, boolean accumulate, int from, int to,
			Scratch scratch) {
		float[] values = scratch.weights(BLOCK);
		float[] sums = scratch.lanes(ROWS * BLOCK);
		for (int block = from; block < to; block++) {
			int column = block * BLOCK;
			int count = Math.min(BLOCK, weights.columns() - column);
			for (int row = 0; row < x.count(); row += ROWS) {
				int rows = Math.min(ROWS, x.count() - row);
				begin(out, row, rows, column, count, accumulate, sums);
				for (int o = 0; o < weights.rows(); o++) {
					weights.format().lookUp(weights, o, column, count, values);
					for (int r = 0; r < rows; r++) {
						float factor = PortableKernels.get(x, row + r, o);
						for (int i = 0; i < count; i++) {
							sums[r * BLOCK + i] = Math.fma(factor, values[i], sums[r * BLOCK + i]);
						}
					}
				}
				end(out, row, rows, column, count, sums);
			}
		}
	}

	static void begin(Rows out, int row, int rows, int column, int count, boolean accumulate, float[] sums) {
		for (int r = 0; r < rows; r++) {
			if (accumulate) {
				MemorySegment.copy(out.memory(), PortableKernels.FLOAT, out.row(row + r) + 4L * column, sums, r * BLOCK,
						count);
			}
			else {
				Arrays.fill(sums, r * BLOCK, r * BLOCK + count, 0f);
			}
		}
	}

	static void end(Rows out, int row, int rows, int column, int count, float[] sums) {
		for (int r = 0; r < rows; r++) {
			MemorySegment.copy(sums, r * BLOCK, out.memory(), PortableKernels.FLOAT, out.row(row + r) + 4L * column,
					count);
		}
	}

}
