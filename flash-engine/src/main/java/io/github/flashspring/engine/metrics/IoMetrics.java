package io.github.flashspring.engine.metrics;

/**
 * Reads of weights from disk since the engine was loaded.
 *
 * @param bytesRead bytes
 * @param reads number of read calls
 * @param nanos time that reads took, in nanoseconds; reads that overlap count each
 * @param stallNanos time that computing waited for reads, in nanoseconds
 */
public record IoMetrics(long bytesRead, long reads, long nanos, long stallNanos) {

}
