package io.github.flashspring.engine.device.cpu;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;
import org.jspecify.annotations.Nullable;

/**
 * Linear layers of many rows. The weights of a tile of outputs are unpacked some blocks
 * at a time and multiplied with a panel of rows: four rows with two outputs at a time, so
 * that each number which is loaded serves several products.
 *
 * <p>
 * Memory is laid out by <em>parts</em>, the lanes that one register holds: the input as
 * [part, unit of rows, block, row of the unit, step, lane], unpacked weights as [pair of
 * outputs, block, output of the pair, step, lane] and their scales as [pair, block,
 * output of the pair, lane], sums as [part, output, row, lane].
 */
final class VectorPanels {

	private static final VectorSpecies<Float> FLOATS = VectorFormat.FLOATS;

	private static final int WIDTH = VectorFormat.WIDTH;

	private static final int PARTS = VectorFormat.PARTS;

	/** Rows that are multiplied at once. */
	private static final int UNIT = 4;

	/** Outputs that are computed at once. */
	private static final int PAIR = 2;

	/** Bytes of a register. */
	private static final long BYTES = VectorFormat.BYTES;

	/** Bytes of a row, or of an output's weights, in a part of a block. */
	private static final long STEPS = VectorFormat.PART;

	/** Rows that weights are unpacked for. */
	static final int ROWS = 128;

	/** Outputs of a tile. */
	private static final int TILE = 16;

	/**
	 * Blocks that are unpacked at once. Their weights, 64 KB of a tile, stay in a
	 * second-level cache and those of a unit of rows in a first-level cache, while sums
	 * stay in registers: with 512 bits 85 billion products/s on one core of a Zen 5, with
	 * one block at a time 63; with 256 bits 48 and 28.
	 */
	private static final int CHUNK = 8;

	private static final VectorSpecies<Float> FOUR = FloatVector.SPECIES_128;

	private static final VectorShuffle<Float> UPPER_TWO = VectorShuffle.fromValues(FOUR, 2, 3, 0, 1);

	private static final ByteOrder ORDER = ByteOrder.LITTLE_ENDIAN;

	private VectorPanels() {
	}

	/** Rows with those that fill up the last unit. */
	static int padded(int rows) {
		return Math.ceilDiv(rows, UNIT) * UNIT;
	}

	/** Where a part of a block of a row lies in a panel, in bytes. */
	static long offset(int rows, int blocks, int row, int block, int part) {
		long unit = (long) part * Math.ceilDiv(rows, UNIT) + row / UNIT;
		return ((unit * blocks + block) * UNIT + row % UNIT) * STEPS;
	}

	/** Fills the rows behind the last with zeros. */
	static void clearPadding(MemorySegment panel, int rows, int blocks) {
		for (int row = rows; row < padded(rows); row++) {
			for (int part = 0; part < PARTS; part++) {
				for (int block = 0; block < blocks; block++) {
					panel.asSlice(offset(rows, blocks, row, block, part), STEPS).fill((byte) 0);
				}
			}
		}
	}

	/** Floats of a thread's tile, its scales and sums, and a copy of a row. */
	static long scratchFloats(int rows, int columns) {
		return (tileBytes() + sumBytes(padded(Math.min(rows, ROWS)))) / Float.BYTES + VectorMatmul.copyFloats(columns)
				+ GroupScales.floats(TILE, columns);
	}

	private static long tileBytes() {
		return TILE * CHUNK * (STEPS + BYTES);
	}

	private static long sumBytes(int rows) {
		return (long) TILE * rows * Kernels.LANES * Float.BYTES;
	}

	/**
	 * Computes the outputs {@code from … to - 1} for all rows of a panel.
	 */
	static void multiply(Rows out, int firstRow, int rows, Packed input, Weights weights, @Nullable Rows bias, int from,
			int to, Scratch scratch) {
		GroupScales scales = new GroupScales(weights);
		VectorFormat format = VectorFormat.of(weights);
		for (int output = from; output < to; output += TILE) {
			multiplyTile(out, firstRow, rows, input, weights, scales, format, bias, output, Math.min(TILE, to - output),
					scratch);
		}
	}

