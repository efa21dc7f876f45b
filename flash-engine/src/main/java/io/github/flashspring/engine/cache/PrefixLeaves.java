package io.github.flashspring.engine.cache;

import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Set;
import java.util.function.Predicate;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.device.KvPages;

/**
 * The leaves of the {@link PrefixCache}, and which of them is worth the least.
 */
final class PrefixLeaves {

	private final KvCache cache;

	private final ResumePoints points;

	private final Predicate<PrefixNode> resumable;

	private final Set<PrefixNode> leaves = Collections.newSetFromMap(new IdentityHashMap<>());

	/** Leaf whose pages are being read; null if there is none. */
	private @Nullable PrefixNode growing;

	private long uses;

	/** What the leaf that was evicted last was worth. */
	private double floor;

	/**
	 * Makes an empty set.
	 * @param cache has the pages
	 * @param points tells what they take
	 * @param resumable whether a sequence can resume behind a node
	 */
	PrefixLeaves(KvCache cache, ResumePoints points, Predicate<PrefixNode> resumable) {
		this.cache = cache;
		this.points = points;
		this.resumable = resumable;
	}

	void add(PrefixNode leaf) {
		this.leaves.add(leaf);
	}

	void remove(PrefixNode leaf) {
		this.leaves.remove(leaf);
	}

	void use(PrefixNode node) {
		node.used(++this.uses, this.floor);
	}

	/** Keeps a leaf while its pages are read; null: none. */
	void growing(@Nullable PrefixNode leaf) {
		this.growing = leaf;
	}

	/**
	 * {@return any leaf; null if there is none}
	 */
	@Nullable PrefixNode any() {
		return this.leaves.isEmpty() ? null : this.leaves.iterator().next();
	}

	/**
	 * The least valuable leaf, which is evicted. Leaves that free no memory, because
	 * sequences use them, come last.
	 * @return the leaf; null if there is none
	 */
	@Nullable PrefixNode least() {
		PrefixNode least = null;
		double worth = 0;
		boolean frees = false;
		for (PrefixNode leaf : this.leaves) {
			if (leaf == this.growing) {
				continue;
			}
			boolean leafFrees = freesMemory(leaf);
			double leafWorth = worth(leaf);
			boolean less = leafFrees && !frees;
			if (least != null && leafFrees == frees) {
				less = leafWorth < worth || (leafWorth == worth && leaf.lastUse() < least.lastUse());
			}
			if (least == null || less) {
				least = leaf;
				worth = leafWorth;
				frees = leafFrees;
			}
		}
		this.floor = Math.max(this.floor, worth);
		return least;
	}

	/**
	 * What a leaf is worth: pages of tokens that must be computed again without it, for
	 * each page of memory that it takes, on top of what was worth the least when it was
	 * last used. So what is not used for long loses its worth, however dear it was.
	 */
	private double worth(PrefixNode leaf) {
		int pages = 0;
		long bytes = 0;
		PrefixNode node = leaf;
		do {
			pages++;
			bytes += this.points.bytes(node);
			node = node.parent();
		}
		while (node != null && node.depth() > 0 && node.children().size() == 1 && !this.resumable.test(node));
		return leaf.floor() + (double) pages * this.points.unitBytes() / Math.max(1, bytes);
	}

	private boolean freesMemory(PrefixNode leaf) {
		if (leaf.snapshot() != null) {
			return true;
		}
		for (int group = 0; group < this.points.groups(); group++) {
			if (leaf.page(group) != KvPages.NONE && !this.cache.isShared(leaf.page(group))) {
				return true;
			}
		}
		return false;
	}

}
