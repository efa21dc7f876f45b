package io.github.flashspring.engine.device.cpu;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.checkpoint.DType;
import io.github.flashspring.engine.device.Device.Limits;

/**
 * Kernels in plain Java: what runs where the Vector API is not at hand, and the reference
 * that says in the simplest form which operations in which order make a result.
 */
final class PortableKernels implements Kernels {

	static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

	static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

	/** Weights unpacked at a time; a multiple of every group size. */
	private static final int RANGE = 256;

	/** Rows that share unpacked weights. */
	private static final int ROWS = 32;

	private final PortableElementwise elementwise = new PortableElementwise();

	private final PortableRowwise rowwise = new PortableRowwise();

	private final PortableStateSpace stateSpace = new PortableStateSpace();

	@Override
	public ElementwiseKernels elementwise() {
		return this.elementwise;
	}

	@Override
	public RowwiseKernels rowwise() {
		return this.rowwise;
	}

	@Override
	public StateSpaceKernels stateSpace() {
		return this.stateSpace;
	}

	@Override
	public String name() {
		return "portable";
	}

	@Override
	public long scratchFloats(Limits limits) {
		long lanes = Math.max(Math.min(ROWS, limits.rows()) * LANES, RowwiseKernels.ROWS * RowwiseKernels.BLOCK);
		return RANGE + 3L * limits.columns() + lanes + PortableAttention.scratchFloats(limits);
	}

	@Override
	public void unpack(Rows out, int outRow, Weights weights, int row, Scratch scratch) {
		MemorySegment memory = out.memory();
		long offset = out.row(outRow);
		float[] values = scratch.weights(RANGE);
		for (int k = 0; k < weights.columns(); k += RANGE) {
			int count = Math.min(RANGE, weights.columns() - k);
			weights.format().lookUp(weights, row, k, count, values);
			MemorySegment.copy(values, 0, memory, FLOAT, offset + (long) k * Float.BYTES, count);
		}
	}

	@Override
	public int rowsAtOnce() {
		return ROWS;
	}

	@Override
	public long inputFloats(int rows, int columns) {
		return (long) rows * (BlockOrder.blocks(columns) * BlockOrder.COLUMNS + columns / 16 + LANES);
	}

	@Override
	public void reserve(Packed input, int rows, Weights weights) {
		input.reserve((long) rows * BlockOrder.blocks(weights.columns()) * BlockOrder.COLUMNS,
				(long) rows * weights.paddedGroups(), 0);
	}

	@Override
	public void pack(Rows x, int firstRow, int rows, Weights weights, int from, int to, Packed input) {
		int columns = weights.columns();
		int stride = BlockOrder.blocks(columns) * BlockOrder.COLUMNS;
		int[] indices = weights.format().order().indices(LANES);
		for (int r = from; r < to; r++) {
			long offset = x.row(firstRow + r);
			for (int i = 0; i < stride; i++) {
				int column = i / BlockOrder.COLUMNS * BlockOrder.COLUMNS + indices[i % BlockOrder.COLUMNS];
				float factor = 1f / weights.format().place(i / LANES % BlockOrder.STEPS);
				input.values()[input.valuesAt() + r * stride + i] = (column < columns)
						? x.memory().get(FLOAT, offset + (long) column * Float.BYTES) * factor : 0f;
			}
			if (weights.paddedGroups() > 0) {
				groupSums(x.memory(), offset, columns, weights.groupSize(), input.sums(),
						input.sumsAt() + r * weights.paddedGroups());
			}
		}
	}

	/**
	 * Adds the inputs of each group of columns: four sums of every fourth, then these.
	 * @param columns number of inputs
	 * @param groupSize columns of a group, a multiple of 4
	 * @param out receives the sums
	 * @param at index of the first
	 */
	private static void groupSums(MemorySegment memory, long offset, int columns, int groupSize, float[] out, int at) {
		for (int g = 0; g < columns / groupSize; g++) {
			float a = 0f;
			float b = 0f;
			float c = 0f;
			float d = 0f;
			long from = offset + 4L * g * groupSize;
			for (long i = from; i < from + 4L * groupSize; i += 16) {
				a += memory.get(FLOAT, i);
				b += memory.get(FLOAT, i + 4);
				c += memory.get(FLOAT, i + 8);
				d += memory.get(FLOAT, i + 12);
			}
			out[at + g] = (a + b) + (c + d);
		}
	}

