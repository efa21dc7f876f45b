package io.github.flashspring.engine.cache;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.device.Buffer;
import io.github.flashspring.engine.device.KvPages;
import io.github.flashspring.engine.device.RaggedBatch;

/**
 * What one sequence remembers of its tokens: keys and values, in a page table for each
 * group of layers, and the state of state-space layers. Grows page by page. Forks share
 * pages until one of them writes to a page. Used by the thread of its {@link KvCache}.
 */
public final class SequenceMemory implements AutoCloseable {

	private final KvCache cache;

	private final LayerGroups groups;

	private final StatePool states;

	private final int[][] tables;

	/** For each group the first page that was not given back behind its window. */
	private final int[] firstHeld;

	private final @Nullable Buffer state;

	private final StateCopies copies;

	private int length;

	private boolean closed;

	SequenceMemory(KvCache cache, LayerGroups groups, StatePool states) {
		this.cache = cache;
		this.groups = groups;
		this.states = states;
		this.copies = new StateCopies(cache);
		this.tables = new int[groups.count()][0];
		this.firstHeld = new int[groups.count()];
		this.state = states.exists() ? states.lend() : null;
	}

	/**
	 * {@return number of tokens that are remembered}
	 */
	public int length() {
		return this.length;
	}

	/**
	 * {@return number of pages in each page table}
	 */
	public int pages() {
		return (this.tables.length > 0) ? this.tables[0].length : 0;
	}

	/**
	 * Makes sure that further tokens can be stored. Pages behind sliding windows are
	 * given back before.
	 * @param tokens how many tokens will follow
	 * @return false if too few pages are free: ask again when others have given some back
	 * @throws IllegalArgumentException if the whole cache is smaller
	 * @throws io.github.flashspring.engine.device.DeviceException if there is no memory
	 * for a page that was never lent before
	 */
	public boolean reserve(int tokens) {
		long end = (long) this.length + tokens;
		this.cache.requireCapacity(end);
		giveBackBehindWindows();
		for (int group = 0; group < this.tables.length; group++) {
			int count = this.cache.pageCount(this.cache.reserved(group, this.length, end));
			if ((count > this.tables[group].length || writesShared(group)) && !grow(group, count, end)) {
				return false;
			}
		}
		return true;
	}

	/** Whether the page of the next token belongs to a fork as well. */
	private boolean writesShared(int group) {
		int next = this.length / this.cache.layout().pageTokens();
		return next < this.tables[group].length && this.cache.isShared(this.tables[group][next]);
	}

	private boolean grow(int group, int count, long end) {
		int[] old = this.tables[group];
		int[] table = Arrays.copyOf(old, Math.max(count, old.length));
		boolean copies = writesShared(group);
		int next = this.length / this.cache.layout().pageTokens();
		List<Integer> lent = new ArrayList<>();
		boolean complete = false;
		try {
			for (int i = copies ? next : old.length; i < table.length; i = Math.max(i + 1, old.length)) {
				int page = this.cache.lend(group, end);
				if (page == KvPages.NONE) {
					return false;
				}
				lent.add(page);
				table[i] = page;
			}
			complete = true;
		}
		finally {
			if (!complete) {
				lent.forEach(this.cache::giveBack);
			}
		}
		if (copies) {
			this.cache.copy(table[next], old[next]);
			this.cache.giveBack(old[next]);
		}
		this.tables[group] = table;
		return true;
	}

	/**
	 * What is kept for others ends with a full page: its end needs pages that the next
	 * token may not need any more.
	 */
	private void giveBackBehindWindows() {
		int pageTokens = this.cache.layout().pageTokens();
		int end = (this.cache.prefixes().tree() != null) ? this.length / pageTokens * pageTokens : this.length;
		for (int group = 0; group < this.tables.length; group++) {
			int first = firstNeeded(group, end);
			for (int i = this.firstHeld[group]; i < first; i++) {
				this.cache.giveBack(this.tables[group][i]);
				this.tables[group][i] = KvPages.NONE;
			}
			this.firstHeld[group] = Math.max(this.firstHeld[group], first);
		}
	}

