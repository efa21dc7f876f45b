package io.github.flashspring.engine.device.cpu;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.device.AttentionSpec;
import io.github.flashspring.engine.device.Device.Limits;
import io.github.flashspring.engine.device.KvPages;
import io.github.flashspring.engine.device.RaggedBatch;

/**
 * The operands of attention in one layer, and how its work is divided. A *query* is one
 * head of one row. A unit of work has the queries of some neighbouring rows that read one
 * key-value head; where there are too few units for all threads, each of them attends to
 * one section of the positions only and leaves a partial result, see
 * {@link AttentionSums}.
 */
final class AttentionJob {

	/** Positions of a tile; tiles begin at multiples of it. */
	static final int TILE = KvPages.TILE;

	/** Numbers of a query and a key whose products make one chain. */
	static final int CHAIN = 64;

	/**
	 * Queries of a unit at most. With 64 of them a key and a value that were read from
	 * the L2 cache or from memory serve 64 products.
	 */
	static final int QUERIES = 64;

	/** Positions of a section at least: four tiles. */
	private static final int MIN_SECTION = 256;

	/** Sections that the positions before a query make at most. */
	private static final int MAX_SECTIONS = 32;

	/** Rows that a pass may have so that its units are surely split if needed. */
	private static final int SPLIT_ROWS = 4;

	/** Units for each thread that make splitting them needless. */
	private static final int UNITS_PER_THREAD = 4;

	private final Rows out;

	private final Rows queries;

	private final KvPages kv;

	private final int group;

	/** See {@link KvPages#recentGroup}. */
	private final int recentGroup;

	private final int[] keyBounds;

	private final int[] valueBounds;

	private final int layer;

	private final AttentionSpec spec;

	private final @Nullable Rows sinks;

	/** Units that attend to all their positions. */
	private final List<Unit> whole = new ArrayList<>();

	/** Units of one section, or none if units are not split. */
	private final List<Unit> sections = new ArrayList<>();

	private float[] partials = new float[0];

	/**
	 * Divides attention into units.
	 * @param out F32 [n, heads · valueDim]
	 * @param queries F32 [n, heads · keyDim]
	 * @param kv the cache
	 * @param layer index among the layers that have keys and values
	 * @param batch which row is which position of which sequence
	 * @param spec heads, scale, window and cap
	 * @param sinks [1, heads] or null
	 */
	AttentionJob(Rows out, Rows queries, KvPages kv, int layer, RaggedBatch batch, AttentionSpec spec,
			@Nullable Rows sinks) {
		this.out = out;
		this.queries = queries;
		this.kv = kv;
		this.group = kv.group(layer);
		this.recentGroup = kv.recentGroup(layer);
		this.keyBounds = kv.layout().keyBounds();
		this.valueBounds = keysAreValues() ? this.keyBounds : kv.layout().valueBounds();
		this.layer = layer;
		this.spec = spec;
		this.sinks = sinks;
		int group = spec.heads() / spec.keyValueHeads();
		int heads = Math.min(group, QUERIES);
		// A power of two divides every position at which sections become longer.
		int rows = Integer.highestOneBit(QUERIES / heads);
		for (int keyValueHead = 0; keyValueHead < spec.keyValueHeads(); keyValueHead++) {
			int end = (keyValueHead + 1) * group;
			for (int head = end - group; head < end; head += heads) {
				for (RaggedBatch.Span span : batch.spans()) {
					addUnits(span, rows, keyValueHead, head, Math.min(heads, end - head));
				}
			}
		}
	}

	/**
	 * Adds the units of a span; a unit begins at a position that {@code rows} divides.
	 */
	private void addUnits(RaggedBatch.Span span, int rows, int keyValueHead, int head, int heads) {
		int end = span.position() + span.rows();
		for (int position = span.position(); position < end;) {
			int next = Math.min(end, (position / rows + 1) * rows);
			this.whole.add(new Unit(span, position, next - position, keyValueHead, head, heads, -1, 0));
			position = next;
		}
	}