	/**
	 * Calls of vector code that compute nothing, see {@link Exercise}.
	 * @param weights a matrix
	 * @param calls number of calls
	 */
	static void callEmpty(Weights weights, int calls) {
		GroupScales scales = new GroupScales(weights);
		VectorFormat format = VectorFormat.of(weights);
		for (int i = 0; i < calls; i++) {
			scales.callEmpty();
			format.unpack(0, 0, 0, 0, 0, Lanes.ALL, 0, 0);
			spread(scales.spread(), 0, 0, 0, 0, true);
			products(0, 0, 0, 0, 0, 0, 0);
			addBiases(0, 0, 0, 0, 0, 0, 0, 0);
		}
	}

	private static void multiplyTile(Rows out, int firstRow, int rows, Packed input, Weights weights,
			GroupScales scales, VectorFormat format, @Nullable Rows bias, int output, int outputs, Scratch scratch) {
		int blocks = BlockOrder.blocks(weights.columns());
		int padded = padded(rows);
		MemorySegment memory = scratch.accumulators(scratchFloats(rows, weights.columns()));
		long tile = Addresses.of(memory, 0, tileBytes());
		long tileScales = tile + TILE * CHUNK * STEPS;
		MemorySegment sums = memory.asSlice(tileBytes(), sumBytes(padded));
		MemorySegment copy = memory.asSlice(tileBytes() + sumBytes(padded),
				4 * VectorMatmul.copyFloats(weights.columns()));
		MemorySegment scaleMemory = memory
			.asSlice(tileBytes() + sumBytes(padded) + 4 * VectorMatmul.copyFloats(weights.columns()));
		long biases = scales.read(output, outputs, scaleMemory);
		sums.fill((byte) 0);
		long plane = TILE * padded * BYTES;
		for (int part = 0; part < PARTS; part++) {
			for (int block = 0; block < blocks; block += CHUNK) {
				int count = Math.min(CHUNK, blocks - block);
				long mask = (block + count == blocks) ? VectorMatmul.lastMask(weights) : Lanes.ALL;
				for (int o = 0; o < outputs; o++) {
					long first = tile + (o / PAIR * count * PAIR + o % PAIR) * STEPS;
					long groups = (weights.groupSize() > 0) ? (long) block * BlockOrder.COLUMNS / weights.groupSize()
							: 0;
					format.unpack(VectorMatmul.codes(weights, output + o, block, count, format, copy),
							scaleMemory.address() + o * scales.bytes() + 4 * groups, biases - scaleMemory.address(),
							part, count, mask, first, PAIR * STEPS);
					spread(scales.spread(), part,
							scaleMemory.address() + o * scales.bytes() + block * scales.spread().bytes(), count,
							tileScales + (o / PAIR * count * PAIR + o % PAIR) * BYTES, weights.format().coded());
				}
				for (int row = 0; row < padded; row += UNIT) {
					long x = Addresses.of(input.panel(), offset(rows, blocks, row, block, part), count * UNIT * STEPS);
					for (int o = 0; o < outputs; o += PAIR) {
						products(tile + o * count * STEPS, tileScales + o * count * BYTES, x, count,
								sums.address() + part * plane + sum(padded, o, row), padded * BYTES, 2 * BYTES);
					}
				}
			}
			if (weights.format().centered()) {
				long groupBytes = 4L * weights.paddedGroups();
				for (int row = 0; row < padded; row += UNIT) {
					addBiases(biases, scales.bytes(), VectorMatmul.sums(input, rows, weights, row), part, groupBytes,
							sums.address() + part * plane + sum(padded, 0, row), padded * BYTES, outputs);
				}
			}
		}
		finish(out, firstRow, rows, output, outputs, sums, plane, bias);
	}

