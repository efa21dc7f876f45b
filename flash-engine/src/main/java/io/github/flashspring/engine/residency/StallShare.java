package io.github.flashspring.engine.residency;

/** Share of the time of passes in which compute waited, on average over the last ones. */
final class StallShare {

	/** Weight of a pass in the average. */
	private static final double WEIGHT = 0.25;

	private long passStart;

	private long stallNanos;

	private double share;

	/** Compute waited in this pass. */
	void stalled(long nanos) {
		this.stallNanos += nanos;
	}

	/**
	 * Begins a pass, which ends the one before.
	 * @param now of {@link System#nanoTime}
	 * @return share of the passes before, from 0 to 1
	 */
	double beginPass(long now) {
		if (this.passStart != 0) {
			double last = Math.min(1, (double) this.stallNanos / Math.max(1, now - this.passStart));
			this.share += WEIGHT * (last - this.share);
		}
		this.passStart = now;
		this.stallNanos = 0;
		return this.share;
	}

}
