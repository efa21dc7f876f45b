package io.github.flashspring.engine.device.cpu;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;
import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.device.Device.Limits;

/**
 * Linear layers. One row runs through {@link RowKernels}, which read every weight once.
 * For several rows a tile of weights is unpacked into the second-level cache and
 * multiplied with all of them, two outputs by four rows at a time in registers.
 */
final class VectorMatmul {

	/** Outputs whose lanes are added up together. */
	private static final int BATCH = 16;

	/** Outputs of a tile: with {@link #STRETCH} 64 KB. */
	private static final int TILE = 16;

	/**
	 * Columns of a tile, so that four rows of the input stay in the first-level cache.
	 */
	static final int STRETCH = 1024;

	/**
	 * Rows that share a tile where the columns need several, so that their accumulators
	 * stay in the second-level cache. Unpacking then costs a twentieth of the products.
	 */
	private static final int ROWS = 64;

	private static final int ROWS_AT_ONCE = 4;

	private static final int LANES = Kernels.LANES;

	/** Accumulators of two outputs by four rows. */
	static final int CELL = 2 * ROWS_AT_ONCE * LANES;

	private static final VectorSpecies<Float> FLOATS = Lanes.WIDE;

	private VectorMatmul() {
	}

	static int rowsAtOnce() {
		return ROWS;
	}

	static long inputFloats(int rows, int columns) {
		return (rows == 1) ? columns : (long) rows * stride(columns);
	}

	static long scratchFloats(Limits limits) {
		long columns = limits.columns();
		long groups = 2 * Math.ceilDiv(columns, 32L);
		// Attention puts two heads here; a head may be as long as the widest input.
		long tile = 2 * columns;
		long lanes = BATCH * LANES + 2 * columns;
		if (limits.rows() > 1) {
			tile = Math.max(tile, (long) TILE * stride(Math.min(STRETCH, limits.columns())));
		}
		if (limits.rows() > 1 && columns > STRETCH) {
			lanes = Math.max(lanes, (long) cells(Math.min(ROWS, limits.rows())) * CELL);
		}
		return groups + tile + lanes;
	}

	private static int cells(int rows) {
		return TILE / 2 * Math.ceilDiv(rows, ROWS_AT_ONCE);
	}

	/**
	 * Distance of rows of so many values: whole registers, and never a multiple of the
	 * cache's 4096 bytes, which would make rows displace each other.
	 */
	private static int stride(int columns) {
		return Math.ceilDiv(columns, LANES) * LANES + LANES;
	}

	/**
	 * Copies rows of the input to where {@link #multiply} wants them: a single one in the
	 * order of the format's codes, several ones side by side and padded with zeros. From
	 * arrays the JIT compiler makes better loops than from segments: 67 GFLOPS on one
	 * core of a Zen 3 at 3.3 GHz where it makes 43.
	 */
	static void pack(Rows x, int firstRow, int rows, Weights weights, int from, int to, float[] input) {
		int columns = weights.columns();
		if (rows == 1) {
			MemorySegment.copy(x.memory(), PortableKernels.FLOAT, x.row(firstRow), input, 0, columns);
			RowKernels.arrange(weights.format(), input, columns);
			return;
		}
		int stride = stride(columns);
		for (int r = from; r < to; r++) {
			MemorySegment.copy(x.memory(), PortableKernels.FLOAT, x.row(firstRow + r), input, r * stride, columns);
			Arrays.fill(input, r * stride + columns, (r + 1) * stride, 0f);
		}
	}

	static void multiply(Rows out, int firstRow, int rows, float[] input, Weights weights, @Nullable Rows bias,
			int from, int to, Scratch scratch) {
		if (rows == 1) {
			multiplyRow(out, firstRow, input, weights, bias, from, to, scratch);
		}
		else {
			multiplyRows(out, firstRow, rows, input, weights, bias, from, to, scratch);
		}
	}

