package io.github.flashspring.engine.device.cpu;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorShuffle;

/**
 * Scales and biases of weight rows in FP32, as kernels read them. Rows of codes follow
 * each other without gaps, so that many rows are converted at once: first the scales of
 * all, behind them the biases, {@code fma(center, scale, bias)}.
 */
final class GroupScales {

	/** Zeros behind the scales and behind the biases: a register may reach there. */
	private static final int SLACK = Kernels.LANES;

	private final Weights weights;

	private final Spread spread;

	private final int stride;

	GroupScales(Weights weights) {
		this.weights = weights;
		this.spread = Spread.of(weights);
		if (this.spread.lanes()) {
			this.stride = BlockOrder.blocks(weights.columns()) * Kernels.LANES;
		}
		else {
			this.stride = (weights.scales() != null) ? weights.scales().columns() : 0;
		}
	}

	/** Where the scales of lanes lie. */
	Spread spread() {
		return this.spread;
	}

	/** Bytes from the scales of a row to those of the next. */
	long bytes() {
		return 4L * this.stride;
	}

	/**
	 * What {@link #read} writes.
	 * @param rows number of rows
	 * @return number of floats
	 */
	long floats(int rows) {
		long each = (long) rows * this.stride + SLACK;
		return (this.weights.biases() != null) ? 2 * each : each;
	}

	/** The most that {@link #floats} can be. */
	static long floats(int rows, int columns) {
		return (long) rows * BlockOrder.blocks(columns) * Kernels.LANES + 2 * SLACK;
	}

	/**
	 * Reads the scales and biases of some rows.
	 * @param row first row
	 * @param rows their number
	 * @param out receives {@link #floats} values
	 * @return address of the biases of centred codes
	 */
	long read(int row, int rows, MemorySegment out) {
		if (this.weights.scales() == null) {
			return out.address();
		}
		long count = (long) rows * this.stride;
		long scales = Addresses.of(out, 0, 4 * (count + SLACK));
		Rows source = this.weights.scales();
		if (source.type().bytes() == 1 || this.weights.groupRows() > 1 || this.spread.lanes()) {
			for (int r = 0; r < rows; r++) {
				single(source, row + r, scales + r * bytes());
			}
		}
		else {
			VectorNumbers.read(source, row, rows, scales);
		}
		clear(scales + 4 * count);
		if (this.weights.biases() == null) {
			return scales;
		}
		long biases = Addresses.of(out, 4 * (count + SLACK), 4 * (count + SLACK));
		VectorNumbers.read(this.weights.biases(), row, rows, biases);
		clear(biases + 4 * count);
		if (this.weights.format().centered() && this.weights.format().center() != 0) {
			center(scales, biases, count);
		}
		return biases;
	}

	/** Adds the center of the codes times the scales to the biases. */
	private void center(long scales, long biases, long count) {
		FloatVector center = FloatVector.broadcast(VectorFormat.FLOATS, this.weights.format().center());
		long s = scales;
		long end = biases + 4 * count;
		for (long b = biases; b < end; b += VectorFormat.BYTES) {
			s = Addresses.known(s);
			b = Addresses.known(b);
			center
				.fma(FloatVector.fromMemorySegment(VectorFormat.FLOATS, Addresses.MEMORY, s, VectorFormat.ORDER),
						FloatVector.fromMemorySegment(VectorFormat.FLOATS, Addresses.MEMORY, b, VectorFormat.ORDER))
				.intoMemorySegment(Addresses.MEMORY, b, VectorFormat.ORDER);
			s += VectorFormat.BYTES;
		}
	}

	/** Calls vector code that computes nothing, see {@link Exercise}. */
	void callEmpty() {
		if (this.weights.scales() != null) {
			VectorNumbers.read(this.weights.scales(), 0, 0, 0);
			center(0, 0, 0);
			VectorMatmul.callEmpty();
		}
	}

	private void single(Rows source, int row, long out) {
		float[] table = this.weights.format().byteScales();
		long offset = source.row(this.weights.scaleRow(row));
		boolean codes = source.type().bytes() == 1;
		for (int i = 0; i < this.stride; i++) {
			int group = i;
			if (this.spread.lanes()) {
				int column = i / Kernels.LANES * BlockOrder.COLUMNS
						+ this.weights.format().order().column(i % Kernels.LANES, 0);
				group = Math.min(column, this.weights.columns() - 1) / this.weights.groupSize();
			}
			float scale = codes ? table[source.memory().get(ValueLayout.JAVA_BYTE, offset + group) & 0xff]
					: PortableKernels.value(source.memory(), source.type(),
							offset + (long) group * source.type().bytes());
			set(out + 4L * i, scale);
		}
	}

	private static void clear(long address) {
		for (int i = 0; i < SLACK; i++) {
			set(address + 4L * i, 0f);
		}
	}

	private static void set(long address, float value) {
		Addresses.MEMORY.set(PortableKernels.FLOAT, Addresses.known(address), value);
	}

	/**
	 * Where the scales of a block's lanes lie in a row of scales.
	 *
	 * @param groups scales of a block
	 * @param lanes whether there is one for each lane, in the order of lanes
	 * @param offsets bytes to the first scale of each part
	 * @param shuffles which scale behind it a lane of the part takes
	 */
	record Spread(int groups, boolean lanes, long[] offsets, VectorShuffle<Float>[] shuffles) {

		static final Spread NONE = of(BlockOrder.SINGLES, BlockOrder.COLUMNS);

		/** Those of the usual sizes of groups, from 16 to 128, by order. */
		private static final Spread[][] USUAL = new Spread[BlockOrder.values().length][];

		static {
			for (BlockOrder order : BlockOrder.values()) {
				USUAL[order.ordinal()] = new Spread[] { of(order, 16), of(order, 32), of(order, 64), of(order, 128) };
			}
		}

		static Spread of(Weights weights) {
			if (!weights.format().coded()) {
				return NONE;
			}
			for (Spread spread : USUAL[weights.format().order().ordinal()]) {
				if (!spread.lanes && spread.groups * weights.groupSize() == BlockOrder.COLUMNS) {
					return spread;
				}
			}
			return of(weights.format().order(), weights.groupSize());
		}

		@SuppressWarnings("unchecked")
		private static Spread of(BlockOrder order, int groupSize) {
			// in registers of four lanes, those of eight-bit codes reach 64 columns on
			boolean lanes = BlockOrder.COLUMNS % groupSize != 0 || order.column(1, 0) / groupSize >= VectorFormat.WIDTH;
			long[] offsets = new long[VectorFormat.PARTS];
			VectorShuffle<Float>[] shuffles = new VectorShuffle[VectorFormat.PARTS];
			for (int part = 0; part < VectorFormat.PARTS; part++) {
				int first = part * VectorFormat.WIDTH;
				int base = lanes ? first : order.column(first, 0) / groupSize;
				offsets[part] = 4L * base;
				shuffles[part] = VectorShuffle.fromOp(VectorFormat.FLOATS,
						(lane) -> lanes ? lane : order.column(first + lane, 0) / groupSize - base);
			}
			return new Spread(lanes ? Kernels.LANES : BlockOrder.COLUMNS / groupSize, lanes, offsets, shuffles);
		}

		/** Bytes from the scales of a block to those of the next. */
		long bytes() {
			return 4L * this.groups;
		}

		long offset(int part) {
			return this.offsets[part];
		}

		VectorShuffle<Float> shuffle(int part) {
			return this.shuffles[part];
		}

	}

}
