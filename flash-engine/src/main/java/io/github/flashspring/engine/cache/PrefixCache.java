package io.github.flashspring.engine.cache;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.device.Buffer;
import io.github.flashspring.engine.device.KvPages;
import io.github.flashspring.engine.metrics.PrefixMetrics;

/**
 * Pages that sequences left behind, as a tree over their tokens: whoever has the same
 * tokens before continues behind them. Pages come from the {@link KvCache}, which takes
 * them back when a sequence needs memory: leaves first, of these the one that costs the
 * least to compute again for its bytes, and of such the one that was used longest ago.
 *
 * <p>
 * A sequence resumes at the end of a page where all that the next token attends to is
 * there: all pages of groups without a window, pages within the windows of the others,
 * and the state, if the model has one. A leaf at which nobody can resume is removed.
 */
final class PrefixCache {

	private final KvCache cache;

	private final ResumePoints points;

	private final int pageTokens;

	private final PrefixNode root;

	private final PrefixLeaves leaves;

	private long hits;

	private long misses;

	private long hitTokens;

	private long evictedPages;

	private int nodes;

	private int snapshots;

	PrefixCache(KvCache cache, ResumePoints points) {
		this.cache = cache;
		this.points = points;
		this.pageTokens = cache.layout().pageTokens();
		this.leaves = new PrefixLeaves(cache, points, this::resumable);
		this.root = new PrefixNode(null, TokenPage.of(new int[0], 0, 0), points.groups());
	}

	ResumePoints points() {
		return this.points;
	}

	/**
	 * Finds the longest prefix that a sequence can resume behind; at least its last token
	 * is left to compute.
	 * @param tokens of the sequence
	 * @param length number of tokens
	 * @return nodes of the pages in order; empty if there is none
	 */
	List<PrefixNode> find(int[] tokens, int length) {
		List<PrefixNode> path = matching(tokens, (length - 1) / this.pageTokens);
		List<PrefixNode> found = path.subList(0, resumable(path));
		found.forEach(this::use);
		return found;
	}

	/**
	 * {@return the most pages of a path behind which a sequence can resume}
	 */
	int resumable(List<PrefixNode> path) {
		int pages = path.size();
		while (pages > 0 && !resumable(path, pages)) {
			pages--;
		}
		return pages;
	}

	/**
	 * Notes that a sequence begins.
	 * @param resumedTokens tokens that it need not compute
	 */
	void began(int resumedTokens) {
		if (resumedTokens > 0) {
			this.hits++;
			this.hitTokens += resumedTokens;
		}
		else {
			this.misses++;
		}
	}

	/** Nodes of the first pages of some tokens, as far as there are any. */
	List<PrefixNode> matching(int[] tokens, int pages) {
		List<PrefixNode> path = new ArrayList<>();
		PrefixNode node = this.root;
		for (int i = 0; i < pages; i++) {
			node = node.children().get(TokenPage.of(tokens, i, this.pageTokens));
			if (node == null) {
				break;
			}
			path.add(node);
		}
		return path;
	}

	private boolean resumable(List<PrefixNode> path, int pages) {
		if (this.points.states() && path.get(pages - 1).snapshot() == null) {
			return false;
		}
		for (int group = 0; group < this.points.groups(); group++) {
			// of groups without a window, nodes have all pages
			for (int i = this.points.windowed(group) ? this.points.firstNeeded(group, pages) : pages; i < pages; i++) {
				if (path.get(i).page(group) == KvPages.NONE) {
					return false;
				}
			}
		}
		return true;
	}

	private boolean resumable(PrefixNode node) {
		return resumable(path(node), node.depth());
	}

	private List<PrefixNode> path(PrefixNode node) {
		List<PrefixNode> path = new ArrayList<>();
		for (PrefixNode each = node; each != null && each != this.root; each = each.parent()) {
			path.add(each);
		}
		Collections.reverse(path);
		return path;
	}

	/**
	 * Keeps the first pages of a sequence.
	 * @param tokens of the sequence
	 * @param ends how many pages, all of them full; ascending, each where a sequence can
	 * be resumed
	 * @param memory has them
	 * @param state behind these pages, which the cache closes from now on; null where the
	 * model has none
	 * @return tokens that the cache did not have before
	 */
	int put(int[] tokens, int[] ends, SequenceMemory memory, @Nullable Buffer state) {
		int pages = ends[ends.length - 1];
		PrefixNode node = this.root;
		int added = 0;
		List<PrefixNode> path = new ArrayList<>();
		for (int i = 0; i < pages; i++) {
			TokenPage key = TokenPage.of(tokens, i, this.pageTokens);
			PrefixNode child = node.children().get(key);
			if (child == null) {
				child = add(node, key, i, memory);
				added += this.pageTokens;
			}
			use(child);
			path.add(child);
			node = child;
		}
		for (int end : ends) {
			for (int group = 0; group < this.points.groups(); group++) {
				for (int i = this.points.firstNeeded(group, end); this.points.windowed(group) && i < end; i++) {
					share(path.get(i), group, memory.page(group, i));
				}
			}
		}
		if (state != null) {
			keep(node, state);
		}
		prune(node);
		return added;
	}

