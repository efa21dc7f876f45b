package io.github.flashspring.engine.device.cpu;

import java.lang.foreign.MemorySegment;

import jdk.incubator.vector.FloatVector;
import org.jspecify.annotations.Nullable;

/**
 * Linear layers of a few rows, which are computed one by one or four at a time. Two or
 * four weight rows are multiplied at a time, one from each half or quarter of a thread's
 * outputs, so that each of these is read as one long stream: on a Zen 5, codes of 4 bits
 * come from memory at 42 billion weights/s and thread that way, but at 16 where two rows
 * are neighbours, which processors do not prefetch as well.
 */
final class FewRows {

	/** Outputs of each stream whose scales are read together. */
	private static final int BATCH = 16;

	private static final int MAX_STREAMS = 4;

	/** Rows of the input that are multiplied at a time, where the format can. */
	static final int FOUR = 4;

	private final Rows out;

	private final int firstRow;

	private final Packed input;

	private final Weights weights;

	private final @Nullable Rows bias;

	private final GroupScales scales;

	private final VectorFormat format;

	private final int blocks;

	private final RowStreams sets;

	private final Stream[] streams;

	/**
	 * Prepares the product of some rows of an input.
	 * @param out F32 [n, outputs]
	 * @param firstRow first of the rows
	 * @param input the packed rows
	 * @param weights [outputs, inputs]
	 * @param bias [1, outputs] or null
	 * @param scratch working memory
	 */
	FewRows(Rows out, int firstRow, Packed input, Weights weights, @Nullable Rows bias, Scratch scratch) {
		this.out = out;
		this.firstRow = firstRow;
		this.input = input;
		this.weights = weights;
		this.bias = bias;
		this.scales = new GroupScales(weights);
		this.format = VectorFormat.of(weights);
		this.blocks = BlockOrder.blocks(weights.columns());
		this.sets = new RowStreams(weights);
		this.sets.spread = this.scales.spread();
		this.sets.rowBytes = weights.values().stride();
		this.sets.scaleBytes = this.scales.bytes();
		MemorySegment memory = scratch.accumulators(scratchFloats(weights.columns()));
		long bytes = 4 * streamFloats(weights.columns());
		this.streams = new Stream[this.format.streams()];
		for (int i = 0; i < this.streams.length; i++) {
			this.streams[i] = new Stream(memory.asSlice(i * bytes, bytes));
		}
	}

	/** Floats of the scales, sums and copies of all streams. */
	static long scratchFloats(int columns) {
		return MAX_STREAMS * streamFloats(columns);
	}

	private static long streamFloats(int columns) {
		return FOUR * BATCH * Kernels.LANES + VectorMatmul.copyFloats(columns) + GroupScales.floats(BATCH, columns);
	}

	/**
	 * Computes the outputs {@code from … to - 1}.
	 * @param rows number of rows
	 * @param from first output
	 * @param to end of the outputs
	 * @param byFour whether four rows are multiplied at a time
	 */
	void multiply(int rows, int from, int to, boolean byFour) {
		int each = Math.ceilDiv(to - from, this.streams.length);
		for (int i = 0; i < each; i += BATCH) {
			for (int k = 0; k < this.streams.length; k++) {
				int first = Math.min(from + k * each + i, to);
				int end = Math.min(from + (k + 1) * each, to);
				this.streams[k].read(first, Math.min(BATCH, end - first));
			}
			int r = 0;
			for (; byFour && r + FOUR <= rows; r += FOUR) {
				multiplyFour(r);
				for (int q = 0; q < FOUR; q++) {
					finish(r + q, q, rows);
				}
			}
			for (; r < rows; r++) {
				multiply(r, this.streams[0].count);
				finish(r, 0, rows);
			}
		}
	}

	private void finish(int row, int index, int rows) {
		for (Stream stream : this.streams) {
			stream.finish(row, index, rows);
		}
	}

	/** Multiplies with four rows: each two streams. */
	private void multiplyFour(int row) {
		long bytes = this.blocks * VectorFormat.BLOCK;
		this.sets.input = Addresses.of(this.input.panel(), row * bytes, FOUR * bytes);
		this.sets.inputBytes = bytes;
		this.sets.inputSumBytes = BATCH * RowStreams.SUM_BYTES;
		int count = this.streams[0].count;
		int direct = direct(count);
		for (int k = 0; k < this.streams.length; k += 2) {
			if (direct > 0) {
				multiplyFour(k, 0, direct);
			}
			for (int o = direct; o < count; o++) {
				multiplyFour(k, o, 1);
			}
		}
	}

