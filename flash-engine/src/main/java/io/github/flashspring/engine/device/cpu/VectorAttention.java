package io.github.flashspring.engine.device.cpu;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import java.util.Arrays;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

import io.github.flashspring.engine.device.AttentionSpec;
import io.github.flashspring.engine.device.Device.Limits;
import io.github.flashspring.engine.device.RaggedBatch;

/**
 * Attention of one token in one pass over its scores: query heads that share keys and
 * values are computed in pairs, so that each key and value is read once for two.
 */
final class VectorAttention {

	/** Accumulators of two heads by four positions. */
	static final int CELL = 8 * Kernels.LANES;

	private static final VectorSpecies<Float> FLOATS = Lanes.WIDE;

	private static final ByteOrder ORDER = ByteOrder.LITTLE_ENDIAN;

	private static final int STEP = FLOATS.length();

	private static final int LANES = Kernels.LANES;

	/** Query heads computed together. */
	private static final int HEADS = 2;

	/** Registers of values that a pair of heads adds up together. */
	private static final int CHUNKS = 4;

	/** Scores grow by so many positions, so that a growing context seldom allocates. */
	private static final int GROWTH = 64;

	private final AttentionJob job;

	private final AttentionSpec spec;

	private final int blockTokens;

	private final int[] blocks;

	private final int keyValueHead;

	private final int first;

	private final int positions;

	private final int capacity;

	private final float[] queries;

	private final float[] lanes;

	private final float[] scores;

	private final float[] exponentials;

	/**
	 * Prepares the attention of one row to one key-value head.
	 */
	VectorAttention(AttentionJob job, int row, int keyValueHead, Scratch scratch) {
		RaggedBatch.Span span = job.span(row);
		int last = span.position() + row - span.firstRow();
		this.job = job;
		this.spec = job.spec();
		this.blockTokens = job.kv().layout().blockTokens();
		this.blocks = span.blocks();
		this.keyValueHead = keyValueHead;
		this.first = job.firstVisible(last);
		this.positions = last - this.first + 1;
		this.capacity = capacity(this.positions);
		this.queries = scratch.weights(HEADS * this.spec.keyDim());
		this.lanes = scratch.lanes(CELL + HEADS * this.spec.valueDim());
		this.scores = scratch.scores(HEADS * this.capacity);
		this.exponentials = (this.spec.softcap() > 0) ? scratch.groups(VectorTangent.scratchFloats()) : new float[0];
	}

	static long scoreFloats(Limits limits) {
		return (long) HEADS * capacity(limits.context());
	}

	private static int capacity(int positions) {
		return Math.ceilDiv(positions, GROWTH) * GROWTH;
	}

	/**
	 * Computes a pair of query heads, or a last single one.
	 * @param row index of the row
	 * @param head index of the first query head
	 * @param heads 1 or 2
	 */
	void attend(int row, int head, int heads) {
		int keyDim = this.spec.keyDim();
		for (int h = 0; h < HEADS; h++) {
			long offset = this.job.queries().row(row) + 4L * keyDim * (head + Math.min(h, heads - 1));
			MemorySegment.copy(this.job.queries().memory(), PortableKernels.FLOAT, offset, this.queries, h * keyDim,
					keyDim);
		}
		for (int i = 0; i < this.positions;) {
			i += score(i, heads);
		}
		Arrays.fill(this.lanes, CELL, CELL + HEADS * this.spec.valueDim(), 0f);
		float sum0 = softmax(0, head);
		float sum1 = (heads > 1) ? softmax(this.capacity, head + 1) : 1f;
		for (int i = 0; i < this.positions;) {
			i += addValues(i);
		}
		put(row, head, 0, sum0);
		if (heads > 1) {
			put(row, head, 1, sum1);
		}
	}

