package io.github.flashspring.engine.pacing;

/**
 * The rate of reads over the time in which prefetches did not rest. Not safe for use by
 * several threads.
 */
final class OpenRate {

	private static final double NANOS = 1e9;

	/** When the time began that is not accounted for yet. */
	private long spanStart;

	/** Bytes read since. */
	private double spanBytes;

	private double nanos;

	private double bytes;

	/** Begins to measure. */
	void start(long now) {
		this.spanStart = now;
	}

	void read(long length) {
		this.spanBytes += length;
	}

	/**
	 * Ends a span of time and begins the next.
	 * @param now end of the span
	 * @param open whether prefetches did not rest in it
	 */
	void account(long now, boolean open) {
		if (open) {
			this.nanos += now - this.spanStart;
			this.bytes += this.spanBytes;
		}
		this.spanStart = now;
		this.spanBytes = 0;
	}

	double bytesPerSecond() {
		return this.bytes / Math.max(1, this.nanos) * NANOS;
	}

	/** Forgets all spans that were accounted for. */
	void restart() {
		this.nanos = 0;
		this.bytes = 0;
	}

}
