package io.github.flashspring.engine.residency;

import io.github.flashspring.engine.reading.BlockRead;
import io.github.flashspring.engine.weights.Block;

/** A block of an expert in the {@link ExpertCache}. */
final class CachedRead extends BlockRead {

	private final ExpertCache.Slot slot;

	/** Index in the cache's list. */
	int index;

	/** Whether the layer that computes needs it and has not computed it yet. */
	boolean wanted;

	/** Whether it counts among the reads that the layer that computes has begun. */
	boolean counted;

	/** Whether the next layer with experts will probably need it. */
	boolean expected;

	/** Whether it was prefetched, and nobody has needed it yet. */
	volatile boolean unproven;

	CachedRead(Block block, ExpertCache.Slot slot) {
		super(block, slot.memory(), 0, slot.lastUse());
		this.slot = slot;
	}

	ExpertCache.Slot slot() {
		return this.slot;
	}

}
