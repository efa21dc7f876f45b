package io.github.flashspring.engine.device.cpu;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

import io.github.flashspring.engine.device.AttentionSpec;
import io.github.flashspring.engine.device.Device.Limits;
import io.github.flashspring.engine.device.KvPages;

/**
 * Attention of the queries of a unit, tile by tile of positions: products of all queries
 * with the tile's keys, weights, products of all weights with the tile's values. Keys and
 * values are read where they lie. A query's visible positions decide which of its
 * products are added, so that its result does not depend on the queries next to it.
 */
final class VectorAttention {

	private static final VectorSpecies<Float> FLOATS = Lanes.WIDE;

	private static final int STEP = FLOATS.length();

	private static final int LANES = Kernels.LANES;

	private static final int TILE = AttentionJob.TILE;

	/** Bytes of the scores of a query in a tile. */
	private static final long SCORES = 4L * TILE;

	private final AttentionJob job;

	private final AttentionJob.Unit unit;

	private final AttentionSpec spec;

	private final int queries;

	/** Queries, padded to the rows that are computed together. */
	private final int rows;

	/** Queries, padded to lanes. */
	private final int columns;

	/** Whether queries lie in the lanes of products, because keys are values too. */
	private final boolean transposed;

	private final int keyDim;

	/** Bytes of a value with its padding. */
	private final long valueBytes;

	private final int valueColumns;

	private final MemorySegment memory;

	/** [rows, keyDim], or its transpose. */
	private final long queryAddress;

	/** Scores, then weights: [rows, TILE]. */
	private final long scoreAddress;

	/** Products of queries and keys: the scores, or their transpose. */
	private final long productAddress;

	/** Products of later numbers of queries and keys. */
	private final long chainAddress;

	/** Weighted sums of values in a section: [rows, valueColumns]. */
	private final long sumAddress;

	/** Keys of a tile that were unpacked: [keyDim, TILE], or its transpose. */
	private final long keyAddress;

	/** Values of a tile that were unpacked: [TILE, valueColumns]. */
	private final long valueAddress;

	private final Layout layout;

	/** See {@link Layout}. */
	private final float[] numbers;

	private final float[] exponentials;

	/** First visible position of each query in the tile, and the end. */
	private final int[] lows;

	private final int[] highs;

	VectorAttention(AttentionJob job, AttentionJob.Unit unit, Scratch scratch) {
		this.job = job;
		this.unit = unit;
		this.spec = job.spec();
		this.queries = unit.queries();
		this.rows = padded(this.queries, VectorProducts.ROWS);
		this.keyDim = this.spec.keyDim();
		this.valueColumns = padded(this.spec.valueDim(), LANES);
		this.valueBytes = 4L * this.valueColumns;
		this.layout = new Layout(this.rows, this.spec.valueDim());
		this.memory = scratch.attention(nativeFloats(this.queries, this.keyDim, this.valueColumns)
				+ unpackedFloats(job.format(), this.keyDim, this.valueColumns));
		this.columns = padded(this.queries, LANES);
		this.transposed = job.keysAreValues();
		this.queryAddress = this.memory.address();
		this.scoreAddress = this.queryAddress + 4L * this.columns * this.keyDim;
		this.chainAddress = this.scoreAddress + this.columns * SCORES;
		this.productAddress = this.transposed ? this.chainAddress + this.columns * SCORES : this.scoreAddress;
		this.sumAddress = this.chainAddress + 2 * this.columns * SCORES;
		this.keyAddress = this.sumAddress + this.columns * this.valueBytes;
		this.valueAddress = this.keyAddress + 4L * TILE * padded(this.keyDim, LANES);
		this.numbers = scratch.scores(this.layout.floats());
		this.exponentials = scratch.groups((this.spec.softcap() > 0) ? VectorTangent.scratchFloats() : 0);
		this.lows = scratch.ranges();
		this.highs = scratch.rangeEnds();
	}

	private static int padded(int count, int multiple) {
		return Math.ceilDiv(count, multiple) * multiple;
	}

	private static long nativeFloats(int queries, int keyDim, int valueDim) {
		return (long) padded(queries, LANES) * (keyDim + 3 * TILE + padded(valueDim, LANES));
	}

