package io.github.flashspring.engine.metrics;

/**
 * Reads of weights from disk since the engine was loaded.
 *
 * @param bytesRead bytes
 * @param reads number of reads, as calls of the system
 * @param nanos time that reads took, in nanoseconds; reads that overlap count each
 * @param rowBytes bytes that were read for single rows of the embedding
 * @param aheadBytes bytes in memory at this moment that the next layers will use once
 * @param stallNanos time that compute waited for reads, in nanoseconds
 * @param computeNanos time that layers computed, without waiting, in nanoseconds
 * @param longestReadNanos time of the longest read, in nanoseconds
 * @param failures reads that failed although they were tried again
 * @param readsInFlight reads under way at this moment
 * @param readsQueued reads that have memory and wait for their turn at this moment
 */
public record IoMetrics(long bytesRead, long reads, long nanos, long rowBytes, long aheadBytes, long stallNanos,
		long computeNanos, long longestReadNanos, long failures, int readsInFlight, int readsQueued) {

	/**
	 * Reads, without what only a streaming engine can tell.
	 * @param bytesRead bytes
	 * @param reads number of reads, as calls of the system
	 * @param nanos time that reads took, in nanoseconds
	 * @param stallNanos time that compute waited for reads, in nanoseconds
	 */
	public IoMetrics(long bytesRead, long reads, long nanos, long stallNanos) {
		this(bytesRead, reads, nanos, 0, 0, stallNanos, 0, 0, 0, 0, 0);
	}

}
