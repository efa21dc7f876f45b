package io.github.flashspring.engine.cache;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.device.Buffer;
import io.github.flashspring.engine.device.KvPages;

/**
 * A page of tokens behind others, and what was computed of it.
 */
final class PrefixNode {

	private final @Nullable PrefixNode parent;

	private final TokenPage tokens;

	private final int depth;

	private final int[] pages;

	private final Map<TokenPage, PrefixNode> children = new HashMap<>(2);

	/** State behind the last token of the page. */
	private @Nullable Buffer snapshot;

	private long lastUse;

	/** What the least valuable page was worth when this one was last used. */
	private double floor;

	/**
	 * Makes a node without pages.
	 * @param parent null for the root
	 * @param tokens of the page; of the root, none
	 * @param groups groups of layers
	 */
	PrefixNode(@Nullable PrefixNode parent, TokenPage tokens, int groups) {
		this.parent = parent;
		this.tokens = tokens;
		this.depth = (parent != null) ? parent.depth + 1 : 0;
		this.pages = new int[groups];
		Arrays.fill(this.pages, KvPages.NONE);
	}

	@Nullable PrefixNode parent() {
		return this.parent;
	}

	TokenPage tokens() {
		return this.tokens;
	}

	/**
	 * {@return pages from the beginning up to this one}
	 */
	int depth() {
		return this.depth;
	}

	/**
	 * {@return id of the page of a group, or {@link KvPages#NONE}}
	 */
	int page(int group) {
		return this.pages[group];
	}

	void page(int group, int id) {
		this.pages[group] = id;
	}

	Map<TokenPage, PrefixNode> children() {
		return this.children;
	}

	@Nullable Buffer snapshot() {
		return this.snapshot;
	}

	void snapshot(@Nullable Buffer state) {
		this.snapshot = state;
	}

	long lastUse() {
		return this.lastUse;
	}

	double floor() {
		return this.floor;
	}

	void used(long time, double least) {
		this.lastUse = time;
		this.floor = least;
	}

}
