package io.github.flashspring.engine.device.cpu;

import java.util.Arrays;

import io.github.flashspring.engine.device.AttentionSpec;
import io.github.flashspring.engine.device.Device.Limits;
import io.github.flashspring.engine.device.KvPages;

/**
 * Attention of one query in plain Java, as {@link Kernels#attention} defines it.
 */
final class PortableAttention {

	private static final int TILE = AttentionJob.TILE;

	private static final int LANES = Kernels.LANES;

	private final AttentionJob job;

	private final AttentionJob.Unit unit;

	private final AttentionSpec spec;

	private final int query;

	/** Scores, then weights, of a tile. */
	private final float[] scores;

	/** Lanes of the sum of weights, and a chain of each position. */
	private final float[] lanes;

	/** The result of a section, followed by that of the query. */
	private final float[] sums;

	private final int maximum;

	private PortableAttention(AttentionJob job, AttentionJob.Unit unit, int query, Scratch scratch) {
		this.job = job;
		this.unit = unit;
		this.spec = job.spec();
		this.query = query;
		this.scores = scratch.scores(TILE);
		this.lanes = scratch.lanes(LANES + TILE);
		this.sums = scratch.weights(2 * AttentionSums.stride(this.spec.valueDim()));
		this.maximum = this.spec.valueDim();
	}

	static long scratchFloats(Limits limits) {
		return 2 * TILE + LANES + 2L * AttentionSums.stride(AttentionSums.valueDim(limits.keyValues()));
	}

	static void attend(AttentionJob job, AttentionJob.Unit unit, int query, Scratch scratch) {
		new PortableAttention(job, unit, query, scratch).attend();
	}

	private void attend() {
		int position = this.unit.position(this.query);
		int first = this.job.firstVisible(position);
		int length = this.unit.sectionLength();
		int total = AttentionSums.stride(this.spec.valueDim());
		this.job.begin(this.sums, total, this.unit.head(this.query));
		for (int s = this.job.firstSection(this.unit); s <= this.job.lastSection(this.unit); s++) {
			attendSection(Math.max(first, s * length), Math.min(position + 1, (s + 1) * length));
			this.job.add(this.unit, this.query, this.sums, 0, this.sums, total);
		}
		if (this.unit.section() < 0) {
			this.job.finish(this.sums, total, this.unit, this.query);
		}
	}

	private void attendSection(int from, int end) {
		Arrays.fill(this.sums, 0, this.spec.valueDim(), 0f);
		Arrays.fill(this.lanes, 0, LANES, 0f);
		this.sums[this.maximum] = Float.NEGATIVE_INFINITY;
		for (int tile = from / TILE * TILE; tile < end; tile += TILE) {
			int low = Math.max(from - tile, 0);
			int high = Math.min(end - tile, TILE);
			for (int p = low; p < high;) {
				KvRun run = this.job.run(this.unit, tile + p, tile + high);
				score(run, p);
				p += run.count();
			}
			weigh(low, high);
			for (int p = low; p < high;) {
				KvRun run = this.job.run(this.unit, tile + p, tile + high);
				addValues(run, p);
				p += run.count();
			}
		}
		this.sums[this.maximum + 1] = PortableKernels.tree(this.lanes, 0);
	}

	private void score(KvRun run, int at) {
		long queryOffset = this.job.query(this.unit, this.query);
		int group = 0;
		for (int first = 0; first < this.spec.keyDim(); first += AttentionJob.CHAIN) {
			Arrays.fill(this.lanes, LANES, LANES + run.count(), 0f);
			int end = Math.min(first + AttentionJob.CHAIN, this.spec.keyDim());
			for (int d = first; d < end; d++) {
				group += (d == this.job.keyBounds()[group + 1]) ? 1 : 0;
				float factor = this.job.queryMemory().get(PortableKernels.FLOAT, queryOffset + 4L * d);
				addProducts(run, factor, d, group);
			}
			for (int p = 0; p < run.count(); p++) {
				float chain = this.lanes[LANES + p];
				this.scores[at + p] = (first == 0) ? chain : this.scores[at + p] + chain;
			}
		}
	}

	private void addProducts(KvRun run, float factor, int d, int group) {
		if (run.format() != KvPages.Format.F32) {
			for (int p = 0; p < run.count(); p++) {
				this.lanes[LANES + p] = Math.fma(factor, run.key(p, d, group), this.lanes[LANES + p]);
			}
			return;
		}
		long key = run.key() + d * run.keyStride();
		for (int p = 0; p < run.count(); p++) {
			float number = run.memory().get(PortableKernels.FLOAT, key + p * run.tokenStride());
			this.lanes[LANES + p] = Math.fma(factor, number, this.lanes[LANES + p]);
		}
	}

	private void weigh(int low, int high) {
		float before = this.sums[this.maximum];
		float highest = before;
		for (int p = low; p < high; p++) {
			float score = this.scores[p] * this.spec.scale();
			score = (this.spec.softcap() > 0) ? HyperbolicTangent.softcap(score, this.spec.softcap()) : score;
			this.scores[p] = score;
			highest = (score > highest) ? score : highest;
		}
		if (highest > before) {
			float factor = Exponential.exp(before - highest);
			scale(this.lanes, LANES, factor);
			scale(this.sums, this.spec.valueDim(), factor);
			this.sums[this.maximum] = highest;
		}
		for (int p = low; p < high; p++) {
			this.scores[p] = Exponential.exp(this.scores[p] - highest);
			this.lanes[p % LANES] += this.scores[p];
		}
	}

	private static void scale(float[] values, int count, float factor) {
		for (int i = 0; i < count; i++) {
			values[i] *= factor;
		}
	}

	private void addValues(KvRun run, int at) {
		for (int p = 0; p < run.count(); p++) {
			addValue(run, p, this.scores[at + p]);
		}
	}

	private void addValue(KvRun run, int position, float weight) {
		if (run.format() != KvPages.Format.F32) {
			int group = 0;
			for (int i = 0; i < this.spec.valueDim(); i++) {
				group += (i == this.job.valueBounds()[group + 1]) ? 1 : 0;
				this.sums[i] = Math.fma(weight, run.value(position, i, group), this.sums[i]);
			}
			return;
		}
		long value = run.value() + position * run.valueStride();
		for (int i = 0; i < this.spec.valueDim(); i++) {
			this.sums[i] = Math.fma(weight, run.memory().get(PortableKernels.FLOAT, value + 4L * i), this.sums[i]);
		}
	}

}
