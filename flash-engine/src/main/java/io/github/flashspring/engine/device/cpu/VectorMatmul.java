package io.github.flashspring.engine.device.cpu;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import java.util.Arrays;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;
import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.device.Device.Limits;

/**
 * Linear layers. A few rows run through {@link RowKernels}, which read every weight once.
 * For more rows the weights of a block are unpacked into eight registers, past which all
 * rows are streamed.
 */
final class VectorMatmul {

	/** Outputs whose lanes are added up together. */
	private static final int BATCH = 16;

	/** Most rows that are computed one by one. */
	private static final int FEW = 3;

	private static final VectorSpecies<Float> FLOATS = Lanes.WIDE;

	private static final int WIDTH = FLOATS.length();

	/**
	 * Rows that weights are unpacked for: a part of a block of them takes 16 KB, half of
	 * a first-level cache (24 KB of the 48 KB that processors with 512 bits have).
	 */
	private static final int ROWS = (WIDTH < 16) ? 64 : 48;

	/** Outputs that share such a part; their accumulators take most of the other half. */
	private static final int TILE = (WIDTH < 16) ? 8 : 4;

	private static final int LANES = Kernels.LANES;

	/** Columns that are looked up at a time. */
	static final int STRETCH = 1024;

	private static final ByteOrder ORDER = ByteOrder.LITTLE_ENDIAN;

	private VectorMatmul() {
	}

	static int rowsAtOnce() {
		return ROWS;
	}

	static long inputFloats(int rows, int columns) {
		return (long) rows * (stride(columns) + columns / 16 + LANES);
	}

	static long scratchFloats(Limits limits) {
		long columns = limits.columns();
		long groups = BATCH * 2 * (columns / 16 + LANES);
		// Attention puts two heads here; a head may be as long as the widest input.
		long weights = Math.max(2 * columns, STRETCH + LANES);
		long lanes = Math.max(FEW * BATCH * LANES, VectorAttention.CELL + 2 * columns);
		return groups + weights + lanes + ((limits.rows() > FEW) ? TILE * ROWS * LANES : 0);
	}

	/** Distance of the rows of a packed input. */
	private static int stride(int columns) {
		return BlockOrder.blocks(columns) * BlockOrder.COLUMNS;
	}

	static void reserve(Packed input, int rows, Weights weights) {
		long values = (long) rows * stride(weights.columns());
		boolean few = rows <= FEW;
		input.reserve(few ? values : 0, (long) rows * sums(weights), few ? 0 : values);
	}

	/** Sums over groups of a packed row. */
	private static int sums(Weights weights) {
		return weights.format().coded() ? BlockOrder.padded(weights.columns() / weights.groupSize()) : 0;
	}

	static void pack(Rows x, int firstRow, int rows, Weights weights, int from, int to, Packed input) {
		int columns = weights.columns();
		int stride = stride(columns);
		int sums = sums(weights);
		for (int r = from; r < to; r++) {
			long offset = x.row(firstRow + r);
			if (sums > 0) {
				BlockOrder.groupSums(x.memory(), offset, columns, weights.groupSize(), input.sums(), r * sums);
			}
			if (rows > FEW) {
				packPanel(x.memory(), offset, columns, weights.format(), rows, r, input.panel());
			}
			else if (!BlockOrder.natural(weights.format())) {
				BlockOrder.arrange(weights.format(), x.memory(), offset, columns, Lanes.NARROW.length(), input.values(),
						r * stride);
			}
			else {
				MemorySegment.copy(x.memory(), PortableKernels.FLOAT, offset, input.values(), r * stride, columns);
				Arrays.fill(input.values(), r * stride + columns, (r + 1) * stride, 0f);
			}
		}
	}

	/**
	 * Packs a row for {@link #multiplyRows}: the steps of a row side by side, then the
	 * rows, then the blocks, then the lanes that need another register.
	 */
	private static void packPanel(MemorySegment memory, long offset, int columns, Format format, int rows, int row,
			MemorySegment panel) {
		int blocks = BlockOrder.blocks(columns);
		int length = BlockOrder.STEPS * WIDTH;
		float[] natural = new float[BlockOrder.COLUMNS];
		float[] arranged = new float[length];
		for (int block = 0; block < blocks; block++) {
			int count = Math.min(BlockOrder.COLUMNS, columns - block * BlockOrder.COLUMNS);
			Arrays.fill(natural, count, BlockOrder.COLUMNS, 0f);
			MemorySegment.copy(memory, PortableKernels.FLOAT, offset + 4L * block * BlockOrder.COLUMNS, natural, 0,
					count);
			for (int lane = 0; lane < LANES; lane += WIDTH) {
				BlockOrder.arrange(format, natural, lane, WIDTH, arranged, 0);
				long at = ((long) (lane / WIDTH * blocks + block) * rows + row) * length;
				MemorySegment.copy(arranged, 0, panel, PortableKernels.FLOAT, 4 * at, length);
			}
		}
	}