	/**
	 * Scores the positions of one block from the {@code i}-th visible on.
	 * @return their number
	 */
	private int score(int i, int heads) {
		int position = this.first + i;
		int block = this.blocks[position / this.blockTokens];
		int slot = position % this.blockTokens;
		int count = Math.min(this.blockTokens - slot, this.positions - i);
		MemorySegment memory = this.job.memory(block);
		int keyDim = this.spec.keyDim();
		long stride = 4L * keyDim;
		long keys = this.job.keys(block, this.keyValueHead) + slot * stride;
		for (int p = 0; p < count; p += 4) {
			long k0 = keys + p * stride;
			long k1 = keys + Math.min(p + 1, count - 1) * stride;
			long k2 = keys + Math.min(p + 2, count - 1) * stride;
			long k3 = keys + Math.min(p + 3, count - 1) * stride;
			multiply(memory, k0, k1, k2, k3, keyDim, this.queries, this.lanes);
			for (int j = 0; j < Math.min(4, count - p); j++) {
				for (int h = 0; h < heads; h++) {
					this.scores[h * this.capacity + i + p + j] = VectorMatmul.tree(this.lanes, (2 * j + h) * LANES)
							* this.spec.scale();
				}
			}
		}
		return count;
	}

	/**
	 * Adds the products of two queries with four keys to 16 lanes each.
	 */
	private static void multiply(MemorySegment keys, long k0, long k1, long k2, long k3, int keyDim, float[] queries,
			float[] lanes) {
		int whole = keyDim / LANES * LANES;
		for (int lane = 0; lane < LANES; lane += STEP) {
			multiplyLanes(keys, k0 + 4L * lane, k1 + 4L * lane, k2 + 4L * lane, k3 + 4L * lane, whole, queries, lane,
					lane + keyDim, lanes, lane);
		}
		for (int h = 0; h < HEADS && whole < keyDim; h++) {
			addTail(queries, h * keyDim + whole, keys, k0 + 4L * whole, keyDim - whole, lanes, h * LANES);
			addTail(queries, h * keyDim + whole, keys, k1 + 4L * whole, keyDim - whole, lanes, (2 + h) * LANES);
			addTail(queries, h * keyDim + whole, keys, k2 + 4L * whole, keyDim - whole, lanes, (4 + h) * LANES);
			addTail(queries, h * keyDim + whole, keys, k3 + 4L * whole, keyDim - whole, lanes, (6 + h) * LANES);
		}
	}

