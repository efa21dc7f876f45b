package io.github.flashspring.engine.metrics;

/**
 * How experts came into memory since the engine was loaded. An expert that a layer needs
 * in a pass counts once, for however many tokens; reads count blocks: most experts are
 * one.
 *
 * @param hits experts that were in memory, or on their way, when a router chose them
 * @param misses experts that were read only then
 * @param missedBytes bytes of the misses
 * @param cachedBytes experts in memory at this moment
 * @param capacityBytes memory for them
 * @param lookaheadReads reads of experts that a router would probably choose
 * @param lookaheadBytes bytes of these reads
 * @param lookaheadUsed such reads of which the expert was then used
 * @param lookaheadUseless such reads of which the expert left unused
 * @param lookaheadUselessBytes bytes of these
 * @param lookaheadUnproven such reads of which the expert is still in memory, unused
 */
public record ExpertMetrics(long hits, long misses, long missedBytes, long cachedBytes, long capacityBytes,
		long lookaheadReads, long lookaheadBytes, long lookaheadUsed, long lookaheadUseless, long lookaheadUselessBytes,
		long lookaheadUnproven) {

	/** There are no experts. */
	public static final ExpertMetrics NONE = new ExpertMetrics(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);

	/**
	 * Share of the experts that were there when they were needed.
	 * @return 0 to 1; 1 if none was needed
	 */
	public double hitRate() {
		return (this.hits + this.misses == 0) ? 1 : (double) this.hits / (this.hits + this.misses);
	}

}
