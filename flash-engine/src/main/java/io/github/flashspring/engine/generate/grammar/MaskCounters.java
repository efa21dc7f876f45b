package io.github.flashspring.engine.generate.grammar;

import java.util.concurrent.atomic.LongAdder;

import io.github.flashspring.engine.metrics.GrammarMetrics;

/**
 * Counts the masks of an engine, and the time that they take. Thread-safe.
 */
public final class MaskCounters {

	private final LongAdder used = new LongAdder();

	private final LongAdder ready = new LongAdder();

	private final LongAdder computed = new LongAdder();

	private final LongAdder nanos = new LongAdder();

	/** A mask was needed. */
	void used(boolean known) {
		this.used.increment();
		if (known) {
			this.ready.increment();
		}
	}

	/** A mask was computed. */
	void computed(long time) {
		this.computed.increment();
		this.nanos.add(time);
	}

	/**
	 * What was counted until now.
	 * @return the counts
	 */
	public GrammarMetrics snapshot() {
		long nowReady = this.ready.sum();
		return new GrammarMetrics(Math.max(nowReady, this.used.sum()), nowReady, this.computed.sum(), this.nanos.sum());
	}

}