	/**
	 * Makes nodes for pages that are read. The last one is not evicted until
	 * {@link #grown}.
	 * @param tokens of a sequence
	 * @param pages how many pages
	 * @return the nodes of all pages
	 */
	List<PrefixNode> grow(int[] tokens, int pages) {
		List<PrefixNode> path = matching(tokens, pages);
		PrefixNode node = path.isEmpty() ? this.root : path.getLast();
		for (int i = path.size(); i < pages; i++) {
			node = child(node, TokenPage.of(tokens, i, this.pageTokens));
			path.add(node);
		}
		path.forEach(this::use);
		this.leaves.growing(node);
		return path;
	}

	/** Removes nodes whose pages were not read. */
	void grown(PrefixNode last) {
		this.leaves.growing(null);
		PrefixNode node = last;
		while (node != this.root && !complete(node)) {
			node = remove(node);
		}
	}

	private boolean complete(PrefixNode node) {
		for (int group = 0; group < this.points.groups(); group++) {
			if (!this.points.windowed(group) && node.page(group) == KvPages.NONE) {
				return false;
			}
		}
		return !node.children().isEmpty() || this.points.groups() > 0 || node.snapshot() != null;
	}

	private PrefixNode child(PrefixNode parent, TokenPage key) {
		PrefixNode child = new PrefixNode(parent, key, this.points.groups());
		parent.children().put(key, child);
		this.leaves.remove(parent);
		this.leaves.add(child);
		this.nodes++;
		return child;
	}

	private PrefixNode add(PrefixNode parent, TokenPage key, int index, SequenceMemory memory) {
		PrefixNode child = child(parent, key);
		for (int group = 0; group < this.points.groups(); group++) {
			if (!this.points.windowed(group)) {
				share(child, group, memory.page(group, index));
			}
		}
		return child;
	}

	private void share(PrefixNode node, int group, int page) {
		if (node.page(group) == KvPages.NONE && page != KvPages.NONE) {
			this.cache.retain(page);
			node.page(group, page);
		}
	}

	/** Keeps a state, which the cache closes from now on, behind a page. */
	void keep(PrefixNode node, Buffer state) {
		if (node == this.root || node.snapshot() != null) {
			this.cache.prefixes().freeSnapshot(state);
			return;
		}
		node.snapshot(state);
		this.cache.prefixes().keptSnapshots(1);
		this.snapshots++;
	}

	/**
	 * Drops the state behind some pages, for a newer one of the same sequence.
	 * @param tokens of the sequence
	 * @param pages how many pages
	 */
	void dropSnapshot(int[] tokens, int pages) {
		List<PrefixNode> path = matching(tokens, pages);
		if (path.size() == pages && pages > 0) {
			PrefixNode node = path.getLast();
			dropSnapshot(node);
			prune(node);
		}
	}

	private void dropSnapshot(PrefixNode node) {
		Buffer state = node.snapshot();
		if (state != null) {
			node.snapshot(null);
			this.cache.prefixes().keptSnapshots(-1);
			this.cache.prefixes().freeSnapshot(state);
			this.snapshots--;
		}
	}

	private void use(PrefixNode node) {
		this.leaves.use(node);
	}

	/** Removes a leaf at which nobody can resume, and then those before it. */
	private void prune(PrefixNode node) {
		PrefixNode last = node;
		while (last != this.root && last.children().isEmpty() && !resumable(last)) {
			last = remove(last);
		}
	}

	/** Removes a leaf; returns its parent. */
	private PrefixNode remove(PrefixNode leaf) {
		PrefixNode parent = leaf.parent();
		if (parent == null) {
			throw new IllegalStateException("The root of the prefix cache cannot be removed");
		}
		for (int group = 0; group < this.points.groups(); group++) {
			if (leaf.page(group) != KvPages.NONE) {
				this.cache.release(leaf.page(group));
				leaf.page(group, KvPages.NONE);
			}
		}
		dropSnapshot(leaf);
		parent.children().remove(leaf.tokens());
		this.leaves.remove(leaf);
		if (parent != this.root && parent.children().isEmpty()) {
			this.leaves.add(parent);
		}
		this.nodes--;
		return parent;
	}

	/**
	 * Removes the least valuable leaf, and those before it at which nobody can resume.
	 * Leaves that free no memory, because sequences use them, come last.
	 * @return false if the cache is empty
	 */
	boolean evict() {
		PrefixNode least = this.leaves.least();
		if (least == null) {
			return false;
		}
		int before = this.nodes;
		prune(remove(least));
		this.evictedPages += before - this.nodes;
		return true;
	}

	/** Forgets everything. */
	void clear() {
		PrefixNode leaf = this.leaves.any();
		while (leaf != null) {
			remove(leaf);
			leaf = this.leaves.any();
		}
	}

	/**
	 * {@return what the cache has done and holds}
	 */
	PrefixMetrics metrics(long bytes) {
		return new PrefixMetrics(this.hits, this.misses, this.hitTokens, this.evictedPages,
				(long) this.nodes * this.pageTokens, this.snapshots, bytes, PrefixMetrics.Disk.NONE);
	}

}
