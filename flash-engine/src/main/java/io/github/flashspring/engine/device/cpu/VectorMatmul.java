package io.github.flashspring.engine.device.cpu;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;

import jdk.incubator.vector.FloatVector;
import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.device.Device.Limits;

/**
 * Linear layers. A few rows run through {@link RowKernels}, which read every weight once,
 * more of them through {@link VectorPanels}.
 */
final class VectorMatmul {

	/** Outputs whose lanes are added up together. */
	private static final int BATCH = 16;

	/** Most rows that are computed one by one. */
	private static final int FEW = 3;

	private static final int LANES = Kernels.LANES;

	/** Columns that are looked up at a time. */
	static final int STRETCH = 1024;

	private VectorMatmul() {
	}

	static int rowsAtOnce() {
		return VectorPanels.ROWS;
	}

	static long inputFloats(int rows, int columns) {
		long few = (long) Math.min(rows, FEW) * stride(columns);
		return few + VectorPanels.panelFloats(rows, columns) + (long) rows * (columns / 16 + LANES);
	}

	static long scratchFloats(Limits limits) {
		long columns = limits.columns();
		long groups = ((limits.rows() > FEW) ? VectorPanels.TILE : BATCH) * 2 * (columns / 16 + LANES);
		// Attention puts two heads here; a head may be as long as the widest input.
		long weights = Math.max(2 * columns, STRETCH + LANES);
		long lanes = Math.max(FEW * BATCH * LANES, VectorAttention.CELL + 2 * columns);
		long accumulators = Math.max(BATCH * (columns / 16 + LANES),
				(limits.rows() > FEW) ? VectorPanels.scratchFloats(limits.rows()) : 0);
		return groups + weights + lanes + accumulators;
	}

	/** Distance of the rows of a packed input. */
	private static int stride(int columns) {
		return BlockOrder.blocks(columns) * BlockOrder.COLUMNS;
	}

	static void reserve(Packed input, int rows, Weights weights) {
		boolean few = rows <= FEW;
		long values = (long) rows * stride(weights.columns());
		long panel = few ? (weights.format().coded() ? values : 0) : VectorPanels.panelFloats(rows, weights.columns());
		input.reserve(few ? values : 0, (long) rows * weights.paddedGroups(), panel);
	}

	static void pack(Rows x, int firstRow, int rows, Weights weights, int from, int to, Packed input) {
		int columns = weights.columns();
		int stride = stride(columns);
		int sums = weights.paddedGroups();
		for (int r = from; r < to; r++) {
			long offset = x.row(firstRow + r);
			if (sums > 0) {
				BlockOrder.groupSums(x.memory(), offset, columns, weights.groupSize(), input.sums(), r * sums);
			}
			if (rows > FEW) {
				VectorPanels.pack(x.memory(), offset, columns, weights.format(), rows, r, input.panel());
			}
			else if (!BlockOrder.natural(weights.format())) {
				BlockOrder.arrange(weights.format(), x.memory(), offset, columns, Lanes.NARROW.length(), input.values(),
						r * stride);
				if (sums > 0) {
					MemorySegment.copy(input.values(), r * stride, input.panel(), PortableKernels.FLOAT,
							4L * r * stride, stride);
				}
			}
			else {
				MemorySegment.copy(x.memory(), PortableKernels.FLOAT, offset, input.values(), r * stride, columns);
				Arrays.fill(input.values(), r * stride + columns, (r + 1) * stride, 0f);
			}
		}
	}

	static void multiply(Rows out, int firstRow, int rows, Packed input, Weights weights, @Nullable Rows bias, int from,
			int to, Scratch scratch) {
		if (rows <= FEW) {
			multiplyFew(out, firstRow, rows, input, weights, bias, from, to, scratch);
		}
		else {
			VectorPanels.multiply(out, firstRow, rows, input, weights, bias, from, to, scratch);
		}
	}

	private static void multiplyFew(Rows out, int firstRow, int rows, Packed input, Weights weights,
			@Nullable Rows bias, int from, int to, Scratch scratch) {
		int columns = weights.columns();
		int stride = stride(columns);
		int sums = weights.paddedGroups();
		float[] x = input.values();
		float[] lanes = scratch.lanes(rows * BATCH * LANES);
		boolean coded = weights.format().coded();
		float[] groups = scratch
			.groups(weights.format().decoded() ? VectorDecoding.scaleFloats(weights) : BATCH * 2 * sums);
		float[] block = scratch.weights(BlockOrder.COLUMNS);
		MemorySegment scales = scratch.accumulators(BATCH * sums);
		long values = coded ? Addresses.of(input.panel(), 0, 4L * rows * stride) : 0;
		for (int first = from; first < to; first += BATCH) {
			int end = Math.min(first + BATCH, to);
			int biases = 0;
			if (coded) {
				biases = VectorNumbers.readGroups(weights, first, end - first, groups);
				MemorySegment.copy(groups, 0, scales, PortableKernels.FLOAT, 0, biases);
			}
			for (int o = first; o < end; o++) {
				int group = (o - first) * sums;
				for (int r = 0; r < rows; r++) {
					int at = (r * BATCH + o - first) * LANES;
					RowKernels.multiply(weights, o, groups, x, r * stride, coded ? values + 4L * r * stride : 0,
							scales.address() + 4L * group, block, lanes, at);
					if (sums > 0) {
						RowKernels.biases(groups, biases + group, input.sums(), r * sums, sums, lanes, at);
					}
				}
			}
			for (int r = 0; r < rows; r++) {
				for (int o = first; o < end; o++) {
					put(out, firstRow + r, o, tree(lanes, (r * BATCH + o - first) * LANES), bias);
				}
			}
		}
	}

	/** Adds 16 lanes as the tree of {@link Kernels}. */
	static float tree(float[] lanes, int at) {
		for (int l = at; l < at + 8; l += Lanes.NARROW.length()) {
			FloatVector.fromArray(Lanes.NARROW, lanes, l)
				.add(FloatVector.fromArray(Lanes.NARROW, lanes, l + 8))
				.intoArray(lanes, l);
		}
		float even = (lanes[at] + lanes[at + 4]) + (lanes[at + 2] + lanes[at + 6]);
		float odd = (lanes[at + 1] + lanes[at + 5]) + (lanes[at + 3] + lanes[at + 7]);
		return even + odd;
	}

	private static void put(Rows out, int row, int column, float sum, @Nullable Rows bias) {
		float value = (bias != null) ? sum + PortableKernels.value(bias, 0, column) : sum;
		out.memory().set(PortableKernels.FLOAT, out.row(row) + (long) column * Float.BYTES, value);
	}

}
