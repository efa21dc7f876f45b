package io.github.flashspring.engine.storage;

import java.util.function.LongSupplier;

/**
 * Rate of a disk while it is busy, over the last reads: their bytes, divided by the time
 * in which at least one of them ran. Not safe for use by several threads.
 */
public final class DiskRate {

	private static final int READS = 32;

	/** Weight of a new value in moving averages. */
	private static final double WEIGHT = 0.25;

	/** What is left of the best rate each time that it was not seen again. */
	private static final double FADING = 0.98;

	private final LongSupplier clock;

	private final long[] bytes = new long[READS];

	private final long[] starts = new long[READS];

	private final long[] ends = new long[READS];

	private int count;

	private double readNanos;

	private double best;

	/**
	 * Knows no reads yet.
	 * @param clock nanoseconds, as {@link System#nanoTime}
	 */
	public DiskRate(LongSupplier clock) {
		this.clock = clock;
	}

	/**
	 * Notes a read that just ended.
	 * @param size its bytes
	 * @param nanos time that it took
	 */
	public void add(long size, long nanos) {
		int slot = this.count++ % READS;
		this.count = (this.count == 2 * READS) ? READS : this.count;
		this.bytes[slot] = size;
		this.ends[slot] = this.clock.getAsLong();
		this.starts[slot] = this.ends[slot] - Math.max(1, nanos);
		this.readNanos += WEIGHT * (nanos - this.readNanos);
	}

	/**
	 * {@return time that a read takes, in nanoseconds, on average}
	 */
	public double readNanos() {
		return this.readNanos;
	}

	/** Compares the rate with the best one, as at the end of each pass. */
	public void updateBest() {
		this.best = Math.max(FADING * this.best, bytesPerSecond());
	}

	/**
	 * {@return what the disk can do, in bytes per second: reads held back do not show it}
	 */
	public double best() {
		return this.best;
	}

	/**
	 * {@return bytes per second; 0 before the first read}
	 */
	public double bytesPerSecond() {
		int known = Math.min(this.count, READS);
		double sum = 0;
		double busy = 0;
		// They were noted in the order in which they ended: from the last one backwards,
		// each adds what lies before all later ones. Differences, since the clock may
		// pass through its largest value.
		long earliest = 0;
		for (int i = 0; i < known; i++) {
			int read = Math.floorMod(this.count - 1 - i, READS);
			long end = (i == 0 || this.ends[read] - earliest < 0) ? this.ends[read] : earliest;
			busy += Math.max(0, end - this.starts[read]);
			earliest = (i == 0 || this.starts[read] - earliest < 0) ? this.starts[read] : earliest;
			sum += this.bytes[read];
		}
		return (known == 0) ? 0 : sum / busy * 1e9;
	}

}