	private void multiplyFour(int k, int index, int count) {
		this.sets.count = count;
		Stream stream = orFirst(k, index);
		this.sets.first = stream.codes(index);
		this.sets.firstScales = stream.scales(index);
		this.sets.firstSums = this.streams[k].sums(index);
		stream = orFirst(k + 1, index);
		this.sets.second = stream.codes(index);
		this.sets.secondScales = stream.scales(index);
		this.sets.secondSums = this.streams[k + 1].sums(index);
		for (int part = 0; part < VectorFormat.PARTS; part++) {
			this.format.multiplyFour(this.sets, part);
		}
	}

	/**
	 * Outputs of all streams from the first on whose blocks can be read where they are.
	 */
	private int direct(int count) {
		int direct = count;
		for (Stream stream : this.streams) {
			direct = Math.min(direct, stream.direct());
		}
		return direct;
	}

	private void multiply(int row, int count) {
		long bytes = this.blocks * VectorFormat.BLOCK;
		this.sets.input = Addresses.of(this.input.panel(), row * bytes, bytes);
		int direct = direct(count);
		if (direct > 0) {
			multiplySets(0, direct);
		}
		for (int o = direct; o < count; o++) {
			multiplySets(o, 1);
		}
	}

	private void multiplySets(int index, int count) {
		this.sets.count = count;
		Stream stream = this.streams[0];
		this.sets.first = stream.codes(index);
		this.sets.firstScales = stream.scales(index);
		this.sets.firstBiases = stream.biasDistance();
		this.sets.firstSums = stream.sums(index);
		stream = orFirst(1, index);
		this.sets.second = stream.codes(index);
		this.sets.secondScales = stream.scales(index);
		this.sets.secondBiases = stream.biasDistance();
		this.sets.secondSums = this.streams[1].sums(index);
		if (this.streams.length == MAX_STREAMS) {
			stream = orFirst(2, index);
			this.sets.third = stream.codes(index);
			this.sets.thirdScales = stream.scales(index);
			this.sets.thirdSums = this.streams[2].sums(index);
			stream = orFirst(3, index);
			this.sets.fourth = stream.codes(index);
			this.sets.fourthScales = stream.scales(index);
			this.sets.fourthSums = this.streams[3].sums(index);
		}
		for (int part = 0; part < VectorFormat.PARTS; part++) {
			this.format.multiply(this.sets, part);
		}
	}

	/**
	 * The first stream, whose output is computed again, where another one has no more.
	 */
	private Stream orFirst(int stream, int index) {
		return this.streams[(index < this.streams[stream].count) ? stream : 0];
	}

	/**
	 * Calls of vector code that compute nothing, see {@link Exercise}.
	 * @param weights a matrix
	 * @param calls number of calls
	 * @param byFour whether four rows are multiplied at a time
	 */
	static void callEmpty(Weights weights, int calls, boolean byFour) {
		GroupScales scales = new GroupScales(weights);
		VectorFormat format = VectorFormat.of(weights);
		RowStreams none = new RowStreams(weights);
		none.spread = scales.spread();
		for (int i = 0; i < calls; i++) {
			scales.callEmpty();
			for (int part = 0; part < VectorFormat.PARTS; part++) {
				if (byFour) {
					format.multiplyFour(none, part);
				}
				else {
					format.multiply(none, part);
				}
			}
			addBiases(0, 0, 0, 0, 0, 0);
			finish(0, 0, null, 0, 0);
		}
	}

	/** A batch of neighbouring outputs of one stream. */
	private final class Stream {

		private final long sums;

		private final MemorySegment copy;

		private final MemorySegment scaleMemory;

		private int output;

		private int count;

		private long biases;

		Stream(MemorySegment memory) {
			long copyBytes = 4 * VectorMatmul.copyFloats(FewRows.this.weights.columns());
			long sumBytes = FOUR * BATCH * RowStreams.SUM_BYTES;
			this.sums = Addresses.of(memory, 0, sumBytes);
			this.copy = memory.asSlice(sumBytes, copyBytes);
			this.scaleMemory = memory.asSlice(sumBytes + copyBytes);
		}

		void read(int output, int count) {
			this.output = output;
			this.count = count;
			this.biases = FewRows.this.scales.read(output, count, this.scaleMemory);
		}

