package io.github.flashspring.engine;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.metrics.Timeline;
import io.github.flashspring.engine.residency.InterferenceLoad;

/**
 * Measurements of a {@link FlashEngine}, for benchmarks. Those that read files use memory
 * in addition to the budget.
 */
public interface FlashDiagnostics {

	/**
	 * Records the reads, compute and waits of every pass from now on.
	 * @param timeline receives them; null stops the recording
	 */
	void record(@Nullable Timeline timeline);

	/**
	 * Measures how fast the disk delivers what passes read while nothing is computed: the
	 * same ranges of the same files in the same order, as many concurrently. No request
	 * must run meanwhile.
	 * @param bytes about how much to read
	 * @return bytes per second; 0 if passes read nothing
	 * @throws io.github.flashspring.engine.checkpoint.CheckpointException if a file
	 * cannot be read
	 */
	double diskBytesPerSecond(long bytes);

	/**
	 * Reads the model's files over and over, to show how much reads slow compute down.
	 * @return the reads, paused; the caller closes them
	 * @throws io.github.flashspring.engine.checkpoint.CheckpointException if a file
	 * cannot be opened
	 */
	InterferenceLoad interferenceLoad();

}
