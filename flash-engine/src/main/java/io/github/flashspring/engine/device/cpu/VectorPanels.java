package io.github.flashspring.engine.device.cpu;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import java.util.Arrays;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;
import org.jspecify.annotations.Nullable;

/**
 * Linear layers of many rows. The weights of a tile of outputs are unpacked block by
 * block and multiplied with a panel of rows: four rows with two outputs at a time, so
 * that each number which is loaded serves several products.
 *
 * <p>
 * Memory is laid out by <em>parts</em>, the lanes that one register holds, of which 16
 * lanes have {@code 16 / WIDTH}: the input as [part, block, row, step, lane], unpacked
 * weights as [output, step, lane] and behind them scales as [output, lane], sums as
 * [part, output, row, lane].
 */
final class VectorPanels {

	private static final VectorSpecies<Float> FLOATS = Lanes.WIDE;

	private static final int WIDTH = FLOATS.length();

	private static final int PARTS = Kernels.LANES / WIDTH;

	/** Rows that are multiplied at once. */
	private static final int UNIT = 4;

	/** Outputs that are computed at once. */
	private static final int PAIR = 2;

	/** Bytes of a register. */
	private static final long BYTES = 4L * WIDTH;

	private static final long NARROW_BYTES = 4L * Lanes.NARROW.length();

	/** Bytes of a row, or of an output's weights, in a part of a block. */
	private static final long STEPS = BlockOrder.STEPS * BYTES;

	/**
	 * Rows that weights are unpacked for. The sums of a tile, 256 KB, stay in a
	 * second-level cache.
	 */
	static final int ROWS = 128;

	/**
	 * Rows that are multiplied with a whole tile before the next ones are: a part of a
	 * block of them takes a quarter of a first-level cache.
	 */
	private static final int NEAR_ROWS = 32;

	/** Outputs of a tile. */
	static final int TILE = 32;

	/** Bytes of a part of a block of a tile, and of its scales. */
	private static final long TILE_BYTES = TILE * (STEPS + BYTES);

	private static final ByteOrder ORDER = ByteOrder.LITTLE_ENDIAN;

	private VectorPanels() {
	}

	/** Rows with those that fill up the last unit. */
	private static int padded(int rows) {
		return Math.ceilDiv(rows, UNIT) * UNIT;
	}

	static long panelFloats(int rows, int columns) {
		return (long) padded(rows) * BlockOrder.blocks(columns) * BlockOrder.COLUMNS;
	}

	/** Floats of a thread's tile, halves and sums. */
	static long scratchFloats(int rows) {
		return TILE_BYTES / 4 + halfFloats() + sumFloats(padded(Math.min(rows, ROWS)));
	}

	private static long halfFloats() {
		return 2 * PAIR * NEAR_ROWS * WIDTH;
	}

	private static long sumFloats(int rows) {
		return (long) TILE * rows * Kernels.LANES;
	}

	/**
	 * Packs a row of an input.
	 * @param rows number of rows of the panel
	 * @param row index of this one
	 */
	static void pack(MemorySegment memory, long offset, int columns, Format format, int rows, int row,
			MemorySegment panel) {
		int blocks = BlockOrder.blocks(columns);
		int padded = padded(rows);
		float[] natural = new float[BlockOrder.COLUMNS];
		float[] arranged = new float[BlockOrder.STEPS * WIDTH];
		for (int block = 0; block < blocks; block++) {
			int count = Math.min(BlockOrder.COLUMNS, columns - block * BlockOrder.COLUMNS);
			Arrays.fill(natural, count, BlockOrder.COLUMNS, 0f);
			MemorySegment.copy(memory, PortableKernels.FLOAT, offset + 4L * block * BlockOrder.COLUMNS, natural, 0,
					count);
			for (int part = 0; part < PARTS; part++) {
				BlockOrder.arrange(format, natural, part * WIDTH, WIDTH, arranged, 0);
				long at = ((long) (part * blocks + block) * padded + row) * STEPS;
				MemorySegment.copy(arranged, 0, panel, PortableKernels.FLOAT, at, arranged.length);
				if (row == rows - 1) {
					panel.asSlice(at + STEPS, (padded - rows) * STEPS).fill((byte) 0);
				}
			}
		}
	}