	/** What a tile takes that is not stored in single precision. */
	private static long unpackedFloats(KvPages.Format format, int keyDim, int valueDim) {
		return (format == KvPages.Format.F32) ? 0 : (long) TILE * (padded(keyDim, LANES) + padded(valueDim, LANES));
	}

	static long scratchFloats(Limits limits) {
		int queries = AttentionJob.QUERIES;
		int valueDim = AttentionSums.valueDim(limits.keyValues());
		return nativeFloats(queries, limits.keyValues().keyDim(), valueDim)
				+ unpackedFloats(limits.keyValues().format(), limits.keyValues().keyDim(), valueDim)
				+ new Layout(queries, valueDim).floats() + VectorTangent.scratchFloats() + 2 * queries;
	}

	void attend() {
		packQueries();
		for (int q = 0; q < this.queries; q++) {
			this.job.begin(this.numbers, this.layout.total(q), this.unit.head(q));
		}
		int length = this.unit.sectionLength();
		int first = this.job.firstVisible(this.unit.position());
		for (int s = this.job.firstSection(this.unit); s <= this.job.lastSection(this.unit); s++) {
			attendSection(Math.max(first, s * length), Math.min(this.unit.lastPosition() + 1, (s + 1) * length));
			for (int q = 0; q < this.queries; q++) {
				addSection(q);
			}
		}
		for (int q = 0; q < this.queries && this.unit.section() < 0; q++) {
			this.job.finish(this.numbers, this.layout.total(q), this.unit, q);
		}
	}

	/**
	 * Calls of vector code that compute nothing, see {@link Exercise}.
	 * @param calls number of calls
	 */
	void callEmpty(int calls) {
		VectorProducts.callEmpty(calls);
		if (this.job.format() != KvPages.Format.F32) {
			VectorKeyValues.callEmpty(calls);
		}
		Arrays.fill(this.lows, 0);
		Arrays.fill(this.highs, 0);
		for (int i = 0; i < calls; i++) {
			add(0, 0, 0, 0);
			rescale(this.numbers, 0, 0, 0, 0, 0f);
			weigh(0, 0);
		}
	}

	private void packQueries() {
		this.memory.asSlice(0, 4L * this.columns * this.keyDim).fill((byte) 0);
		for (int q = 0; q < this.queries; q++) {
			long from = this.job.query(this.unit, q);
			if (!this.transposed) {
				MemorySegment.copy(this.job.queryMemory(), from, this.memory, 4L * q * this.keyDim, 4L * this.keyDim);
				continue;
			}
			for (int d = 0; d < this.keyDim; d++) {
				float value = this.job.queryMemory().get(PortableKernels.FLOAT, from + 4L * d);
				this.memory.set(PortableKernels.FLOAT, 4L * ((long) d * this.columns + q), value);
			}
		}
	}

	private void attendSection(int from, int end) {
		this.memory.asSlice(this.sumAddress - this.memory.address(), this.rows * this.valueBytes).fill((byte) 0);
		Arrays.fill(this.numbers, this.layout.maxima(), this.layout.maxima() + this.rows, Float.NEGATIVE_INFINITY);
		Arrays.fill(this.numbers, this.layout.lanes(), this.layout.lanes() + this.rows * LANES, 0f);
		for (int tile = from / TILE * TILE; tile < end; tile += TILE) {
			int low = Math.max(from - tile, 0);
			int high = Math.min(end - tile, TILE);
			for (int q = 0; q < this.rows; q++) {
				int position = this.unit.position(Math.min(q, this.queries - 1));
				this.lows[q] = Math.clamp(this.job.firstVisible(position) - tile, low, high);
				this.highs[q] = Math.clamp(position + 1 - tile, low, high);
			}
			score(tile, low, high);
			weigh(low / LANES * LANES, padded(high, LANES));
			addValues(tile, low, high);
		}
	}

