package io.github.flashspring.engine.residency;

import io.github.flashspring.engine.reading.BlockRead;
import io.github.flashspring.engine.reading.ReadQueue;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.function.Predicate;

import io.github.flashspring.engine.reading.ReadRange.Urgency;
import io.github.flashspring.engine.weights.Block;
import org.jspecify.annotations.Nullable;

/**
 * Reads the blocks of experts that a layer lacks: as many at once as keep the readers
 * busy, so that a prompt that needs all experts does not evict more than that. Used by
 * the thread that computes alone.
 */
final class ExpertDemand {

	private final ReadQueue queue;

	private final ExpertCache cache;

	private final int maxBegun;

	/** Not read yet, in the order in which the layer computes. */
	private final Deque<Block> lacking = new ArrayDeque<>();

	/** Blocks that are being read or wait to be computed with. */
	private int begun;

	/**
	 * Lacks nothing yet.
	 * @param queue reads
	 * @param cache takes blocks in
	 * @param maxBegun most blocks at once
	 */
	ExpertDemand(ReadQueue queue, ExpertCache cache, int maxBegun) {
		this.queue = queue;
		this.cache = cache;
		this.maxBegun = maxBegun;
	}

	/** The pass lacks nothing any more. */
	void clear() {
		this.lacking.clear();
		this.begun = 0;
		for (CachedRead read : this.cache.all()) {
			read.wanted = false;
			read.counted = false;
		}
	}

	/**
	 * The layer lacks some of the blocks of an expert.
	 * @param blocks all its blocks
	 * @return bytes that are to be read
	 */
	long lack(List<Block> blocks) {
		long bytes = 0;
		for (Block block : blocks) {
			if (this.cache.get(block) == null) {
				this.lacking.addLast(block);
				bytes += block.bytes();
			}
		}
		return bytes;
	}

	/**
	 * Begins to read what is lacking.
	 * @param promoted what is read already, and is needed now
	 */
	void read(List<CachedRead> promoted) {
		List<CachedRead> added = new ArrayList<>();
		while (!this.lacking.isEmpty() && this.begun < this.maxBegun) {
			CachedRead read = admit(this.lacking.getFirst(), (other) -> !other.wanted);
			if (read == null) {
				break;
			}
			this.lacking.removeFirst();
			read.wanted = true;
			read.counted = true;
			this.begun++;
			added.add(read);
		}
		if (!promoted.isEmpty() || !added.isEmpty()) {
			this.queue.change((schedule) -> {
				promoted.forEach(schedule::promote);
				added.forEach((read) -> schedule.add(read, Urgency.NOW));
			});
		}
	}

	/** The layer has computed with a block. */
	void computed(CachedRead read) {
		read.wanted = false;
		this.begun -= read.counted ? 1 : 0;
		read.counted = false;
	}

	/**
	 * {@return a block for which there was no memory before, begun to be read}
	 */
	CachedRead fetch(Block block) {
		this.lacking.remove(block);
		CachedRead read = admit(block, (other) -> !other.wanted);
		while (read == null) {
			long seen = this.queue.completions().count();
			boolean underWay = this.cache.all().stream().anyMatch(BlockRead::underWay);
			read = admit(block, (other) -> true);
			if (read == null && !underWay) {
				throw new IllegalStateException("The memory for experts is too small for " + block.bytes() + " bytes");
			}
			if (read == null) {
				this.queue.signal();
				this.queue.completions().await(seen);
			}
		}
		read.wanted = true;
		CachedRead added = read;
		this.queue.change((schedule) -> schedule.add(added, Urgency.NOW));
		return read;
	}

	private @Nullable CachedRead admit(Block block, Predicate<CachedRead> yielding) {
		return this.cache.admit(block, Double.POSITIVE_INFINITY, yielding);
	}

}