	/**
	 * Computes the outputs {@code from … to - 1} for all rows of a panel.
	 */
	static void multiply(Rows out, int firstRow, int rows, Packed input, Weights weights, @Nullable Rows bias, int from,
			int to, Scratch scratch) {
		for (int output = from; output < to; output += TILE) {
			multiplyTile(out, firstRow, rows, input, weights, bias, output, Math.min(TILE, to - output), scratch);
		}
	}

	private static void multiplyTile(Rows out, int firstRow, int rows, Packed input, Weights weights,
			@Nullable Rows bias, int output, int outputs, Scratch scratch) {
		int blocks = BlockOrder.blocks(weights.columns());
		int padded = padded(rows);
		boolean coded = weights.format().coded();
		int groupsPadded = weights.paddedGroups();
		float[] groups = scratch.groups(TILE * 2 * groupsPadded);
		int groupBiases = coded ? VectorNumbers.readGroups(weights, output, outputs, groups) : 0;
		float[] block = scratch.weights(BlockOrder.COLUMNS);
		MemorySegment memory = scratch.accumulators(scratchFloats(rows));
		MemorySegment tile = memory.asSlice(0, TILE_BYTES);
		long halves = Addresses.of(memory, tile.byteSize(), 4 * halfFloats());
		long plane = TILE * padded * BYTES;
		MemorySegment sums = memory.asSlice(tile.byteSize() + 4 * halfFloats(), PARTS * plane);
		sums.fill((byte) 0);
		for (int part = 0; part < PARTS; part++) {
			for (int b = 0; b < blocks; b++) {
				unpack(weights, output, outputs, b, part, groups, groupsPadded, block, tile);
				long x = Addresses.of(input.panel(), (long) (part * blocks + b) * padded * STEPS, padded * STEPS);
				for (int row = 0; row < padded; row += NEAR_ROWS) {
					multiplyNear(tile.address(), outputs, coded, x + row * STEPS, Math.min(NEAR_ROWS, padded - row),
							halves, sums.address() + part * plane + row * BYTES, padded * BYTES);
				}
			}
			for (int o = 0; coded && o < outputs; o++) {
				for (int g = part * WIDTH; g < groupsPadded; g += Kernels.LANES) {
					biases(FloatVector.fromArray(FLOATS, groups, groupBiases + o * groupsPadded + g), input.sums(), g,
							groupsPadded, rows, sums, part * plane, padded, o);
				}
			}
		}
		finish(out, firstRow, rows, output, outputs, sums, plane, bias);
	}

	/**
	 * Multiplies a part of a block of all outputs of a tile with some rows. All addresses
	 * were checked.
	 * @param distance bytes from the sums of an output to those of the next
	 */
	private static void multiplyNear(long tile, int outputs, boolean coded, long x, int rows, long halves, long sums,
			long distance) {
		long half = rows * BYTES;
		long second = halves + PAIR * half;
		for (int o = 0; o < outputs; o += PAIR) {
			long w = tile + o * STEPS;
			long q = sums + o * distance;
			long scales = tile + TILE * STEPS + o * BYTES;
			products(w, x, rows, 0, scales, halves, half, 2 * BYTES);
			if (coded) {
				products(w + STEPS / 2, x + STEPS / 2, rows, halves, scales, q, distance, 2 * BYTES);
			}
			else {
				products(w + STEPS / 2, x + STEPS / 2, rows, 0, scales, second, half, 2 * BYTES);
				add(halves, second, rows, q);
				add(halves + half, second + half, rows, q + distance);
			}
		}
	}