	private static void multiplyLanes(MemorySegment keys, long k0, long k1, long k2, long k3, int count,
			float[] queries, int q0, int q1, float[] lanes, int at) {
		FloatVector a0 = FloatVector.zero(FLOATS);
		FloatVector b0 = FloatVector.zero(FLOATS);
		FloatVector a1 = FloatVector.zero(FLOATS);
		FloatVector b1 = FloatVector.zero(FLOATS);
		FloatVector a2 = FloatVector.zero(FLOATS);
		FloatVector b2 = FloatVector.zero(FLOATS);
		FloatVector a3 = FloatVector.zero(FLOATS);
		FloatVector b3 = FloatVector.zero(FLOATS);
		for (int i = 0; i < count; i += LANES) {
			FloatVector a = FloatVector.fromArray(FLOATS, queries, q0 + i);
			FloatVector b = FloatVector.fromArray(FLOATS, queries, q1 + i);
			FloatVector key = FloatVector.fromMemorySegment(FLOATS, keys, k0 + 4L * i, ORDER);
			a0 = a.fma(key, a0);
			b0 = b.fma(key, b0);
			key = FloatVector.fromMemorySegment(FLOATS, keys, k1 + 4L * i, ORDER);
			a1 = a.fma(key, a1);
			b1 = b.fma(key, b1);
			key = FloatVector.fromMemorySegment(FLOATS, keys, k2 + 4L * i, ORDER);
			a2 = a.fma(key, a2);
			b2 = b.fma(key, b2);
			key = FloatVector.fromMemorySegment(FLOATS, keys, k3 + 4L * i, ORDER);
			a3 = a.fma(key, a3);
			b3 = b.fma(key, b3);
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

	/** Adds the last, incomplete 16 products. */
	private static void addTail(float[] query, int from, MemorySegment keys, long key, int count, float[] lanes,
			int at) {
		for (int l = 0; l < LANES; l++) {
			float a = (l < count) ? query[from + l] : 0f;
			float b = (l < count) ? keys.get(PortableKernels.FLOAT, key + 4L * l) : 0f;
			lanes[at + l] = Math.fma(a, b, lanes[at + l]);
		}
	}

	/**
	 * Turns scores into weights.
	 * @return the sum of the weights
	 */
	private float softmax(int at, int head) {
		float[] values = this.scores;
		if (this.spec.softcap() > 0) {
			VectorTangent.softcap(values, at, this.positions, this.spec.softcap(), this.exponentials);
		}
		int whole = this.positions / STEP * STEP;
		FloatVector maxima = FloatVector.broadcast(FLOATS, Float.NEGATIVE_INFINITY);
		for (int i = 0; i < whole; i += STEP) {
			maxima = maxima.lanewise(VectorOperators.MAX, FloatVector.fromArray(FLOATS, values, at + i));
		}
		float maximum = maxima.reduceLanes(VectorOperators.MAX);
		for (int i = whole; i < this.positions; i++) {
			maximum = Math.max(maximum, values[at + i]);
		}
		maximum = this.job.maximum(head, maximum);
		VectorMath.exp(values, at, this.positions, maximum);
		return this.job.sum(head, maximum, sum(values, at, this.positions, this.lanes));
	}

	private static float sum(float[] values, int at, int count, float[] lanes) {
		int whole = count / LANES * LANES;
		for (int lane = 0; lane < LANES; lane += STEP) {
			FloatVector sum = FloatVector.zero(FLOATS);
			for (int i = lane; i < whole; i += LANES) {
				sum = sum.add(FloatVector.fromArray(FLOATS, values, at + i));
			}
			sum.intoArray(lanes, lane);
		}
		for (int i = whole; i < count; i++) {
			lanes[i - whole] += values[at + i];
		}
		return VectorMatmul.tree(lanes, 0);
	}

	/**
	 * Adds the weighted values of one block from the {@code i}-th visible position on.
	 * @return number of positions
	 */
	private int addValues(int i) {
		int position = this.first + i;
		int block = this.blocks[position / this.blockTokens];
		int slot = position % this.blockTokens;
		int count = Math.min(this.blockTokens - slot, this.positions - i);
		MemorySegment memory = this.job.memory(block);
		int valueDim = this.spec.valueDim();
		int stride = 4 * this.job.valueStride();
		long values = this.job.values(block, this.keyValueHead) + (long) slot * stride;
		int w0 = i;
		int w1 = this.capacity + i;
		int at = CELL;
		int d = 0;
		for (; d <= valueDim - CHUNKS * STEP; d += CHUNKS * STEP) {
			chunks(memory, values + 4L * d, stride, count, this.scores, w0, w1, this.lanes, at + d, at + valueDim + d);
		}
		for (; d <= valueDim - STEP; d += STEP) {
			chunk(memory, values + 4L * d, stride, count, this.scores, w0, w1, this.lanes, at + d, at + valueDim + d);
		}
		for (; d < valueDim; d++) {
			float a = this.lanes[at + d];
			float b = this.lanes[at + valueDim + d];
			for (int p = 0; p < count; p++) {
				float value = memory.get(PortableKernels.FLOAT, values + 4L * d + (long) p * stride);
				a = Math.fma(this.scores[w0 + p], value, a);
				b = Math.fma(this.scores[w1 + p], value, b);
			}
			this.lanes[at + d] = a;
			this.lanes[at + valueDim + d] = b;
		}
		return count;
	}

	private static void chunks(MemorySegment memory, long offset, int stride, int count, float[] weights, int w0,
			int w1, float[] sums, int s0, int s1) {
		FloatVector a0 = FloatVector.fromArray(FLOATS, sums, s0);
		FloatVector a1 = FloatVector.fromArray(FLOATS, sums, s0 + STEP);
		FloatVector a2 = FloatVector.fromArray(FLOATS, sums, s0 + 2 * STEP);
		FloatVector a3 = FloatVector.fromArray(FLOATS, sums, s0 + 3 * STEP);
		FloatVector b0 = FloatVector.fromArray(FLOATS, sums, s1);
		FloatVector b1 = FloatVector.fromArray(FLOATS, sums, s1 + STEP);
		FloatVector b2 = FloatVector.fromArray(FLOATS, sums, s1 + 2 * STEP);
		FloatVector b3 = FloatVector.fromArray(FLOATS, sums, s1 + 3 * STEP);
		for (int p = 0; p < count; p++) {
			long at = offset + (long) p * stride;
			FloatVector a = FloatVector.broadcast(FLOATS, weights[w0 + p]);
			FloatVector b = FloatVector.broadcast(FLOATS, weights[w1 + p]);
			FloatVector value = FloatVector.fromMemorySegment(FLOATS, memory, at, ORDER);
			a0 = a.fma(value, a0);
			b0 = b.fma(value, b0);
			value = FloatVector.fromMemorySegment(FLOATS, memory, at + 4L * STEP, ORDER);
			a1 = a.fma(value, a1);
			b1 = b.fma(value, b1);
			value = FloatVector.fromMemorySegment(FLOATS, memory, at + 8L * STEP, ORDER);
			a2 = a.fma(value, a2);
			b2 = b.fma(value, b2);
			value = FloatVector.fromMemorySegment(FLOATS, memory, at + 12L * STEP, ORDER);
			a3 = a.fma(value, a3);
			b3 = b.fma(value, b3);
		}
		a0.intoArray(sums, s0);
		a1.intoArray(sums, s0 + STEP);
		a2.intoArray(sums, s0 + 2 * STEP);
		a3.intoArray(sums, s0 + 3 * STEP);
		b0.intoArray(sums, s1);
		b1.intoArray(sums, s1 + STEP);
		b2.intoArray(sums, s1 + 2 * STEP);
		b3.intoArray(sums, s1 + 3 * STEP);
	}

	private static void chunk(MemorySegment memory, long offset, int stride, int count, float[] weights, int w0, int w1,
			float[] sums, int s0, int s1) {
		FloatVector a = FloatVector.fromArray(FLOATS, sums, s0);
		FloatVector b = FloatVector.fromArray(FLOATS, sums, s1);
		for (int p = 0; p < count; p++) {
			FloatVector value = FloatVector.fromMemorySegment(FLOATS, memory, offset + (long) p * stride, ORDER);
			a = FloatVector.broadcast(FLOATS, weights[w0 + p]).fma(value, a);
			b = FloatVector.broadcast(FLOATS, weights[w1 + p]).fma(value, b);
		}
		a.intoArray(sums, s0);
		b.intoArray(sums, s1);
	}

	private void put(int row, int head, int h, float sum) {
		int valueDim = this.spec.valueDim();
		int from = CELL + h * valueDim;
		long to = this.job.out().row(row) + 4L * (head + h) * valueDim;
		int whole = valueDim / STEP * STEP;
		for (int i = 0; i < whole; i += STEP) {
			VectorNumbers.store(FloatVector.fromArray(FLOATS, this.lanes, from + i).div(sum), this.job.out().memory(),
					to + 4L * i);
		}
		for (int i = whole; i < valueDim; i++) {
			this.job.out().memory().set(PortableKernels.FLOAT, to + 4L * i, this.lanes[from + i] / sum);
		}
	}

}