	static void multiply(Rows out, int firstRow, int rows, Packed input, Weights weights, @Nullable Rows bias, int from,
			int to, Scratch scratch) {
		if (rows <= FEW) {
			multiplyFew(out, firstRow, rows, input, weights, bias, from, to, scratch);
		}
		else {
			for (int output = from; output < to; output += TILE) {
				multiplyRows(out, firstRow, rows, input, weights, bias, output, Math.min(TILE, to - output), scratch);
			}
		}
	}

	private static void multiplyFew(Rows out, int firstRow, int rows, Packed input, Weights weights,
			@Nullable Rows bias, int from, int to, Scratch scratch) {
		int columns = weights.columns();
		int stride = stride(columns);
		int sums = sums(weights);
		float[] x = input.values();
		float[] lanes = scratch.lanes(rows * BATCH * LANES);
		boolean coded = weights.format().coded();
		int padded = coded ? groupsPadded(weights) : 0;
		float[] groups = scratch
			.groups(weights.format().decoded() ? VectorDecoding.scaleFloats(weights) : BATCH * 2 * padded);
		float[] block = scratch.weights(BlockOrder.COLUMNS);
		for (int first = from; first < to; first += BATCH) {
			int end = Math.min(first + BATCH, to);
			int biases = coded ? VectorNumbers.readGroups(weights, first, end - first, groups) : 0;
			for (int o = first; o < end; o++) {
				int group = (o - first) * padded;
				for (int r = 0; r < rows; r++) {
					int at = (r * BATCH + o - first) * LANES;
					RowKernels.multiply(weights, o, groups, group, x, r * stride, block, lanes, at);
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

	private static int groupsPadded(Weights weights) {
		return BlockOrder.padded(weights.columns() / weights.groupSize());
	}

	/**
	 * Computes up to {@link #TILE} outputs for all rows.
	 */
	private static void multiplyRows(Rows out, int firstRow, int rows, Packed input, Weights weights,
			@Nullable Rows bias, int output, int outputs, Scratch scratch) {
		int blocks = BlockOrder.blocks(weights.columns());
		boolean coded = weights.format().coded();
		int padded = coded ? groupsPadded(weights) : 0;
		int perBlock = coded ? BlockOrder.COLUMNS / weights.groupSize() : 0;
		float[] groups = scratch.groups(TILE * 2 * padded);
		int groupBiases = coded ? VectorNumbers.readGroups(weights, output, outputs, groups) : 0;
		long plane = 4L * TILE * rows * WIDTH;
		MemorySegment sums = scratch.accumulators((long) TILE * ROWS * LANES);
		sums.asSlice(0, 4L * TILE * rows * LANES).fill((byte) 0);
		float[] block = scratch.weights(BlockOrder.COLUMNS + LANES);
		int[] groupOfLane = new int[WIDTH];
		for (int part = 0; part < LANES / WIDTH; part++) {
			for (int l = 0; l < WIDTH && coded; l++) {
				groupOfLane[l] = BlockOrder.column(weights.format(), part * WIDTH + l, 0) / weights.groupSize();
			}
			for (int b = 0; b < blocks; b++) {
				long length = 4L * rows * BlockOrder.STEPS * WIDTH;
				long x = Addresses.of(input.panel(), (part * blocks + b) * length, length);
				for (int o = 0; o < outputs; o++) {
					VectorNumbers.unpackBlock(weights, output + o, b, part * WIDTH, WIDTH, block);
					long at = Addresses.of(sums, part * plane + 4L * o * rows * WIDTH, 4L * rows * WIDTH);
					if (coded) {
						int first = o * padded + b * perBlock;
						for (int l = 0; l < WIDTH; l++) {
							block[BlockOrder.STEPS * WIDTH + l] = groups[first + groupOfLane[l]];
						}
						coded(block, x, rows, at);
					}
					else {
						plain(block, x, rows, at);
					}
				}
			}
			if (coded) {
				for (int o = 0; o < outputs; o++) {
					for (int g = part * WIDTH; g < padded; g += LANES) {
						biases(FloatVector.fromArray(FLOATS, groups, groupBiases + o * padded + g), input.sums(), g,
								padded, rows, sums, part * plane + 4L * o * rows * WIDTH);
					}
				}
			}
		}
		for (int o = 0; o < outputs; o++) {
			finish(out, firstRow, rows, output + o, sums, 4L * o * rows * WIDTH, plane, bias, scratch.lanes(LANES));
		}
	}

	/** Adds the lanes of an output for all rows. */
	private static void finish(Rows out, int firstRow, int rows, int output, MemorySegment sums, long at, long plane,
			@Nullable Rows bias, float[] lanes) {
		for (int r = 0; r < rows; r++) {
			for (int part = 0; part < LANES / WIDTH; part++) {
				load(sums, at + part * plane + 4L * r * WIDTH).intoArray(lanes, part * WIDTH);
			}
			put(out, firstRow + r, output, tree(lanes, 0), bias);
		}
	}

	/** Adds the biases of a register's worth of groups to the sums of all rows. */
	private static void biases(FloatVector biases, float[] groupSums, int group, int stride, int rows,
			MemorySegment sums, long at) {
		for (int r = 0; r < rows; r++) {
			long q = at + 4L * WIDTH * r;
			biases.fma(FloatVector.fromArray(FLOATS, groupSums, group + r * stride), load(sums, q))
				.intoMemorySegment(sums, q, ORDER);
		}
	}

	/**
	 * Adds the products of a block of codes to the sums of all rows. The weights stay in
	 * registers; each row is one load, one multiply-add for every eight lanes. Measured
	 * on one core of a Zen 3 at 3.1 GHz, another one busy: 39 GFLOPS with 64 rows,
	 * unpacking included, and 28 where every access checks its bounds. Aligned memory
	 * matters: from arrays, which may lie at any 8 bytes, it gets two thirds.
	 */
	private static void coded(float[] block, long x, int rows, long sums) {
		long from = Addresses.known(x);
		long at = Addresses.known(sums);
		FloatVector w0 = FloatVector.fromArray(FLOATS, block, 0);
		FloatVector w1 = FloatVector.fromArray(FLOATS, block, WIDTH);
		FloatVector w2 = FloatVector.fromArray(FLOATS, block, 2 * WIDTH);
		FloatVector w3 = FloatVector.fromArray(FLOATS, block, 3 * WIDTH);
		FloatVector w4 = FloatVector.fromArray(FLOATS, block, 4 * WIDTH);
		FloatVector w5 = FloatVector.fromArray(FLOATS, block, 5 * WIDTH);
		FloatVector w6 = FloatVector.fromArray(FLOATS, block, 6 * WIDTH);
		FloatVector w7 = FloatVector.fromArray(FLOATS, block, 7 * WIDTH);
		FloatVector scale = FloatVector.fromArray(FLOATS, block, BlockOrder.STEPS * WIDTH);
		for (int r = 0; r < rows; r++) {
			long p = from + 32L * WIDTH * r;
			long q = at + 4L * WIDTH * r;
			FloatVector a = w0.mul(load(p));
			FloatVector b = w4.mul(load(p + 16 * WIDTH));
			a = w1.fma(load(p + 4 * WIDTH), a);
			b = w5.fma(load(p + 20 * WIDTH), b);
			a = w2.fma(load(p + 8 * WIDTH), a);
			b = w6.fma(load(p + 24 * WIDTH), b);
			a = w3.fma(load(p + 12 * WIDTH), a);
			b = w7.fma(load(p + 28 * WIDTH), b);
			a.add(b).fma(scale, load(q)).intoMemorySegment(Addresses.MEMORY, q, ORDER);
		}
	}

	/**
	 * The same for plain numbers, which have no scale: four steps after the other are
	 * added to the sums.
	 */
	private static void plain(float[] block, long x, int rows, long sums) {
		long from = Addresses.known(x);
		long at = Addresses.known(sums);
		FloatVector w0 = FloatVector.fromArray(FLOATS, block, 0);
		FloatVector w1 = FloatVector.fromArray(FLOATS, block, WIDTH);
		FloatVector w2 = FloatVector.fromArray(FLOATS, block, 2 * WIDTH);
		FloatVector w3 = FloatVector.fromArray(FLOATS, block, 3 * WIDTH);
		FloatVector w4 = FloatVector.fromArray(FLOATS, block, 4 * WIDTH);
		FloatVector w5 = FloatVector.fromArray(FLOATS, block, 5 * WIDTH);
		FloatVector w6 = FloatVector.fromArray(FLOATS, block, 6 * WIDTH);
		FloatVector w7 = FloatVector.fromArray(FLOATS, block, 7 * WIDTH);
		for (int r = 0; r < rows; r++) {
			long p = from + 32L * WIDTH * r;
			long q = at + 4L * WIDTH * r;
			FloatVector a = w0.mul(load(p));
			FloatVector b = w4.mul(load(p + 16 * WIDTH));
			a = w1.fma(load(p + 4 * WIDTH), a);
			b = w5.fma(load(p + 20 * WIDTH), b);
			a = w2.fma(load(p + 8 * WIDTH), a);
			b = w6.fma(load(p + 24 * WIDTH), b);
			a = w3.fma(load(p + 12 * WIDTH), a);
			b = w7.fma(load(p + 28 * WIDTH), b);
			load(q).add(a).add(b).intoMemorySegment(Addresses.MEMORY, q, ORDER);
		}
	}

	private static FloatVector load(long address) {
		return FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, address, ORDER);
	}

	private static FloatVector load(MemorySegment memory, long offset) {
		return FloatVector.fromMemorySegment(FLOATS, memory, offset, ORDER);
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