	/**
	 * Unpacks a part of a block of all outputs of a tile, and puts its scales behind it.
	 */
	private static void unpack(Weights weights, int output, int outputs, int b, int part, float[] groups,
			int groupsPadded, float[] block, MemorySegment tile) {
		for (int o = 0; o < outputs; o++) {
			long at = Addresses.of(tile, o * STEPS, STEPS);
			if (!VectorNumbers.unpackPart(weights, output + o, b, part * WIDTH, WIDTH, at)) {
				VectorNumbers.unpackBlock(weights, output + o, b, part * WIDTH, WIDTH, block);
				MemorySegment.copy(block, 0, tile, PortableKernels.FLOAT, o * STEPS, BlockOrder.STEPS * WIDTH);
			}
		}
		if (groupsPadded == 0) {
			return;
		}
		int size = weights.groupSize();
		int first = b * (BlockOrder.COLUMNS / size);
		boolean same = WIDTH * BlockOrder.STEPS <= size && weights.format() == Format.AFFINE4;
		for (int o = 0; o < outputs; o++, first += groupsPadded) {
			long at = Addresses.known(Addresses.of(tile, TILE * STEPS + o * BYTES, BYTES));
			if (same) {
				FloatVector.broadcast(FLOATS, groups[first + part * WIDTH * BlockOrder.STEPS / size])
					.intoMemorySegment(Addresses.MEMORY, at, ORDER);
			}
			for (int l = 0; l < WIDTH && !same; l++) {
				int group = BlockOrder.column(weights.format(), part * WIDTH + l, 0) / size;
				Addresses.MEMORY.set(PortableKernels.FLOAT, at + 4L * l, groups[first + group]);
			}
		}
	}