	/** The first page that a token at a position attends to. */
	private int firstNeeded(int group, int position) {
		return this.groups.firstVisible(group, position) / this.cache.layout().pageTokens();
	}

	/**
	 * The next tokens of the sequence as rows of a batch.
	 * @param firstRow row of the first of them
	 * @param rows how many, at most as many as were {@linkplain #reserve reserved}
	 * @return the span, valid until the next call of another method
	 */
	public RaggedBatch.Span span(int firstRow, int rows) {
		return new RaggedBatch.Span(firstRow, rows, this.length, this.tables, this.state);
	}

	/**
	 * The next tokens of the sequence as rows of a batch, cut where a copy of the state
	 * is kept for others.
	 * @param firstRow row of the first of them
	 * @param rows how many, at most as many as were {@linkplain #reserve reserved}
	 * @param known tokens of the sequence that are known
	 * @param decoding whether the row is of a token that was generated
	 * @return the spans in order, valid until the next call of another method
	 */
	public List<RaggedBatch.Span> spans(int firstRow, int rows, int known, boolean decoding) {
		PrefixCache prefixes = this.cache.prefixes().tree();
		if (prefixes == null || this.state == null) {
			return List.of(span(firstRow, rows));
		}
		return this.copies.cut(span(firstRow, rows), prefixes.points(), known, decoding);
	}

	/**
	 * Keeps pages that the pass which has ended filled, for others with the same tokens.
	 * @param tokens of the sequence
	 * @param known how many are known
	 * @param from tokens that were computed before the pass
	 * @param decoding whether the pass had the row of a token that was generated
	 * @return tokens that nobody had kept before
	 */
	public int keep(int[] tokens, int known, int from, boolean decoding) {
		PrefixCache prefixes = this.cache.prefixes().tree();
		if (prefixes == null) {
			return 0;
		}
		int kept = 0;
		if (this.state != null) {
			kept = this.copies.keep(prefixes, tokens, this, decoding);
		}
		else if (!decoding) {
			int pageTokens = this.cache.layout().pageTokens();
			int[] ends = IntStream.rangeClosed(from / pageTokens + 1, this.length / pageTokens)
				.filter((page) -> prefixes.points().wanted(page, known, false))
				.toArray();
			kept = (ends.length > 0) ? prefixes.put(tokens, ends, this, null) : 0;
		}
		PrefixDisk disk = this.cache.prefixes().disk();
		int last = (known - 1) / this.cache.layout().pageTokens();
		int end = last * this.cache.layout().pageTokens();
		if (disk != null && !decoding && from < end && end <= this.length) {
			disk.left(tokens, last);
		}
		this.cache.prefixes().trim();
		return kept;
	}

	/**
	 * Gives all memory back, and leaves full pages to others with the same tokens.
	 * @param tokens of the sequence
	 */
	public void leave(int[] tokens) {
		PrefixCache prefixes = this.cache.prefixes().tree();
		int pages = this.length / this.cache.layout().pageTokens();
		if (prefixes != null && this.state == null && pages > 0) {
			prefixes.put(tokens, new int[] { pages }, this, null);
		}
		PrefixDisk disk = this.cache.prefixes().disk();
		if (disk != null) {
			disk.left(tokens, pages);
		}
		close();
	}

	/** Begins behind a prefix that others left. */
	void resume(List<PrefixNode> prefix) {
		int pages = prefix.size();
		if (pages == 0) {
			return;
		}
		int tokens = pages * this.cache.layout().pageTokens();
		for (int group = 0; group < this.tables.length; group++) {
			this.firstHeld[group] = firstNeeded(group, tokens);
			this.tables[group] = new int[pages];
			Arrays.fill(this.tables[group], KvPages.NONE);
			for (int i = this.firstHeld[group]; i < pages; i++) {
				this.tables[group][i] = prefix.get(i).page(group);
				this.cache.share(this.tables[group][i]);
			}
		}
		Buffer copy = prefix.getLast().snapshot();
		if (this.state != null && copy != null) {
			this.states.copy(this.state, copy);
		}
		this.length = tokens;
	}

	/** The page of a group; {@link KvPages#NONE} where it was given back. */
	int page(int group, int index) {
		return this.tables[group][index];
	}