	@Override
	public void matmul(Rows out, Rows x, int firstRow, int rows, Packed input, Weights weights, @Nullable Rows bias,
			int from, int to, Scratch scratch) {
		int blocks = BlockOrder.blocks(weights.columns());
		float[] block = scratch.weights(BlockOrder.COLUMNS + LANES);
		float[] lanes = scratch.lanes(rows * LANES);
		for (int o = from; o < to; o++) {
			Arrays.fill(lanes, 0, rows * LANES, 0f);
			for (int b = 0; b < blocks; b++) {
				unpackBlock(weights, o, b, block);
				for (int r = 0; r < rows; r++) {
					multiplyBlock(block, weights.format().coded(), input.values(),
							input.valuesAt() + (r * blocks + b) * BlockOrder.COLUMNS, lanes, r * LANES);
				}
			}
			for (int r = 0; r < rows; r++) {
				addBiases(weights, o, input.sums(), input.sumsAt() + r * weights.paddedGroups(), lanes, r * LANES);
				float sum = tree(lanes, r * LANES);
				set(out, firstRow + r, o, (bias != null) ? sum + value(bias, 0, o) : sum);
			}
		}
	}

	/**
	 * Adds the products of a block to 16 lanes: a chain of eight steps, of codes scaled.
	 */
	private static void multiplyBlock(float[] block, boolean coded, float[] x, int from, float[] lanes, int at) {
		for (int l = 0; l < LANES; l++) {
			float chain = 0f;
			for (int i = l; i < BlockOrder.COLUMNS; i += LANES) {
				chain = Math.fma(block[i], x[from + i], chain);
			}
			lanes[at + l] = coded ? Math.fma(chain, block[BlockOrder.COLUMNS + l], lanes[at + l])
					: lanes[at + l] + chain;
		}
	}

	private static void addBiases(Weights weights, int output, float[] sums, int from, float[] lanes, int at) {
		Rows scales = weights.scales();
		Rows biases = weights.biases();
		if (scales != null && biases != null && weights.format().centered()) {
			for (int g = 0; g < biases.columns(); g++) {
				float bias = Math.fma((float) weights.format().center(), value(scales, output, g),
						value(biases, output, g));
				lanes[at + g % LANES] = Math.fma(bias, sums[from + g], lanes[at + g % LANES]);
			}
		}
	}

	@Override
	public void rmsNorm(Rows out, Rows x, Rows weight, float offset, float epsilon, int from, int to, Scratch scratch) {
		float[] lanes = scratch.lanes(LANES);
		int columns = x.columns();
		float[] values = scratch.weights(columns);
		float[] factors = scratch.groups(columns);
		for (int r = from; r < to; r++) {
			read(x, r, 0, columns, values);
			read(weight, r % weight.count(), 0, columns, factors);
			Arrays.fill(lanes, 0, LANES, 0f);
			addSquares(values, columns, lanes);
			multiply(values, inverseRoot(tree(lanes, 0), columns, epsilon), factors, offset, columns);
			MemorySegment.copy(values, 0, out.memory(), FLOAT, out.row(r), columns);
		}
	}

	private static void addSquares(float[] values, int count, float[] lanes) {
		for (int i = 0; i < count; i++) {
			lanes[i % LANES] = Math.fma(values[i], values[i], lanes[i % LANES]);
		}
	}

	private static void multiply(float[] values, float inverse, float[] factors, float offset, int count) {
		for (int i = 0; i < count; i++) {
			values[i] = values[i] * inverse * (factors[i] + offset);
		}
	}

	@Override
	public void rope(Rows x, int headDim, Rows cos, Rows sin, int from, int to, Scratch scratch) {
		int columns = x.columns();
		int pairs = cos.columns();
		float[] values = scratch.weights(columns);
		float[] cosines = scratch.groups(pairs);
		float[] sines = scratch.lanes(pairs);
		for (int r = from; r < to; r++) {
			read(x, r, 0, columns, values);
			read(cos, r, 0, pairs, cosines);
			read(sin, r, 0, pairs, sines);
			for (int head = 0; head < columns; head += headDim) {
				rope(values, head, pairs, cosines, sines);
			}
			MemorySegment.copy(values, 0, x.memory(), FLOAT, x.row(r), columns);
		}
	}

	private static void rope(float[] values, int head, int pairs, float[] cosines, float[] sines) {
		for (int i = 0; i < pairs; i++) {
			float a = values[head + i];
			float b = values[head + pairs + i];
			values[head + i] = a * cosines[i] - b * sines[i];
			values[head + pairs + i] = b * cosines[i] + a * sines[i];
		}
	}

	static void ropeHead(Rows x, int row, int head, Rows cos, Rows sin, int fromPair) {
		int pairs = cos.columns();
		for (int i = fromPair; i < pairs; i++) {
			float a = get(x, row, head + i);
			float b = get(x, row, head + pairs + i);
			float c = get(cos, row, i);
			float s = get(sin, row, i);
			set(x, row, head + i, a * c - b * s);
			set(x, row, head + pairs + i, b * c + a * s);
		}
	}