	/**
	 * Brings the scales of some blocks of an output to their lanes; those of numbers are
	 * one.
	 */
	private static void spread(GroupScales.Spread spread, int part, long scales, int blocks, long out, boolean coded) {
		VectorShuffle<Float> shuffle = spread.shuffle(part);
		FloatVector one = FloatVector.broadcast(FLOATS, 1f);
		long s = scales + spread.offset(part);
		for (int b = 0; b < blocks; b++) {
			FloatVector scale = coded ? FloatVector
				.fromMemorySegment(FLOATS, Addresses.MEMORY, Addresses.known(s + b * spread.bytes()), ORDER)
				.rearrange(shuffle) : one;
			scale.intoMemorySegment(Addresses.MEMORY, Addresses.known(out + b * PAIR * BYTES), ORDER);
		}
	}

	/**
	 * Adds the products of some blocks of two outputs with four rows to their sums. The
	 * loop calls the Vector API itself, see {@link VectorFormat}. All addresses were
	 * checked.
	 * @param weights address of the unpacked weights
	 * @param scales address of their scales
	 * @param x address of the input
	 * @param blocks number of blocks
	 * @param sums address of the sums of the first output, [row, lane]
	 * @param distance bytes to the sums of the second output
	 * @param stride bytes of two registers: not a constant, so that the JIT compiler
	 * leaves the loop over steps as it is
	 */
	private static void products(long weights, long scales, long x, int blocks, long sums, long distance, long stride) {
		if (blocks == 0) {
			return;
		}
		long p = Addresses.known(x);
		long w = Addresses.known(weights);
		long s = Addresses.known(scales);
		long q = Addresses.known(sums);
		long r = Addresses.known(q + distance);
		FloatVector c0 = FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, q, ORDER);
		FloatVector c1 = FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, q + BYTES, ORDER);
		FloatVector c2 = FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, q + 2 * BYTES, ORDER);
		FloatVector c3 = FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, q + 3 * BYTES, ORDER);
		FloatVector d0 = FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, r, ORDER);
		FloatVector d1 = FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, r + BYTES, ORDER);
		FloatVector d2 = FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, r + 2 * BYTES, ORDER);
		FloatVector d3 = FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, r + 3 * BYTES, ORDER);
		for (int b = 0; b < blocks; b++) {
			FloatVector a0 = FloatVector.zero(FLOATS);
			FloatVector a1 = a0;
			FloatVector a2 = a0;
			FloatVector a3 = a0;
			FloatVector b0 = a0;
			FloatVector b1 = a0;
			FloatVector b2 = a0;
			FloatVector b3 = a0;
			long end = p + STEPS;
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
			p += (UNIT - 1) * STEPS;
			w += (PAIR - 1) * STEPS;
			s = Addresses.known(s);
			FloatVector scaleA = FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, s, ORDER);
			FloatVector scaleB = FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, s + BYTES, ORDER);
			c0 = a0.fma(scaleA, c0);
			c1 = a1.fma(scaleA, c1);
			c2 = a2.fma(scaleA, c2);
			c3 = a3.fma(scaleA, c3);
			d0 = b0.fma(scaleB, d0);
			d1 = b1.fma(scaleB, d1);
			d2 = b2.fma(scaleB, d2);
			d3 = b3.fma(scaleB, d3);
			s += PAIR * BYTES;
		}
		c0.intoMemorySegment(Addresses.MEMORY, q, ORDER);
		c1.intoMemorySegment(Addresses.MEMORY, q + BYTES, ORDER);
		c2.intoMemorySegment(Addresses.MEMORY, q + 2 * BYTES, ORDER);
		c3.intoMemorySegment(Addresses.MEMORY, q + 3 * BYTES, ORDER);
		d0.intoMemorySegment(Addresses.MEMORY, r, ORDER);
		d1.intoMemorySegment(Addresses.MEMORY, r + BYTES, ORDER);
		d2.intoMemorySegment(Addresses.MEMORY, r + 2 * BYTES, ORDER);
		d3.intoMemorySegment(Addresses.MEMORY, r + 3 * BYTES, ORDER);
	}

	/** Adds the biases of groups to the sums of all outputs and a unit of rows. */
	private static void addBiases(long biases, long biasBytes, long groupSums, int part, long groupBytes, long sums,
			long distance, int outputs) {
		long first = part * BYTES;
		for (int o = 0; o < outputs; o++) {
			long q = Addresses.known(sums + o * distance);
			long b = biases + o * biasBytes;
			FloatVector sum0 = FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, q, ORDER);
			FloatVector sum1 = FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, q + BYTES, ORDER);
			FloatVector sum2 = FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, q + 2 * BYTES, ORDER);
			FloatVector sum3 = FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, q + 3 * BYTES, ORDER);
			for (long g = first; g < groupBytes; g += Kernels.LANES * Float.BYTES) {
				FloatVector bias = FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, Addresses.known(b + g),
						ORDER);
				long x = Addresses.known(groupSums + g);
				sum0 = bias.fma(FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, x, ORDER), sum0);
				x = Addresses.known(x + groupBytes);
				sum1 = bias.fma(FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, x, ORDER), sum1);
				x = Addresses.known(x + groupBytes);
				sum2 = bias.fma(FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, x, ORDER), sum2);
				x = Addresses.known(x + groupBytes);
				sum3 = bias.fma(FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, x, ORDER), sum3);
			}
			sum0.intoMemorySegment(Addresses.MEMORY, q, ORDER);
			sum1.intoMemorySegment(Addresses.MEMORY, q + BYTES, ORDER);
			sum2.intoMemorySegment(Addresses.MEMORY, q + 2 * BYTES, ORDER);
			sum3.intoMemorySegment(Addresses.MEMORY, q + 3 * BYTES, ORDER);
		}
	}

	/** Where the sum of an output of a tile and a row lies in a part. */
	private static long sum(int padded, int output, int row) {
		return ((long) output * padded + row) * BYTES;
	}

	/** Adds the lanes of all sums as the tree of {@link Kernels}, then the bias. */
	private static void finish(Rows out, int firstRow, int rows, int output, int outputs, MemorySegment sums,
			long plane, @Nullable Rows bias) {
		int padded = padded(rows);
		long second = fourLanes(plane, 1);
		long third = fourLanes(plane, 2);
		long fourth = fourLanes(plane, 3);
		long distance = padded * BYTES;
		for (int r = 0; r < rows; r++) {
			long target = Addresses.of(out.memory(), out.row(firstRow + r) + 4L * output, 4L * outputs);
			long at = sums.address() + sum(padded, 0, r);
			for (int o = 0; o < outputs; o++) {
				float sum = tree(at, at + second, at + third, at + fourth);
				Addresses.MEMORY.set(PortableKernels.FLOAT, Addresses.known(target + 4L * o),
						(bias != null) ? sum + PortableKernels.value(bias, 0, output + o) : sum);
				at += distance;
			}
		}
	}

	/** Where four of 16 lanes lie, from the first four on. */
	private static long fourLanes(long plane, int index) {
		return 4 * index / WIDTH * plane + 4L * (4 * index % WIDTH);
	}

	/** Adds 16 lanes, four from each address, as the tree of {@link Kernels}. */
	private static float tree(long first, long second, long third, long fourth) {
		FloatVector lower = FloatVector.fromMemorySegment(FOUR, Addresses.MEMORY, Addresses.known(first), ORDER)
			.add(FloatVector.fromMemorySegment(FOUR, Addresses.MEMORY, Addresses.known(third), ORDER));
		FloatVector upper = FloatVector.fromMemorySegment(FOUR, Addresses.MEMORY, Addresses.known(second), ORDER)
			.add(FloatVector.fromMemorySegment(FOUR, Addresses.MEMORY, Addresses.known(fourth), ORDER));
		FloatVector sums = lower.add(upper);
		sums = sums.add(sums.rearrange(UPPER_TWO));
		return sums.lane(0) + sums.lane(1);
	}

}