	/**
	 * Notes that the next tokens were stored.
	 * @param tokens how many
	 */
	public void advance(int tokens) {
		this.length += tokens;
	}

	/**
	 * Forgets the last tokens.
	 * @param newLength how many tokens are left
	 * @throws IllegalStateException if what is left cannot be continued: pages behind a
	 * sliding window were given back, or there is a state, which a snapshot restores
	 */
	public void truncate(int newLength) {
		if (newLength < 0 || newLength > this.length) {
			throw new IllegalArgumentException(
					"Expected a length of 0 to " + this.length + " tokens, found " + newLength);
		}
		if (this.state != null && newLength != this.length && newLength != 0) {
			throw new IllegalStateException("The state behind " + newLength + " of " + this.length
					+ " tokens is not known: restore a snapshot");
		}
		cut(newLength);
	}

	private void cut(int newLength) {
		for (int group = 0; group < this.tables.length; group++) {
			if (firstNeeded(group, newLength) < this.firstHeld[group]) {
				throw new IllegalStateException("Cannot go back from " + this.length + " to " + newLength
						+ " tokens: pages behind the sliding window were given back");
			}
		}
		if (newLength == this.length) {
			return;
		}
		int count = this.cache.pageCount(newLength);
		for (int group = 0; group < this.tables.length; group++) {
			int[] table = this.tables[group];
			for (int i = Math.max(count, this.firstHeld[group]); i < table.length; i++) {
				this.cache.giveBack(table[i]);
			}
			this.tables[group] = Arrays.copyOf(table, Math.min(count, table.length));
		}
		this.length = newLength;
	}

	/**
	 * Begins another sequence with the same tokens. Both share all pages, also the last
	 * one, until one of them stores a token there: that one gets a copy.
	 * @return the fork, which the caller closes; empty while all states are lent
	 */
	public Optional<SequenceMemory> fork() {
		Optional<SequenceMemory> fork = this.cache.open();
		fork.ifPresent(this::shareWith);
		return fork;
	}

	private void shareWith(SequenceMemory fork) {
		int count = this.cache.pageCount(this.length);
		for (int group = 0; group < this.tables.length; group++) {
			fork.tables[group] = Arrays.copyOf(this.tables[group], count);
			fork.firstHeld[group] = this.firstHeld[group];
			for (int i = this.firstHeld[group]; i < count; i++) {
				this.cache.share(fork.tables[group][i]);
			}
		}
		if (this.state != null && fork.state != null) {
			this.states.copy(fork.state, this.state);
		}
		fork.length = this.length;
	}

	/**
	 * Copies the state, so that the sequence can return to it.
	 * @return the copy; the caller closes it
	 * @throws IllegalStateException if the sequence has no state: it can be truncated
	 */
	public Snapshot snapshot() {
		if (this.state == null) {
			throw new IllegalStateException("The sequence has no states");
		}
		Buffer copy = this.states.allocate();
		this.states.copy(copy, this.state);
		return new Snapshot(this.length, copy);
	}

	/**
	 * Returns to a snapshot.
	 * @param snapshot of this sequence, or of one that it was forked from
	 * @throws IllegalStateException if pages that it needs were given back
	 */
	public void restore(Snapshot snapshot) {
		if (this.state == null) {
			throw new IllegalStateException("The sequence has no states");
		}
		cut(snapshot.length());
		this.states.copy(this.state, snapshot.state());
	}

	/** Gives all memory back. */
	@Override
	public void close() {
		if (this.closed) {
			return;
		}
		this.closed = true;
		for (int group = 0; group < this.tables.length; group++) {
			for (int i = this.firstHeld[group]; i < this.tables[group].length; i++) {
				this.cache.giveBack(this.tables[group][i]);
			}
			this.tables[group] = new int[0];
		}
		this.copies.drop();
		if (this.state != null) {
			this.states.giveBack(this.state);
		}
		this.cache.prefixes().trim();
	}

	/**
	 * The state behind some tokens of a sequence.
	 *
	 * @param length number of these tokens
	 * @param state the copy
	 */
	public record Snapshot(int length, Buffer state) implements AutoCloseable {

		@Override
		public void close() {
			this.state.close();
		}

	}

}