	/** Rotates neighbours {@code (2i, 2i + 1)} of all heads. */
	static void ropeNeighbours(Rows x, int headDim, Rows cos, Rows sin, int from, int to) {
		for (int r = from; r < to; r++) {
			for (int head = 0; head < x.columns(); head += headDim) {
				for (int i = 0; i < cos.columns(); i++) {
					float a = get(x, r, head + 2 * i);
					float b = get(x, r, head + 2 * i + 1);
					float c = get(cos, r, i);
					float s = get(sin, r, i);
					set(x, r, head + 2 * i, a * c - b * s);
					set(x, r, head + 2 * i + 1, b * c + a * s);
				}
			}
		}
	}

	@Override
	public void attention(AttentionJob job, int from, int to, Scratch scratch) {
		for (int i = from; i < to; i++) {
			AttentionJob.Unit unit = job.unit(i);
			for (int query = 0; query < unit.queries(); query++) {
				PortableAttention.attend(job, unit, query, scratch);
			}
		}
	}

	@Override
	public void add(Rows x, Rows y, int from, int to) {
		for (int r = from; r < to; r++) {
			addRow(x, y, r, 0);
		}
	}

	static void addRow(Rows x, Rows y, int row, int fromColumn) {
		MemorySegment sums = x.memory();
		MemorySegment added = y.memory();
		long at = x.row(row) + 4L * fromColumn;
		long from = y.row(row) + 4L * fromColumn;
		long end = x.row(row) + 4L * x.columns();
		while (at < end) {
			sums.set(FLOAT, at, sums.get(FLOAT, at) + added.get(FLOAT, from));
			at += 4;
			from += 4;
		}
	}

	/**
	 * The inverse of a root mean square, from operations that IEEE 754 rounds exactly.
	 */
	static float inverseRoot(float squares, int columns, float epsilon) {
		return 1f / (float) Math.sqrt(squares / columns + epsilon);
	}

	/**
	 * Adds 16 lanes as a tree and leaves intermediate sums in them.
	 */
	static float tree(float[] lanes, int lane) {
		for (int half = LANES / 2; half > 0; half /= 2) {
			for (int l = lane; l < lane + half; l++) {
				lanes[l] += lanes[l + half];
			}
		}
		return lanes[lane];
	}

	/**
	 * Unpacks a block of a weight row in the order of {@link BlockOrder}.
	 * @param out receives 128 numbers or codes, step by step, and behind them the scales
	 * of codes, by lane
	 */
	private static void unpackBlock(Weights weights, int row, int block, float[] out) {
		Format format = weights.format();
		BlockOrder order = format.order();
		for (int i = 0; i < BlockOrder.COLUMNS; i++) {
			int column = block * BlockOrder.COLUMNS + order.column(i % LANES, i / LANES);
			out[i] = (column < weights.columns()) ? format.number(weights, row, column) * format.place(i / LANES) : 0f;
		}
		for (int l = 0; format.coded() && l < LANES; l++) {
			int column = block * BlockOrder.COLUMNS + order.column(l, 0);
			out[BlockOrder.COLUMNS + l] = (column < weights.columns())
					? Decoding.scale(weights, row, column / weights.groupSize()) : 0f;
		}
	}

	/**
	 * Reads numbers of a row. Loops over arrays take the JIT compiler a third of the time
	 * of loops over memory segments, which counts for a first answer.
	 */
	static void read(Rows rows, int row, int from, int count, float[] out) {
		long offset = rows.row(row) + (long) from * rows.type().bytes();
		if (rows.type() == DType.F32) {
			MemorySegment.copy(rows.memory(), FLOAT, offset, out, 0, count);
			return;
		}
		for (int i = 0; i < count; i++) {
			out[i] = value(rows.memory(), rows.type(), offset + (long) i * rows.type().bytes());
		}
	}

	static float value(Rows rows, int row, int column) {
		return value(rows.memory(), rows.type(), rows.row(row) + (long) column * rows.type().bytes());
	}

	static float value(MemorySegment memory, DType type, long offset) {
		return switch (type) {
			case F32 -> memory.get(FLOAT, offset);
			case F16 -> Float.float16ToFloat(memory.get(SHORT, offset));
			case BF16 -> Float.intBitsToFloat(memory.get(SHORT, offset) << 16);
			default -> throw new IllegalArgumentException("Not a floating-point type: " + type);
		};
	}

	/**
	 * A value of activations, which are F32: a loop of these takes the JIT compiler a
	 * tenth of the time of one that looks at types.
	 */
	static float get(Rows activations, int row, int column) {
		return activations.memory().get(FLOAT, activations.row(row) + (long) column * Float.BYTES);
	}

	static void set(Rows rows, int row, int column, float value) {
		rows.memory().set(FLOAT, rows.row(row) + (long) column * Float.BYTES, value);
	}

}
