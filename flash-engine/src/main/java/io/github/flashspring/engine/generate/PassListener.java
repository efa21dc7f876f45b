package io.github.flashspring.engine.generate;

/**
 * Hears of passes over the layers, on the scheduler's thread.
 */
@FunctionalInterface
public interface PassListener {

	/**
	 * A pass was computed.
	 * @param rows tokens that it computed
	 * @param nanos time that it took, in nanoseconds
	 */
	void passed(int rows, long nanos);

}
