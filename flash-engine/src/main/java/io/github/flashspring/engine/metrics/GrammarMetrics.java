package io.github.flashspring.engine.metrics;

/**
 * Masks of tokens for answers with a structure, and for forced calls of tools, since the
 * engine was loaded.
 *
 * @param masks masks that were needed: one for each token of such an answer
 * @param ready such masks that were known, from before or computed during the pass
 * @param computed masks that were computed
 * @param computeNanos time of computing them, in nanoseconds
 */
public record GrammarMetrics(long masks, long ready, long computed, long computeNanos) {

	/** Nothing had a structure. */
	public static final GrammarMetrics NONE = new GrammarMetrics(0, 0, 0, 0);

}
