package io.github.flashspring.engine.cache;

/**
 * What the prefix cache in memory has done and holds.
 *
 * @param hits sequences that resumed behind a prefix
 * @param misses sequences that began with their first token
 * @param hitTokens tokens that were not computed again
 * @param evictedPages pages of tokens that were evicted
 * @param tokens tokens of all pages that it holds
 * @param snapshots states that it holds
 * @param bytes memory that only the cache holds: pages that running sequences use as well
 * are theirs
 */
public record PrefixStatistics(long hits, long misses, long hitTokens, long evictedPages, long tokens, int snapshots,
		long bytes) {

	/** Of an engine without a prefix cache. */
	public static final PrefixStatistics NONE = new PrefixStatistics(0, 0, 0, 0, 0, 0, 0);

}