	private static void multiplyRow(Rows out, int row, float[] input, Weights weights, @Nullable Rows bias, int from,
			int to, Scratch scratch) {
		int columns = weights.columns();
		int whole = columns / LANES * LANES;
		float[] lanes = scratch.lanes(BATCH * LANES);
		float[] groups = scratch.groups((weights.groupSize() > 0) ? 2 * columns / weights.groupSize() : 0);
		MemorySegment memory = weights.values().memory();
		int shift = Integer.numberOfTrailingZeros(weights.groupSize() / 32);
		for (int first = from; first < to; first += BATCH) {
			int end = Math.min(first + BATCH, to);
			for (int o = first; o < end; o++) {
				long offset = weights.values().row(o);
				int at = (o - first) * LANES;
				switch (weights.format()) {
					case F32 -> RowKernels.single(memory, offset, input, whole, lanes, at);
					case BF16 -> RowKernels.bfloat(memory, offset, input, whole, lanes, at);
					case F16 -> multiplyUnpacked(weights, o, input, whole, lanes, at, scratch);
					case AFFINE4 -> RowKernels.affine4(memory, offset, shift, groups,
							VectorNumbers.readGroups(weights, o, 0, columns, groups), input, columns, lanes, at);
					case AFFINE8 -> RowKernels.affine8(memory, offset, shift, groups,
							VectorNumbers.readGroups(weights, o, 0, columns, groups), input, columns, lanes, at);
				}
				if (whole < columns) {
					addTail(weights.values(), o, input, whole, lanes, at);
				}
			}
			for (int o = first; o < end; o++) {
				put(out, row, o, RowKernels.tree(weights.format(), lanes, (o - first) * LANES), bias);
			}
		}
	}

	private static void multiplyUnpacked(Weights weights, int output, float[] input, int count, float[] lanes, int at,
			Scratch scratch) {
		float[] stretch = scratch.weights(Math.min(STRETCH, count));
		Arrays.fill(lanes, at, at + LANES, 0f);
		for (int k = 0; k < count; k += STRETCH) {
			int length = Math.min(STRETCH, count - k);
			VectorNumbers.unpack(weights, output, k, length, stretch, 0, scratch.groups(0));
			RowKernels.unpacked(stretch, input, k, length, lanes, at);
		}
	}

	private static void multiplyRows(Rows out, int firstRow, int rows, float[] input, Weights weights,
			@Nullable Rows bias, int from, int to, Scratch scratch) {
		int columns = weights.columns();
		boolean once = columns <= STRETCH;
		int inputStride = stride(columns);
		int stretch = Math.min(STRETCH, columns);
		int stride = stride(stretch);
		float[] tile = scratch.weights(TILE * stride);
		float[] groups = scratch.groups((weights.groupSize() > 0) ? 2 * stretch / weights.groupSize() : 0);
		float[] lanes = scratch.lanes(once ? CELL : cells(rows) * CELL);
		for (int output = from; output < to; output += TILE) {
			int outputs = Math.min(TILE, to - output);
			for (int k = 0; k < columns; k += STRETCH) {
				int count = Math.min(STRETCH, columns - k);
				for (int o = 0; o < outputs; o++) {
					VectorNumbers.unpack(weights, output + o, k, count, tile, o * stride, groups);
				}
				int cell = 0;
				for (int r = 0; r < rows; r += ROWS_AT_ONCE) {
					int x = r * inputStride + k;
					// Where rows end earlier the last stands in.
					int x1 = x + Math.min(1, rows - 1 - r) * inputStride;
					int x2 = x + Math.min(2, rows - 1 - r) * inputStride;
					int x3 = x + Math.min(3, rows - 1 - r) * inputStride;
					for (int o = 0; o < outputs; o += 2) {
						int at = once ? 0 : CELL * cell++;
						if (k == 0) {
							Arrays.fill(lanes, at, at + CELL, 0f);
						}
						for (int lane = 0; lane < LANES; lane += FLOATS.length()) {
							cell(input, x + lane, x1 + lane, x2 + lane, x3 + lane, count, tile, o * stride + lane,
									(o + 1) * stride + lane, lanes, at + lane);
						}
						if (k + count == columns) {
							putCell(out, firstRow + r, firstRow + rows, output + o, output + outputs, lanes, at, bias);
						}
					}
				}
			}
		}
	}