	/** Multiplies the queries with the keys of a tile. */
	private void score(int tile, int low, int high) {
		for (int at = low; at < high;) {
			KvRun run = this.job.run(this.unit, tile + at, tile + high);
			int before = run.slot() % LANES;
			int count = padded(before + run.count(), LANES);
			long keys = keys(run, before, count, at);
			long stride = keyStride(run);
			long next = this.transposed ? Float.BYTES : stride;
			long to = (long) (at - before) * (this.transposed ? this.columns : 1) * Float.BYTES;
			multiply(keys, stride, count, 0, this.productAddress + to);
			for (int d = AttentionJob.CHAIN; d < this.keyDim; d += AttentionJob.CHAIN) {
				multiply(keys + d * next, stride, count, d, this.chainAddress + to);
				if (this.transposed) {
					add(this.chainAddress + to, this.productAddress + to, 1, count * this.columns);
				}
				else {
					add(this.chainAddress + to, this.productAddress + to, this.rows, count);
				}
			}
			at += run.count();
		}
		if (this.transposed) {
			transpose(this.productAddress, this.columns, low, high, this.rows, this.scoreAddress);
		}
	}

	/**
	 * The keys of a run in single precision.
	 * @param run has the keys
	 * @param before positions to compute before those of the run
	 * @param count positions to compute
	 * @param at index of the run's first position in the tile
	 * @return address of the first number, checked up to the last
	 */
	private long keys(KvRun run, int before, int count, int at) {
		long stride = keyStride(run);
		if (run.format() == KvPages.Format.F32) {
			long bytes = this.transposed ? (count - 1) * stride + 4L * this.keyDim
					: (this.keyDim - 1) * stride + 4L * count;
			return Addresses.of(run.memory(), run.key() - before * run.tokenStride(), bytes);
		}
		if (this.transposed) {
			long to = this.keyAddress + (at - before) * stride;
			VectorKeyValues.keys(run, before, count, this.job.keyBounds(), to, stride);
			return to;
		}
		VectorKeyValues.transposedKeys(run, before, count, this.job.keyBounds(), this.keyAddress, stride);
		return this.keyAddress;
	}

	/**
	 * Bytes from a key to the next, or, if they are transposed, from number to number.
	 */
	private long keyStride(KvRun run) {
		if (run.format() == KvPages.Format.F32) {
			return this.transposed ? run.tokenStride() : run.keyStride();
		}
		return this.transposed ? 4L * padded(this.keyDim, LANES) : SCORES;
	}

	/**
	 * Multiplies {@value AttentionJob#CHAIN} numbers of the queries with those of keys.
	 * @param keys address of the first number
	 * @param stride see {@link #keyStride}
	 * @param count positions to compute
	 * @param d index of the first number
	 * @param to address of the products
	 */
	private void multiply(long keys, long stride, int count, int d, long to) {
		int depth = Math.min(AttentionJob.CHAIN, this.keyDim - d);
		if (this.transposed) {
			VectorProducts.multiply(keys, stride, this.queryAddress + 4L * d * this.columns, 4L * this.columns, to,
					4L * this.columns, count, this.columns, depth, false);
		}
		else {
			VectorProducts.multiply(this.queryAddress + 4L * d, 4L * this.keyDim, keys, stride, to, SCORES, this.rows,
					count, depth, false);
		}
	}

