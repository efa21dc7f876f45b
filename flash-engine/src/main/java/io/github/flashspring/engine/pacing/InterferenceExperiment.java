package io.github.flashspring.engine.pacing;

/**
 * Decides when prefetches rest so that a few layers are computed alone, which the
 * {@link InterferenceEstimator} compares with the others. Not safe for use by several
 * threads.
 */
final class InterferenceExperiment {

	/** Layers for which reads rest at most, so that a few of them are computed alone. */
	private static final int MAX_SPELL = 12;

	/**
	 * Passes without a measurement once nothing is held back, and nothing need be; twice
	 * as many each time that this is confirmed.
	 */
	private static final int RESTING_PASSES = 32;

	private static final int MAX_RESTING_PASSES = 128;

	private final InterferenceEstimator estimator = new InterferenceEstimator();

	private boolean quiet;

	/** Layers since reads began or ceased to rest. */
	private int spell;

	/** Whether one of them was computed alone, as reads rested. */
	private boolean spellWasAlone;

	/** Passes until interference is measured again. */
	private int resting;

	private int nextResting = RESTING_PASSES;

	InterferenceEstimator estimator() {
		return this.estimator;
	}

	/**
	 * {@return whether prefetches rest until a few layers were computed alone}
	 */
	boolean isQuiet() {
		return this.quiet;
	}

	void beginPass() {
		this.resting = Math.max(0, this.resting - 1);
	}

	/**
	 * Adds a layer that was computed.
	 * @param nanos time that it computed
	 * @param usual about how long it computes with no concurrent reads
	 * @param readsWereRunning whether there were concurrent reads
	 * @return whether the estimate has changed
	 */
	boolean add(double nanos, double usual, boolean readsWereRunning) {
		return this.resting == 0 && this.estimator.add(nanos, usual, readsWereRunning, this.quiet);
	}

	/**
	 * Says whether prefetches are to rest: now and then while layers are missing that
	 * compute alone, for a few layers only, as what was prefetched lasts no longer.
	 * @param readsWereRunning whether there were reads next to the last layer
	 * @return whether {@link #begin} is to change that
	 */
	boolean changes(boolean readsWereRunning) {
		this.spell++;
		this.spellWasAlone |= this.quiet && !readsWereRunning;
		boolean wanted = this.resting == 0 && this.estimator.wantsQuiet();
		return this.quiet ? !wanted || this.spell >= MAX_SPELL || (this.spellWasAlone && readsWereRunning)
				: wanted && this.spell >= InterferenceEstimator.MIN_LAYERS;
	}

	/** Begins a spell in which prefetches rest, or one in which they do not. */
	void begin(boolean quietSpell) {
		this.quiet = quietSpell;
		this.spell = 0;
		this.spellWasAlone = false;
	}

	/** Nothing need be measured for some passes. */
	void rest() {
		this.resting = this.nextResting;
		this.nextResting = Math.min(MAX_RESTING_PASSES, 2 * this.nextResting);
		this.estimator.forget();
	}

	/** Measures anew, as reads have changed. */
	void restart() {
		this.nextResting = RESTING_PASSES;
		this.estimator.forget();
	}

}