		/** Outputs from the first on whose blocks can be read where they are. */
		int direct() {
			int direct = this.count;
			while (direct > 0 && !VectorMatmul.readable(FewRows.this.weights, this.output + direct - 1, 0,
					FewRows.this.blocks, FewRows.this.format)) {
				direct--;
			}
			return direct;
		}

		long codes(int index) {
			return VectorMatmul.codes(FewRows.this.weights, this.output + index, 0, FewRows.this.blocks,
					FewRows.this.format, this.copy);
		}

		long scales(int index) {
			return this.scaleMemory.address() + index * FewRows.this.scales.bytes();
		}

		long sums(int index) {
			return this.sums + index * RowStreams.SUM_BYTES;
		}

		long biasDistance() {
			return this.biases - this.scaleMemory.address();
		}

		/**
		 * Adds biases and lanes, and writes the outputs of a row.
		 * @param row the row
		 * @param index of its sums
		 * @param rows number of rows
		 */
		void finish(int row, int index, int rows) {
			long lanes = this.sums + index * BATCH * RowStreams.SUM_BYTES;
			Rows out = FewRows.this.out;
			long target = Addresses.of(out.memory(), out.row(FewRows.this.firstRow + row) + 4L * this.output,
					4L * this.count);
			if (FewRows.this.weights.format().centered()) {
				addBiases(lanes, this.count, this.biases, FewRows.this.scales.bytes(),
						VectorMatmul.sums(FewRows.this.input, rows, FewRows.this.weights, row),
						4L * FewRows.this.weights.paddedGroups());
			}
			FewRows.finish(lanes, this.count, FewRows.this.bias, this.output, target);
		}

	}

	/**
	 * Adds the biases of groups, each times the sum of its group's inputs: lane {@code l}
	 * adds those of the groups {@code l, l + 16 …}.
	 * @param lanes address of the sums of each output, 16 lanes
	 * @param outputs number of outputs
	 * @param biases address of the biases of the first output
	 * @param biasBytes bytes from them to those of the next output
	 * @param groupSums address of the sums of the input over groups
	 * @param groupBytes of them, with zeros up to a multiple of 16 lanes
	 */
	private static void addBiases(long lanes, int outputs, long biases, long biasBytes, long groupSums,
			long groupBytes) {
		for (long lane = 0; lane < RowStreams.SUM_BYTES; lane += VectorFormat.BYTES) {
			long at = lanes + lane;
			long row = biases;
			for (int o = 0; o < outputs; o++) {
				at = Addresses.known(at);
				FloatVector sum = FloatVector.fromMemorySegment(VectorFormat.FLOATS, Addresses.MEMORY, at,
						VectorFormat.ORDER);
				for (long g = lane; g < groupBytes; g += RowStreams.SUM_BYTES) {
					sum = FloatVector
						.fromMemorySegment(VectorFormat.FLOATS, Addresses.MEMORY, Addresses.known(row + g),
								VectorFormat.ORDER)
						.fma(FloatVector.fromMemorySegment(VectorFormat.FLOATS, Addresses.MEMORY,
								Addresses.known(groupSums + g), VectorFormat.ORDER), sum);
				}
				sum.intoMemorySegment(Addresses.MEMORY, at, VectorFormat.ORDER);
				at += RowStreams.SUM_BYTES;
				row += biasBytes;
			}
		}
	}

	/** Adds the lanes of each output as the tree of {@link Kernels}, then the bias. */
	private static void finish(long lanes, int outputs, @Nullable Rows bias, int first, long target) {
		long at = lanes;
		long out = target;
		for (int o = 0; o < outputs; o++) {
			float sum = tree(at);
			Addresses.MEMORY.set(PortableKernels.FLOAT, Addresses.known(out),
					(bias != null) ? sum + PortableKernels.value(bias, 0, first + o) : sum);
			at += RowStreams.SUM_BYTES;
			out += Float.BYTES;
		}
	}

	/**
	 * Adds 16 lanes as the tree of {@link Kernels}. Without vectors, which the first
	 * tokens would wait for.
	 */
	private static float tree(long lanes) {
		return (four(lanes) + four(lanes + 8)) + (four(lanes + 4) + four(lanes + 12));
	}

	/** Adds every fourth of 16 lanes. */
	private static float four(long lane) {
		return (Addresses.value(lane) + Addresses.value(lane + 32))
				+ (Addresses.value(lane + 16) + Addresses.value(lane + 48));
	}

}