	private static void add(long chains, long products, int rows, int count) {
		for (int row = 0; row < rows; row++) {
			long from = Addresses.known(chains + row * SCORES);
			long to = Addresses.known(products + row * SCORES);
			for (int i = 0; i < count; i += STEP) {
				FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, to + 4L * i, VectorProducts.ORDER)
					.add(FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, from + 4L * i, VectorProducts.ORDER))
					.intoMemorySegment(Addresses.MEMORY, to + 4L * i, VectorProducts.ORDER);
			}
		}
	}

	private static void transpose(long from, int columns, int low, int high, int rows, long to) {
		for (int p = low; p < high; p++) {
			long source = Addresses.known(from + 4L * p * columns);
			long target = Addresses.known(to + 4L * p);
			for (int q = 0; q < rows; q++) {
				Addresses.MEMORY.set(PortableKernels.FLOAT, target, Addresses.value(source));
				source += 4;
				target = Addresses.known(target + SCORES);
			}
		}
	}

	/**
	 * Makes weights of scores and adds these up.
	 * @param from first position of the tile to compute, a multiple of 16
	 * @param to end of the positions, a multiple of 16
	 */
	private void weigh(int from, int to) {
		int width = to - from;
		float[] values = this.numbers;
		int at = this.layout.scores();
		float cap = this.spec.softcap();
		for (int q = 0; q < this.rows; q++) {
			scale(this.scoreAddress + q * SCORES + 4L * from, this.spec.scale(), values, at + q * width, width);
		}
		if (cap > 0) {
			VectorTangent.softcap(values, at, this.rows * width, cap, this.exponentials);
		}
		for (int q = 0; q < this.rows; q++) {
			int row = at + q * width;
			Arrays.fill(values, row, row + this.lows[q] - from, Float.NEGATIVE_INFINITY);
			Arrays.fill(values, row + this.highs[q] - from, row + width, Float.NEGATIVE_INFINITY);
			float before = values[this.layout.maxima() + q];
			float maximum = maximum(values, row, width, before);
			if (maximum > before) {
				rescale(values, this.layout.lanes() + q * LANES, LANES, this.sumAddress + q * this.valueBytes,
						this.valueBytes, Exponential.exp(before - maximum));
				values[this.layout.maxima() + q] = maximum;
			}
			// a maximum of −∞ would make weights of nothing NaN
			subtract(values, row, width, (this.lows[q] < this.highs[q]) ? maximum : 0f);
		}
		VectorMath.exp(values, at, this.rows * width, 0f);
		for (int q = 0; q < this.rows; q++) {
			addWeights(values, at + q * width, width, this.scoreAddress + q * SCORES + 4L * from,
					this.layout.lanes() + q * LANES);
		}
	}

	private static void scale(long scores, float factor, float[] out, int at, int count) {
		long from = Addresses.known(scores);
		for (int i = 0; i < count; i += STEP) {
			FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, from + 4L * i, VectorProducts.ORDER)
				.mul(factor)
				.intoArray(out, at + i);
		}
	}

	private static float maximum(float[] values, int at, int count, float least) {
		if (count == 0) {
			return least;
		}
		FloatVector maxima = FloatVector.broadcast(FLOATS, least);
		for (int i = at; i < at + count; i += STEP) {
			FloatVector value = FloatVector.fromArray(FLOATS, values, i);
			maxima = maxima.blend(value, value.compare(VectorOperators.GT, maxima));
		}
		return maxima.reduceLanes(VectorOperators.MAX);
	}

	private static void subtract(float[] values, int at, int count, float subtracted) {
		for (int i = at; i < at + count; i += STEP) {
			FloatVector.fromArray(FLOATS, values, i).sub(subtracted).intoArray(values, i);
		}
	}

	/** Adds weights to 16 lanes and stores them. */
	private void addWeights(float[] values, int at, int count, long weights, int lanes) {
		if (count == 0) {
			return;
		}
		long to = Addresses.known(weights);
		for (int lane = 0; lane < LANES; lane += STEP) {
			FloatVector sum = FloatVector.fromArray(FLOATS, this.numbers, lanes + lane);
			for (int i = lane; i < count; i += LANES) {
				FloatVector weight = FloatVector.fromArray(FLOATS, values, at + i);
				weight.intoMemorySegment(Addresses.MEMORY, to + 4L * i, VectorProducts.ORDER);
				sum = sum.add(weight);
			}
			sum.intoArray(this.numbers, lanes + lane);
		}
	}

	/** Multiplies what a query has gathered in the section. */
	private static void rescale(float[] numbers, int lanes, int count, long sums, long bytes, float factor) {
		for (int i = lanes; i < lanes + count; i += STEP) {
			FloatVector.fromArray(FLOATS, numbers, i).mul(factor).intoArray(numbers, i);
		}
		long at = Addresses.known(sums);
		for (long i = 0; i < bytes; i += 4L * STEP) {
			FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, at + i, VectorProducts.ORDER)
				.mul(factor)
				.intoMemorySegment(Addresses.MEMORY, at + i, VectorProducts.ORDER);
		}
	}

	/** Adds the weighted values of a tile. */
	private void addValues(int tile, int low, int high) {
		for (int at = low; at < high;) {
			KvRun run = this.job.run(this.unit, tile + at, tile + high);
			int end = at + run.count();
			long stride = valueStride(run);
			// as if the tile's first position began the run
			long values = values(run, at) - at * stride;
			for (int q = 0; q < this.rows;) {
				int next = q + VectorProducts.ROWS;
				while (next < this.rows && seesSame(q, next + VectorProducts.ROWS - 1)) {
					next += VectorProducts.ROWS;
				}
				addValues(values, stride, q, next, at, end);
				q = next;
			}
			at = end;
		}
	}

	/**
	 * The values of a run in single precision.
	 * @param run has the values
	 * @param at index of its first position in the tile
	 * @return address of the first number, checked up to the last
	 */
	private long values(KvRun run, int at) {
		long stride = valueStride(run);
		if (run.format() == KvPages.Format.F32) {
			return Addresses.of(run.memory(), run.value(), (run.count() - 1) * stride + this.valueBytes);
		}
		if (this.transposed) {
			return this.keyAddress + at * stride; // the tile's keys are still there
		}
		VectorKeyValues.values(run, this.job.valueBounds(), this.valueAddress, stride);
		return this.valueAddress;
	}

	private long valueStride(KvRun run) {
		if (run.format() == KvPages.Format.F32) {
			return run.valueStride();
		}
		return this.transposed ? 4L * padded(this.keyDim, LANES) : this.valueBytes;
	}

	private boolean seesSame(int query, int other) {
		return this.lows[query] == this.lows[other] && this.highs[query] == this.highs[other];
	}

	/**
	 * Adds the values of the positions {@code from … to - 1} to the queries {@code query
	 * … end - 1}: those that all see together, those before and behind one by one. Later
	 * queries do not see earlier positions, nor earlier queries later ones.
	 */
	private void addValues(long values, long stride, int query, int end, int from, int to) {
		int low = Math.max(from, this.lows[end - 1]);
		int high = Math.max(low, Math.min(to, this.highs[query]));
		if (seesSame(query, end - 1)) {
			multiply(values, stride, query, end - query, low, high);
			return;
		}
		for (int q = query; q < end; q++) {
			multiply(values, stride, q, 1, Math.max(from, this.lows[q]), Math.min(low, Math.min(to, this.highs[q])));
		}
		multiply(values, stride, query, end - query, low, high);
		for (int q = query; q < end; q++) {
			multiply(values, stride, q, 1, Math.max(high, Math.max(from, this.lows[q])), Math.min(to, this.highs[q]));
		}
	}

	private void multiply(long values, long stride, int query, int count, int low, int high) {
		if (low < high) {
			boolean single = count == 1;
			VectorProducts.multiply(this.scoreAddress + query * SCORES + 4L * low, single ? 0 : SCORES,
					values + low * stride, stride, this.sumAddress + query * this.valueBytes,
					single ? 0 : this.valueBytes, single ? VectorProducts.ROWS : count, this.valueColumns, high - low,
					true);
		}
	}

	private void addSection(int query) {
		int part = this.layout.part();
		int valueDim = this.spec.valueDim();
		MemorySegment.copy(this.memory, PortableKernels.FLOAT,
				this.sumAddress - this.memory.address() + query * this.valueBytes, this.numbers, part, valueDim);
		this.numbers[part + valueDim] = this.numbers[this.layout.maxima() + query];
		this.numbers[part + valueDim + 1] = PortableKernels.tree(this.numbers, this.layout.lanes() + query * LANES);
		this.job.add(this.unit, query, this.numbers, part, this.numbers, this.layout.total(query));
	}

	/**
	 * Where numbers lie on the heap: scores of a tile, maxima, lanes of sums, a partial
	 * result and the results of all queries.
	 *
	 * @param rows number of queries, padded
	 * @param valueDim length of a value
	 */
	private record Layout(int rows, int valueDim) {

		int scores() {
			return 0;
		}

		int maxima() {
			return this.rows * TILE;
		}

		int lanes() {
			return maxima() + this.rows;
		}

		int part() {
			return lanes() + this.rows * LANES;
		}

		int total(int query) {
			return part() + (query + 1) * AttentionSums.stride(this.valueDim);
		}

		int floats() {
			return total(this.rows);
		}

	}

}
