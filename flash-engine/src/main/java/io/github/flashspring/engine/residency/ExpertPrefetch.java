package io.github.flashspring.engine.residency;

import io.github.flashspring.engine.reading.ReadQueue;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;

import io.github.flashspring.engine.reading.ReadRange.Urgency;
import io.github.flashspring.engine.weights.Block;
import io.github.flashspring.engine.weights.BlockLayout;

/**
 * Prefetches experts that the next layer will probably choose, and learns how often that
 * was right. Used by the thread that computes; other threads may ask for the counts.
 */
final class ExpertPrefetch {

	private final BlockLayout blocks;

	private final ReadQueue queue;

	private final Lookahead lookahead;

	private final boolean keepsExperts;

	private final int maxBlocks;

	/** Blocks that are expected of the next layer. */
	private final List<CachedRead> expected = new ArrayList<>();

	private final AtomicLong reads = new AtomicLong();

	private final AtomicLong bytes = new AtomicLong();

	private final AtomicLong used = new AtomicLong();

	private final AtomicLong wasted = new AtomicLong();

	private final AtomicLong wastedBytes = new AtomicLong();

	/**
	 * Expects nothing yet.
	 * @param blocks all blocks of the model
	 * @param queue reads
	 * @param maxBlocks most blocks that are expected at once
	 * @param streaming how experts are streamed
	 */
	ExpertPrefetch(BlockLayout blocks, ReadQueue queue, int maxBlocks, ExpertStreaming streaming) {
		this.blocks = blocks;
		this.queue = queue;
		this.maxBlocks = maxBlocks;
		this.keepsExperts = streaming.keep() != ExpertStreaming.Keep.NONE;
		this.lookahead = new Lookahead(streaming.lookahead());
	}

	/**
	 * {@return whether guesses about the experts of a layer would help}
	 */
	boolean wantsGuesses(int firstGroup) {
		return this.lookahead.wanted(firstGroup);
	}

	/**
	 * Reads experts that a layer will probably choose.
	 * @param firstGroup group of the layer's first expert
	 * @param guesses experts of the layer
	 * @param cache takes them in
	 */
	void expect(int firstGroup, List<ExpertGuess> guesses, ExpertCache cache) {
		List<CachedRead> begun = new ArrayList<>();
		for (Lookahead.Likely likely : this.lookahead.likely(firstGroup, guesses)) {
			for (Block block : this.blocks.of(firstGroup + likely.expert())) {
				CachedRead read = cache.get(block);
				if (read == null && this.expected.size() < this.maxBlocks) {
					read = cache.admit(block, likely.probability(), (other) -> !other.wanted && !other.expected);
					if (read != null) {
						read.unproven = true;
						this.reads.incrementAndGet();
						this.bytes.addAndGet(block.bytes());
						begun.add(read);
					}
				}
				if (read != null) {
					read.expected = true;
					this.expected.add(read);
				}
			}
		}
		if (!begun.isEmpty()) {
			this.queue.change((schedule) -> begun.forEach((read) -> schedule.add(read, Urgency.LIKELY)));
		}
	}

	/**
	 * Compares what was expected with what a layer chose, and cancels reads of what was
	 * not.
	 * @param firstGroup group of the layer's first expert
	 * @param rowsOf how many tokens go to each expert
	 * @param cache evicts what is not kept
	 */
	void cancelUnused(int firstGroup, int[] rowsOf, ExpertCache cache) {
		this.lookahead.chosen(firstGroup, rowsOf);
		for (CachedRead read : this.expected) {
			read.expected = false;
			int expert = read.block().group() - firstGroup;
			boolean needed = expert >= 0 && expert < rowsOf.length && rowsOf[expert] > 0;
			if (!needed && !read.dropped()) {
				if (read.underWay()) {
					cancelPrefetch(read, cache);
				}
				else if (!this.keepsExperts && !read.held()) {
					cache.remove(read);
				}
			}
		}
		this.expected.clear();
	}

	private void cancelPrefetch(CachedRead read, ExpertCache cache) {
		this.queue.change((schedule) -> {
			long cancelled = schedule.cancel(read);
			boolean untouched = cancelled == read.block().bytes();
			this.bytes.addAndGet(-cancelled);
			this.reads.addAndGet(untouched ? -1 : 0);
			read.unproven &= !untouched;
		});
		if (!read.underWay()) {
			cache.remove(read);
		}
	}

	/** Expects nothing any more. */
	void clear() {
		this.expected.forEach((read) -> read.expected = false);
		this.expected.clear();
	}

	/** A layer needs a block. */
	void needed(CachedRead read) {
		if (read.unproven) {
			read.unproven = false;
			this.used.incrementAndGet();
		}
	}

	/** A block leaves the memory. */
	void evicted(CachedRead read) {
		if (read.unproven) {
			read.unproven = false;
			this.wasted.incrementAndGet();
			this.wastedBytes.addAndGet(read.block().bytes());
		}
	}

	/**
	 * {@return prefetched blocks}
	 */
	long reads() {
		return this.reads.get();
	}

	/**
	 * {@return bytes of prefetched blocks}
	 */
	long bytes() {
		return this.bytes.get();
	}

	/**
	 * {@return prefetched blocks that a layer needed}
	 */
	long used() {
		return this.used.get();
	}

	/**
	 * {@return prefetched blocks that no layer needed before they were evicted}
	 */
	long wasted() {
		return this.wasted.get();
	}

	long wastedBytes() {
		return this.wastedBytes.get();
	}

}
