package io.github.flashspring.engine.cache;

import java.util.ArrayList;
import java.util.List;

import io.github.flashspring.engine.device.Buffer;
import io.github.flashspring.engine.device.RaggedBatch;

/**
 * Copies of the state of a sequence that passes make for the prefix cache: where a copy
 * is wanted, the rows of a pass are cut, so that no pass has to end there.
 */
final class StateCopies {

	private final KvCache cache;

	/** What the pass that runs makes. */
	private final List<SequenceMemory.Snapshot> copies = new ArrayList<>();

	/** Pages behind which the newest state of generated tokens is kept; 0: none. */
	private int rolling;

	StateCopies(KvCache cache) {
		this.cache = cache;
	}

	/**
	 * Cuts rows behind which a copy is wanted and there is memory for it.
	 * @param span the rows
	 * @param points where copies are wanted
	 * @param known tokens of the sequence that are known
	 * @param decoding whether the row is of a token that was generated
	 * @return the spans in order
	 */
	List<RaggedBatch.Span> cut(RaggedBatch.Span span, ResumePoints points, int known, boolean decoding) {
		drop();
		List<RaggedBatch.Span> spans = new ArrayList<>();
		int pageTokens = this.cache.layout().pageTokens();
		int from = span.position();
		int end = from + span.rows();
		for (int page = from / pageTokens + 1; page * pageTokens <= end; page++) {
			Buffer copy = points.wanted(page, known, decoding) ? this.cache.prefixes().lendSnapshot() : null;
			if (copy != null) {
				this.copies.add(new SequenceMemory.Snapshot(page * pageTokens, copy));
				spans.add(span.range(from - span.position(), page * pageTokens - from, copy));
				from = page * pageTokens;
			}
		}
		if (from < end) {
			spans.add(span.range(from - span.position(), end - from, null));
		}
		return spans;
	}

	/** Frees copies of a pass that did not succeed. */
	void drop() {
		this.copies.forEach((copy) -> this.cache.prefixes().freeSnapshot(copy.state()));
		this.copies.clear();
	}

	/**
	 * Hands the copies of the pass to the prefix cache. Of generated tokens, the newest
	 * state replaces the one before.
	 * @return tokens that the cache did not have before
	 */
	int keep(PrefixCache prefixes, int[] tokens, SequenceMemory memory, boolean decoding) {
		int kept = 0;
		for (SequenceMemory.Snapshot copy : this.copies) {
			int pages = copy.length() / this.cache.layout().pageTokens();
			kept += prefixes.put(tokens, new int[] { pages }, memory, copy.state());
			if (decoding) {
				if (this.rolling > 0 && this.rolling % prefixes.points().distance() != 0) {
					prefixes.dropSnapshot(tokens, this.rolling);
				}
				this.rolling = pages;
			}
		}
		this.copies.clear();
		return kept;
	}

}
