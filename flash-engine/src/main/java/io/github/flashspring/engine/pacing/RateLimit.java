package io.github.flashspring.engine.pacing;

/**
 * A limit to the rate of reads that follows how much they slow compute down: only what is
 * certain changes it, or what still seems so when no more is to be learnt. Not safe for
 * use by several threads.
 */
final class RateLimit {

	/** Part of the allowed slowdown that is aimed at, so that noise stays within it. */
	private static final double AIM = 0.8;

	/** Windows before the limit may change. */
	private static final int MIN_WINDOWS = 8;

	/** Standard errors within which a slowdown may be more or less than it seems. */
	private static final double CERTAINTY = 2.5;

	/** Least share of the disk's rate that is left to prefetches. */
	private static final double MIN_SHARE = 1.0 / 32;

	private final double maxSlowdown;

	private double bytesPerSecond = Double.POSITIVE_INFINITY;

	/**
	 * No limit yet.
	 * @param maxSlowdown by how much reads may lengthen compute: 0.05 for 5 %
	 */
	RateLimit(double maxSlowdown) {
		this.maxSlowdown = maxSlowdown;
	}

	/**
	 * {@return the limit; infinite if there is none}
	 */
	double bytesPerSecond() {
		return this.bytesPerSecond;
	}

	/**
	 * Compares the slowdown with what is allowed, and both ends of what it may be.
	 * @param estimate the slowdown
	 * @param rate of reads while it was measured, in bytes per second
	 * @param diskRate what the disk can do, in bytes per second
	 * @return what follows
	 */
	Decision adjust(InterferenceEstimator estimate, double rate, double diskRate) {
		int windows = estimate.windows();
		if (windows < MIN_WINDOWS || rate <= 0) {
			return Decision.NOT_KNOWN;
		}
		double slowdown = estimate.slowdown();
		double error = CERTAINTY * estimate.error();
		double aim = AIM * this.maxSlowdown;
		boolean last = windows == InterferenceEstimator.WINDOWS;
		boolean limited = Double.isFinite(this.bytesPerSecond);
		double factor = 1;
		double from = this.bytesPerSecond;
		if (slowdown - error > this.maxSlowdown) {
			// It grows with the share of the time in which the disk is busy.
			from = Math.min(this.bytesPerSecond, rate);
			factor = Math.clamp(aim / slowdown, 0.25, 0.9);
		}
		else if (slowdown + error < this.maxSlowdown) {
			if (!limited) {
				return Decision.CONFIRMED;
			}
			if (slowdown >= aim) {
				return Decision.KEPT;
			}
			factor = Math.clamp(aim / Math.max(slowdown + error / 2, 0.5 * aim), 1, 2);
		}
		else if (last && slowdown > this.maxSlowdown) {
			from = Math.min(this.bytesPerSecond, rate);
			factor = Math.clamp(aim / slowdown, 0.7, 0.95);
		}
		else if (last && limited) {
			factor = Math.clamp(aim / Math.max(slowdown, 0.5 * aim), 0.85, 1.15);
		}
		else {
			return last ? Decision.CONFIRMED : Decision.KEPT;
		}
		this.bytesPerSecond = Math.max(from * factor, MIN_SHARE * diskRate);
		if (this.bytesPerSecond > 2 * diskRate) {
			this.bytesPerSecond = Double.POSITIVE_INFINITY;
		}
		return Decision.CHANGED;
	}

	/** What follows from an estimate. */
	enum Decision {

		/** Too little was measured. */
		NOT_KNOWN,

		/** Nothing changes so far. */
		KEPT,

		/** There is no limit, and none is needed: measuring may rest. */
		CONFIRMED,

		/** The limit is another one: measuring begins anew. */
		CHANGED

	}

}