	/**
	 * Two outputs by four rows in eight accumulators. Measured on one core of a Zen 3 at
	 * 3.3 GHz over 1024 columns: 2 by 4 gets 58 GFLOPS, 3 by 4 gets 52, 3 by 3 gets 42
	 * (more accumulators than these spill); panels with interleaved rows 39; 2048 columns
	 * fall out of the cache and get 34.
	 */
	private static void cell(float[] x, int x0, int x1, int x2, int x3, int count, float[] w, int w0, int w1,
			float[] lanes, int at) {
		FloatVector a0 = FloatVector.fromArray(FLOATS, lanes, at);
		FloatVector b0 = FloatVector.fromArray(FLOATS, lanes, at + LANES);
		FloatVector a1 = FloatVector.fromArray(FLOATS, lanes, at + 2 * LANES);
		FloatVector b1 = FloatVector.fromArray(FLOATS, lanes, at + 3 * LANES);
		FloatVector a2 = FloatVector.fromArray(FLOATS, lanes, at + 4 * LANES);
		FloatVector b2 = FloatVector.fromArray(FLOATS, lanes, at + 5 * LANES);
		FloatVector a3 = FloatVector.fromArray(FLOATS, lanes, at + 6 * LANES);
		FloatVector b3 = FloatVector.fromArray(FLOATS, lanes, at + 7 * LANES);
		for (int i = 0; i < count; i += LANES) {
			FloatVector a = FloatVector.fromArray(FLOATS, w, w0 + i);
			FloatVector b = FloatVector.fromArray(FLOATS, w, w1 + i);
			FloatVector input = FloatVector.fromArray(FLOATS, x, x0 + i);
			a0 = a.fma(input, a0);
			b0 = b.fma(input, b0);
			input = FloatVector.fromArray(FLOATS, x, x1 + i);
			a1 = a.fma(input, a1);
			b1 = b.fma(input, b1);
			input = FloatVector.fromArray(FLOATS, x, x2 + i);
			a2 = a.fma(input, a2);
			b2 = b.fma(input, b2);
			input = FloatVector.fromArray(FLOATS, x, x3 + i);
			a3 = a.fma(input, a3);
			b3 = b.fma(input, b3);
		}
		a0.intoArray(lanes, at);
		b0.intoArray(lanes, at + LANES);
		a1.intoArray(lanes, at + 2 * LANES);
		b1.intoArray(lanes, at + 3 * LANES);
		a2.intoArray(lanes, at + 4 * LANES);
		b2.intoArray(lanes, at + 5 * LANES);
		a3.intoArray(lanes, at + 6 * LANES);
		b3.intoArray(lanes, at + 7 * LANES);
	}

	private static void putCell(Rows out, int row, int rowsEnd, int output, int outputsEnd, float[] lanes, int at,
			@Nullable Rows bias) {
		for (int r = row; r < Math.min(row + ROWS_AT_ONCE, rowsEnd); r++) {
			for (int o = output; o < Math.min(output + 2, outputsEnd); o++) {
				put(out, r, o, tree(lanes, at + (2 * (r - row) + o - output) * LANES), bias);
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

	/** Adds the last, incomplete 16 products. */
	private static void addTail(Rows weights, int output, float[] input, int from, float[] lanes, int at) {
		for (int l = 0; l < LANES; l++) {
			boolean inside = from + l < weights.columns();
			float a = inside ? PortableKernels.value(weights, output, from + l) : 0f;
			float b = inside ? input[from + l] : 0f;
			lanes[at + l] = Math.fma(a, b, lanes[at + l]);
		}
	}

}