	/**
	 * Splits units by sections of positions if there are too few for all threads and
	 * partial results are not too many.
	 * @param threads number of threads
	 * @param memory grows to what partial results take
	 */
	void split(int threads, Partials memory) {
		if (threads == 1 || this.whole.size() >= UNITS_PER_THREAD * threads) {
			return;
		}
		long floats = 0;
		long count = 0;
		for (Unit unit : this.whole) {
			count += sections(unit);
			floats += (long) sections(unit) * unit.queries() * stride();
		}
		if (count == this.whole.size() || floats > SPLIT_ROWS * rowFloats(this.spec.heads(), this.spec.valueDim())) {
			return;
		}
		this.partials = memory.reserve((int) floats);
		int at = 0;
		for (Unit unit : this.whole) {
			for (int s = 0; s < sections(unit); s++) {
				this.sections.add(unit.section(firstSection(unit) + s, at));
				at += unit.queries() * stride();
			}
		}
	}

	/**
	 * Memory for partial results.
	 * @param limits the largest pass
	 * @return number of floats
	 */
	static long partialFloats(Limits limits) {
		return Math.min(limits.rows(), SPLIT_ROWS)
				* rowFloats(limits.heads(), AttentionSums.valueDim(limits.keyValues()));
	}

	private static long rowFloats(int heads, int valueDim) {
		return (long) heads * MAX_SECTIONS * AttentionSums.stride(valueDim);
	}

	/** Floats of a partial result of a query. */
	private int stride() {
		return AttentionSums.stride(this.spec.valueDim());
	}

	/**
	 * Number of units.
	 * @return the number of units that {@link Kernels#attention} computes
	 */
	int units() {
		return isSplit() ? this.sections.size() : this.whole.size();
	}

	/** Multiply-adds of a unit on average. */
	long unitWork() {
		long work = 0;
		for (Unit unit : this.whole) {
			int positions = unit.lastPosition() + 1 - firstVisible(unit.position());
			work += (long) positions * unit.queries() * (this.spec.keyDim() + this.spec.valueDim());
		}
		return work / Math.max(1, units());
	}

	/** Multiply-adds of merging the partial results of a query. */
	long mergeWork() {
		return (long) this.partials.length / Math.max(1, splitQueries());
	}

	Unit unit(int index) {
		return isSplit() ? this.sections.get(index) : this.whole.get(index);
	}

	boolean isSplit() {
		return !this.sections.isEmpty();
	}

	/** Number of queries whose partial results {@link #merge} puts together. */
	int splitQueries() {
		return this.spec.heads() * this.queries.count();
	}

	/**
	 * Merges the partial results of the queries {@code from … to - 1}, in the order of
	 * sections.
	 * @param from first of all queries, unit by unit
	 * @param to end of the queries
	 */
	void merge(int from, int to) {
		float[] sums = new float[stride()];
		int first = 0;
		int at = 0;
		for (Unit unit : this.whole) {
			int count = unit.queries();
			for (int q = Math.max(0, from - first); q < Math.min(count, to - first); q++) {
				begin(sums, 0, unit.head(q));
				for (int s = 0; s < sections(unit); s++) {
					AttentionSums.merge(sums, 0, this.partials, at + (s * count + q) * stride(), this.spec.valueDim());
				}
				finish(sums, 0, unit, q);
			}
			first += count;
			at += sections(unit) * count * stride();
		}
	}

	/**
	 * Positions of the sections of a query: a pure function of its position, so that they
	 * are the same however work is divided.
	 * @param position of the query
	 * @return a power of two; at most {@value #MAX_SECTIONS} of them reach the position
	 */
	static int sectionLength(int position) {
		return Math.max(MIN_SECTION, 2 * Integer.highestOneBit(position) / MAX_SECTIONS);
	}

	int firstSection(Unit unit) {
		return (unit.section() >= 0) ? unit.section() : firstVisible(unit.position()) / unit.sectionLength();
	}

	int lastSection(Unit unit) {
		return (unit.section() >= 0) ? unit.section() : unit.lastPosition() / unit.sectionLength();
	}

	private int sections(Unit unit) {
		return lastSection(unit) - firstSection(unit) + 1;
	}

	/** Whether values are the first numbers of keys. */
	boolean keysAreValues() {
		return this.kv.layout().valueDim() == 0;
	}

	AttentionSpec spec() {
		return this.spec;
	}

	/**
	 * The first position that a token sees.
	 * @param position position of the token
	 * @return position of the oldest token in its window
	 */
	int firstVisible(int position) {
		return (this.spec.window() > 0) ? Math.max(0, position - this.spec.window() + 1) : 0;
	}

	MemorySegment queryMemory() {
		return this.queries.memory();
	}

	/**
	 * Where a query begins.
	 * @param unit its unit
	 * @param query its index there
	 * @return offset in bytes in {@link #queryMemory}
	 */
	long query(Unit unit, int query) {
		return this.queries.row(unit.row(query)) + 4L * unit.head(query) * this.spec.keyDim();
	}

