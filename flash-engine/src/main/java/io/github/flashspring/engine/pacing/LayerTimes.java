package io.github.flashspring.engine.pacing;

import java.util.Arrays;

/**
 * How long each layer computes in passes of about the same number of rows: on average,
 * and with no concurrent reads. Not safe for use by several threads.
 */
final class LayerTimes {

	/** Weight of a new value in moving averages. */
	private static final double WEIGHT = 0.25;

	/**
	 * With concurrent reads nothing computes so much faster: then the baseline is that of
	 * code that was not compiled yet. Nearer to it, noise would decide.
	 */
	private static final double STALE = 0.7;

	/** The JVM has compiled what passes run by then. */
	private static final int PASSES_BEFORE_COLD_START = 8;

	/** If layers ran next to reads even so, more attempts would not help. */
	private static final int MAX_COLD_STARTS = 2;

	private final double[] baseline;

	private final double[] average;

	/** How often each layer was measured with no concurrent reads. */
	private final int[] alone;

	private int passes;

	private int coldStarts;

	LayerTimes(int layers) {
		this.baseline = new double[layers];
		this.average = new double[layers];
		this.alone = new int[layers];
	}

	/**
	 * {@return a kind of passes whose times are alike: 1, 2 to 3, 4 to 7 rows and so on}
	 */
	static int kindOf(int rows) {
		return Integer.SIZE - 1 - Integer.numberOfLeadingZeros(Math.max(1, rows));
	}

	/**
	 * Begins a pass.
	 * @param mayColdStart whether it may measure its layers alone
	 * @return whether it does
	 */
	boolean beginPass(boolean mayColdStart) {
		this.passes++;
		boolean starts = mayColdStart && this.passes > PASSES_BEFORE_COLD_START && this.coldStarts < MAX_COLD_STARTS
				&& Arrays.stream(this.baseline).anyMatch((nanos) -> nanos == 0);
		this.coldStarts += starts ? 1 : 0;
		return starts;
	}

	/** Adds a layer that was computed. */
	void add(int layer, long nanos, boolean readsWereRunning) {
		average(this.average, layer, nanos, WEIGHT);
		if (!readsWereRunning) {
			this.alone[layer]++;
			average(this.baseline, layer, nanos, Math.max(WEIGHT / 2, 1.0 / this.alone[layer]));
		}
		else if (this.average[layer] < STALE * this.baseline[layer]) {
			this.baseline[layer] = this.average[layer];
			this.alone[layer] = 0;
		}
	}

	private static void average(double[] averages, int layer, long nanos, double weight) {
		double before = averages[layer];
		averages[layer] = (before == 0) ? Math.max(1, nanos) : before + weight * (nanos - before);
	}

	/**
	 * {@return nanoseconds with no concurrent reads; 0 if not measured yet}
	 */
	double baseline(int layer) {
		return this.baseline[layer];
	}

	/**
	 * {@return nanoseconds on average; 0 if not measured yet}
	 */
	double average(int layer) {
		return this.average[layer];
	}

	/**
	 * {@return nanoseconds of all layers on average}
	 */
	double average() {
		return Arrays.stream(this.average).sum();
	}

	/**
	 * {@return nanoseconds of all layers with no concurrent reads}
	 */
	double baseline() {
		return Arrays.stream(this.baseline).sum();
	}

	/**
	 * {@return nanoseconds on average of the layers whose baseline is known}
	 */
	double comparableAverage() {
		double sum = 0;
		for (int i = 0; i < this.average.length; i++) {
			sum += (this.baseline[i] > 0) ? this.average[i] : 0;
		}
		return sum;
	}

}
