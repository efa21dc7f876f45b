package io.github.flashspring.engine.metrics;

/**
 * What the prefix cache has done and holds.
 *
 * @param hits requests that began behind a prefix
 * @param misses requests that began with their first token
 * @param hitTokens tokens that were not computed again
 * @param evictedPages pages of tokens that were evicted from memory
 * @param tokens tokens of all pages in memory
 * @param snapshots copies of states in memory
 * @param bytes memory that only the cache has: pages that running requests use as well
 * are theirs
 * @param disk what it has on disk
 */
public record PrefixMetrics(long hits, long misses, long hitTokens, long evictedPages, long tokens, int snapshots,
		long bytes, Disk disk) {

	/** Of an engine without a prefix cache. */
	public static final PrefixMetrics NONE = new PrefixMetrics(0, 0, 0, 0, 0, 0, 0, Disk.NONE);

	/**
	 * {@return the same with what is on disk}
	 * @param found what is on disk
	 */
	public PrefixMetrics with(Disk found) {
		return new PrefixMetrics(this.hits, this.misses, this.hitTokens, this.evictedPages, this.tokens, this.snapshots,
				this.bytes, found);
	}

	/**
	 * The part on disk.
	 *
	 * @param hitTokens tokens that were read from disk
	 * @param bytes size of all files
	 * @param files number of files
	 * @param readBytes bytes read
	 * @param writtenBytes bytes written
	 * @param dropped pages of tokens that were not written, because the queue was full or
	 * the disk refused them
	 * @param damaged files that were damaged, foreign or half-written, and removed
	 * @param evictedFiles files that were removed to keep the limit
	 */
	public record Disk(long hitTokens, long bytes, int files, long readBytes, long writtenBytes, long dropped,
			long damaged, long evictedFiles) {

		/** Of an engine that keeps nothing on disk. */
		public static final Disk NONE = new Disk(0, 0, 0, 0, 0, 0, 0, 0);

	}

}