	/**
	 * Adds the products of four steps of two outputs with all rows. The loop calls the
	 * Vector API itself, see {@link RowKernels}. Measured on one core of a Zen 3 at 3.1
	 * GHz: 79 of the 100 GFLOPS that it can do, against 50 of a loop that keeps the
	 * weights of one output in registers and loads a number for each product.
	 * @param weights address of the unpacked weights
	 * @param x address of the input
	 * @param rows number of rows, a multiple of four
	 * @param first 0 for the first four steps of codes and for numbers, or the address of
	 * what the first four gave
	 * @param scales address of the scales of codes
	 * @param out address of the sums of the first output, [row, lane]: they are replaced,
	 * or where there is a first half, both halves times the scale are added
	 * @param distance bytes to the sums of the second output
	 * @param stride bytes of two registers: not a constant, so that the JIT compiler
	 * leaves the loop over steps as it is
	 */
	private static void products(long weights, long x, int rows, long first, long scales, long out, long distance,
			long stride) {
		FloatVector scaleA = FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, Addresses.known(scales), ORDER);
		FloatVector scaleB = FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, Addresses.known(scales) + BYTES,
				ORDER);
		long from = Addresses.known(x);
		long to = Addresses.known(out);
		long before = Addresses.known(first);
		for (int row = 0; row < rows; row += UNIT) {
			long p = from + row * STEPS;
			long w = weights;
			long end = p + STEPS / 2;
			FloatVector a0 = FloatVector.zero(FLOATS);
			FloatVector a1 = a0;
			FloatVector a2 = a0;
			FloatVector a3 = a0;
			FloatVector b0 = a0;
			FloatVector b1 = a0;
			FloatVector b2 = a0;
			FloatVector b3 = a0;
			do {
				p = Addresses.known(p);
				w = Addresses.known(w);
				FloatVector x0 = FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, p, ORDER);
				FloatVector x1 = FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, p + STEPS, ORDER);
				FloatVector x2 = FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, p + 2 * STEPS, ORDER);
				FloatVector x3 = FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, p + 3 * STEPS, ORDER);
				FloatVector wa = FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, w, ORDER);
				FloatVector wb = FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, w + STEPS, ORDER);
				a0 = wa.fma(x0, a0);
				a1 = wa.fma(x1, a1);
				a2 = wa.fma(x2, a2);
				a3 = wa.fma(x3, a3);
				b0 = wb.fma(x0, b0);
				b1 = wb.fma(x1, b1);
				b2 = wb.fma(x2, b2);
				b3 = wb.fma(x3, b3);
				x0 = FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, p + BYTES, ORDER);
				x1 = FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, p + STEPS + BYTES, ORDER);
				x2 = FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, p + 2 * STEPS + BYTES, ORDER);
				x3 = FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, p + 3 * STEPS + BYTES, ORDER);
				wa = FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, w + BYTES, ORDER);
				wb = FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, w + STEPS + BYTES, ORDER);
				a0 = wa.fma(x0, a0);
				a1 = wa.fma(x1, a1);
				a2 = wa.fma(x2, a2);
				a3 = wa.fma(x3, a3);
				b0 = wb.fma(x0, b0);
				b1 = wb.fma(x1, b1);
				b2 = wb.fma(x2, b2);
				b3 = wb.fma(x3, b3);
				p += stride;
				w += stride;
			}
			while (p < end);
			long q = to + row * BYTES;
			long f = before + row * BYTES;
			if (first == 0) {
				a0.intoMemorySegment(Addresses.MEMORY, q, ORDER);
				a1.intoMemorySegment(Addresses.MEMORY, q + BYTES, ORDER);
				a2.intoMemorySegment(Addresses.MEMORY, q + 2 * BYTES, ORDER);
				a3.intoMemorySegment(Addresses.MEMORY, q + 3 * BYTES, ORDER);
				q += distance;
				b0.intoMemorySegment(Addresses.MEMORY, q, ORDER);
				b1.intoMemorySegment(Addresses.MEMORY, q + BYTES, ORDER);
				b2.intoMemorySegment(Addresses.MEMORY, q + 2 * BYTES, ORDER);
				b3.intoMemorySegment(Addresses.MEMORY, q + 3 * BYTES, ORDER);
				continue;
			}
			FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, f, ORDER)
				.add(a0)
				.fma(scaleA, FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, q, ORDER))
				.intoMemorySegment(Addresses.MEMORY, q, ORDER);
			FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, f + BYTES, ORDER)
				.add(a1)
				.fma(scaleA, FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, q + BYTES, ORDER))
				.intoMemorySegment(Addresses.MEMORY, q + BYTES, ORDER);
			FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, f + 2 * BYTES, ORDER)
				.add(a2)
				.fma(scaleA, FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, q + 2 * BYTES, ORDER))
				.intoMemorySegment(Addresses.MEMORY, q + 2 * BYTES, ORDER);
			FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, f + 3 * BYTES, ORDER)
				.add(a3)
				.fma(scaleA, FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, q + 3 * BYTES, ORDER))
				.intoMemorySegment(Addresses.MEMORY, q + 3 * BYTES, ORDER);
			q += distance;
			f += rows * BYTES;
			FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, f, ORDER)
				.add(b0)
				.fma(scaleB, FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, q, ORDER))
				.intoMemorySegment(Addresses.MEMORY, q, ORDER);
			FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, f + BYTES, ORDER)
				.add(b1)
				.fma(scaleB, FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, q + BYTES, ORDER))
				.intoMemorySegment(Addresses.MEMORY, q + BYTES, ORDER);
			FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, f + 2 * BYTES, ORDER)
				.add(b2)
				.fma(scaleB, FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, q + 2 * BYTES, ORDER))
				.intoMemorySegment(Addresses.MEMORY, q + 2 * BYTES, ORDER);
			FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, f + 3 * BYTES, ORDER)
				.add(b3)
				.fma(scaleB, FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, q + 3 * BYTES, ORDER))
				.intoMemorySegment(Addresses.MEMORY, q + 3 * BYTES, ORDER);
		}
	}

	/**
	 * Adds both halves of the steps to the sums of an output of numbers, one after the
	 * other.
	 * @param first address of the first half
	 * @param second address of the second half
	 * @param rows number of rows
	 * @param sums address of the sums
	 */
	private static void add(long first, long second, int rows, long sums) {
		long p = Addresses.known(first);
		long next = Addresses.known(second);
		long q = Addresses.known(sums);
		for (int r = 0; r < rows; r++) {
			FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, q + r * BYTES, ORDER)
				.add(FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, p + r * BYTES, ORDER))
				.add(FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, next + r * BYTES, ORDER))
				.intoMemorySegment(Addresses.MEMORY, q + r * BYTES, ORDER);
		}
	}

	/** Adds the biases of a register's worth of groups to the sums of an output. */
	private static void biases(FloatVector biases, float[] groupSums, int group, int stride, int rows,
			MemorySegment sums, long plane, int padded, int output) {
		for (int r = 0; r < rows; r++) {
			long q = plane + sum(padded, output, r);
			biases
				.fma(FloatVector.fromArray(FLOATS, groupSums, group + r * stride),
						FloatVector.fromMemorySegment(FLOATS, sums, q, ORDER))
				.intoMemorySegment(sums, q, ORDER);
		}
	}

	/** Where the sum of an output of a tile and a row lies in a part. */
	private static long sum(int padded, int output, int row) {
		return ((long) output * padded + row) * BYTES;
	}

	/**
	 * Adds the lanes of all sums as the tree of {@link Kernels}: the upper eight to the
	 * lower eight, then these.
	 */
	private static void finish(Rows out, int firstRow, int rows, int output, int outputs, MemorySegment sums,
			long plane, @Nullable Rows bias) {
		int padded = padded(rows);
		long bytes = Math.ceilDiv(outputs, PAIR) * PAIR * padded * BYTES;
		if (PARTS == 1) {
			fold(sums, 0, BYTES / 2, bytes, BYTES);
		}
		for (int part = 0; part < PARTS / 2; part++) {
			fold(sums, part * plane, (part + PARTS / 2) * plane, bytes, NARROW_BYTES);
		}
		long fourth = (WIDTH < 8) ? plane : 16;
		for (int r = 0; r < rows; r++) {
			long target = Addresses
				.known(Addresses.of(out.memory(), out.row(firstRow + r) + 4L * output, 4L * outputs));
			long first = Addresses.known(Addresses.of(sums, sum(padded, 0, r), bytes - sum(padded, 0, r)));
			for (int o = 0; o < outputs; o++) {
				long at = first + sum(padded, o, 0);
				float even = Addresses.value(at) + Addresses.value(at + fourth)
						+ (Addresses.value(at + 8) + Addresses.value(at + fourth + 8));
				float odd = Addresses.value(at + 4) + Addresses.value(at + fourth + 4)
						+ (Addresses.value(at + 12) + Addresses.value(at + fourth + 12));
				float sum = even + odd;
				if (bias != null) {
					sum += PortableKernels.value(bias, 0, output + o);
				}
				Addresses.MEMORY.set(PortableKernels.FLOAT, target + 4L * o, sum);
			}
		}
	}

	/** Adds registers of upper lanes to those of lower ones. */
	private static void fold(MemorySegment sums, long lower, long upper, long bytes, long stride) {
		long to = Addresses.known(Addresses.of(sums, lower, bytes));
		long from = Addresses.known(Addresses.of(sums, upper, bytes - upper % BYTES));
		for (long i = 0; i < bytes; i += stride) {
			FloatVector.fromMemorySegment(Lanes.NARROW, Addresses.MEMORY, to + i, ORDER)
				.add(FloatVector.fromMemorySegment(Lanes.NARROW, Addresses.MEMORY, from + i, ORDER))
				.intoMemorySegment(Addresses.MEMORY, to + i, ORDER);
		}
	}

}
