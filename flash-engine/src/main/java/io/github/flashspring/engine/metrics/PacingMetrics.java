package io.github.flashspring.engine.metrics;

/**
 * How prefetch and compute affected each other since the engine was loaded.
 *
 * @param baselineNanos time that one pass computes without concurrent reads, in
 * nanoseconds, over the layers for which that was measured; 0 if for none
 * @param computeNanos moving average of the time that the same layers compute with reads
 * with concurrent reads, in nanoseconds
 * @param degradation how much longer passes compute because of reads, as last measured:
 * 0.03 for 3 %; 0 while that is unknown
 * @param maxDegradation what the controller holds it to, where that does not delay reads
 * that compute needs
 * @param diskBytesPerSecond moving average of the rate while the disk is busy
 * @param demandBytesPerSecond rate at which reads must arrive for no layer to wait, as
 * last predicted; infinite if one already waits
 * @param paceBytesPerSecond rate to which prefetch was last limited; infinite if they
 * were not
 * @param sleepNanos time that readers slept to hold it, in nanoseconds
 * @param sleeps number of these sleeps
 */
public record PacingMetrics(long baselineNanos, long computeNanos, double degradation, double maxDegradation,
		double diskBytesPerSecond, double demandBytesPerSecond, double paceBytesPerSecond, long sleepNanos,
		long sleeps) {

	/** Nothing is read, so nothing is held back. */
	public static final PacingMetrics NONE = new PacingMetrics(0, 0, 0, 0, 0, 0, Double.POSITIVE_INFINITY, 0, 0);

}