	/**
	 * Begins the result of a query, with its sink if there is one.
	 * @param sums receives the state
	 * @param at index of its first number
	 * @param head index of the query head
	 */
	void begin(float[] sums, int at, int head) {
		Arrays.fill(sums, at, at + this.spec.valueDim(), 0f);
		sums[at + this.spec.valueDim()] = (this.sinks != null) ? PortableKernels.value(this.sinks, 0, head)
				: Float.NEGATIVE_INFINITY;
		sums[at + this.spec.valueDim() + 1] = (this.sinks != null) ? 1f : 0f;
	}

	/**
	 * Takes in what a section of a query gave: merges it into the query's result, or
	 * keeps it until all sections are done.
	 * @param unit the unit
	 * @param query index of the query
	 * @param part what the section gave
	 * @param from index of its first number
	 * @param sums the query's result
	 * @param at index of its first number
	 */
	void add(Unit unit, int query, float[] part, int from, float[] sums, int at) {
		if (unit.section() >= 0) {
			System.arraycopy(part, from, this.partials, unit.partial() + query * stride(), stride());
		}
		else {
			AttentionSums.merge(sums, at, part, from, this.spec.valueDim());
		}
	}

	/**
	 * Writes the result of a query.
	 * @param sums has the state
	 * @param at index of its first number
	 * @param unit the unit
	 * @param query index of the query
	 */
	void finish(float[] sums, int at, Unit unit, int query) {
		int valueDim = this.spec.valueDim();
		AttentionSums.divide(sums, at, valueDim);
		MemorySegment.copy(sums, at, this.out.memory(), PortableKernels.FLOAT,
				this.out.row(unit.row(query)) + 4L * unit.head(query) * valueDim, valueDim);
	}

	/**
	 * A run of positions of a unit that lie in one KV page. Rows of a unit lie in one
	 * tile, so that they read a position in the same format.
	 * @param unit the unit
	 * @param position the first
	 * @param end end of the positions that are wanted, in the same tile
	 * @return the run, which may end earlier
	 */
	KvRun run(Unit unit, int position, int end) {
		boolean recent = this.recentGroup != KvPages.NONE && position >= this.kv.firstRecent(unit.position());
		int pages = recent ? this.recentGroup : this.group;
		return KvRun.of(this.kv, this.layer, pages, unit.span().pages(pages), unit.keyValueHead(), position, end);
	}

	/**
	 * {@return how the oldest positions are stored}
	 */
	KvPages.Format format() {
		return this.kv.layout().format();
	}

	/**
	 * {@return where groups of numbers of a key begin}
	 */
	int[] keyBounds() {
		return this.keyBounds;
	}

	/**
	 * {@return where groups of numbers of a value begin; a value may end within one}
	 */
	int[] valueBounds() {
		return this.valueBounds;
	}

	/**
	 * Neighbouring rows of a span and the query heads that read one key-value head. Its
	 * queries are counted row by row.
	 *
	 * @param span the tokens that the rows are part of
	 * @param position of the first row
	 * @param rows number of rows
	 * @param keyValueHead index of the key-value head
	 * @param firstHead index of the first query head
	 * @param heads number of query heads
	 * @param section index of the only section to attend to, or -1: all
	 * @param partial index of the first number of the partial results
	 */
	record Unit(RaggedBatch.Span span, int position, int rows, int keyValueHead, int firstHead, int heads, int section,
			int partial) {

		int queries() {
			return this.rows * this.heads;
		}

		int position(int query) {
			return this.position + query / this.heads;
		}

		int lastPosition() {
			return this.position + this.rows - 1;
		}

		/** Positions of a section, alike for all rows. */
		int sectionLength() {
			return AttentionJob.sectionLength(this.position);
		}

		int row(int query) {
			return this.span.firstRow() + position(query) - this.span.position();
		}

		int head(int query) {
			return this.firstHead + query % this.heads;
		}

		private Unit section(int index, int at) {
			return new Unit(this.span, this.position, this.rows, this.keyValueHead, this.firstHead, this.heads, index,
					at);
		}

	}

	/** Memory of partial results, made at first need and kept. */
	static final class Partials {

		private float[] values = new float[0];

		private float[] reserve(int floats) {
			this.values = Scratch.grown(this.values, floats);
			return this.values;
		}

	}

}
