package io.github.flashspring.engine.storage;

import java.util.function.LongSupplier;

/**
 * Lets bytes through at a rate. A read goes as soon as the balance is not negative and is
 * paid for afterwards, so that reads of any size pass and the average holds. Not safe for
 * use by several threads.
 */
public final class TokenBucket {

	private static final double NANOS = 1e9;

	private final LongSupplier clock;

	private final double capacity;

	private double bytesPerSecond = Double.POSITIVE_INFINITY;

	private double balance;

	private long filled;

	/**
	 * Creates a bucket that lets everything through.
	 * @param clock nanoseconds, as {@link System#nanoTime}
	 * @param capacity most bytes that may be saved up while nothing is read
	 */
	public TokenBucket(LongSupplier clock, long capacity) {
		this.clock = clock;
		this.capacity = capacity;
		this.balance = capacity;
		this.filled = clock.getAsLong();
	}

	/**
	 * Changes the rate from now on. What was taken before is still to be paid.
	 * @param bytesPerSecond more than 0; infinite to let everything through
	 */
	public void rate(double bytesPerSecond) {
		if (!(bytesPerSecond > 0)) {
			throw new IllegalArgumentException("A rate must be more than 0 bytes per second, found " + bytesPerSecond);
		}
		fill();
		this.bytesPerSecond = bytesPerSecond;
	}

	/**
	 * Asks for bytes.
	 * @param bytes how many
	 * @return 0 if they may pass, and are taken; else how long to wait before asking
	 * again, in nanoseconds
	 */
	public long take(long bytes) {
		fill();
		if (this.balance < 0) {
			return Math.max(1, (long) Math.ceil(-this.balance / (this.bytesPerSecond / NANOS)));
		}
		this.balance -= bytes;
		return 0;
	}

	private void fill() {
		long now = this.clock.getAsLong();
		double income = (now - this.filled) * (this.bytesPerSecond / NANOS);
		this.balance = Double.isFinite(this.bytesPerSecond) ? Math.min(this.capacity, this.balance + income)
				: this.capacity;
		this.filled = now;
	}

}
