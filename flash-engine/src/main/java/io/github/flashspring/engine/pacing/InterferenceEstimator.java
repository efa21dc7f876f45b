package io.github.flashspring.engine.pacing;

import java.util.Arrays;

/**
 * By how much reads lengthen compute. In each window of a few layers, those computed next
 * to reads are compared with those computed alone just before and after: what changes
 * both alike (clocks, neighbours, longer contexts) cancels out. The estimate is the mean
 * of the middle half of the last windows, so that single outliers do not count. Not safe
 * for use by several threads.
 */
final class InterferenceEstimator {

	/** Layers of either kind that a window needs. */
	static final int MIN_LAYERS = 6;

	/** Layers after which a window wants to see the other kind. */
	static final int WINDOW_LAYERS = 24;

	/** Most layers of a kind in a window; without any of the other, it begins anew. */
	private static final int MAX_LAYERS = 96;

	/** Windows that the estimate looks back on. */
	static final int WINDOWS = 32;

	/**
	 * Standard error of the mean of the middle half, by the distance of quartiles over
	 * the root of the number, for values that are normally distributed.
	 */
	private static final double ERROR_OF_QUARTILES = 0.85;

	private final Sample alone = new Sample();

	private final Sample concurrent = new Sample();

	private final double[] windows = new double[WINDOWS];

	private int count;

	private int next;

	/**
	 * Adds a layer.
	 * @param nanos time that it computed
	 * @param usual about how long it computes with no concurrent reads
	 * @param readsWereRunning whether there were concurrent reads
	 * @param forced whether reads rested for it to be computed alone
	 * @return whether this completed a window
	 */
	boolean add(double nanos, double usual, boolean readsWereRunning, boolean forced) {
		if (forced && readsWereRunning) {
			return false; // the last reads come to their end
		}
		(readsWereRunning ? this.concurrent : this.alone).add(nanos / usual, forced ? 0 : usual);
		int layers = this.alone.size + this.concurrent.size;
		if (this.alone.size >= MIN_LAYERS && layers >= WINDOW_LAYERS
				&& (this.concurrent.size >= MIN_LAYERS || (this.concurrent.size > 0 && layers >= MAX_LAYERS))) {
			double slowdown = this.concurrent.middle() / this.alone.middle() - 1;
			double share = this.concurrent.weight
					/ Math.max(Double.MIN_NORMAL, this.concurrent.weight + this.alone.weight);
			this.windows[this.next] = slowdown * share;
			this.next = (this.next + 1) % WINDOWS;
			this.count = Math.min(WINDOWS, this.count + 1);
			begin();
			return true;
		}
		if (this.alone.size == MAX_LAYERS || this.concurrent.size == MAX_LAYERS) {
			begin();
		}
		return false;
	}

	/** Begins a window, as what came before may not be compared with what comes. */
	void begin() {
		this.alone.clear();
		this.concurrent.clear();
	}

	/** Forgets all windows, as reads have changed since. */
	void forget() {
		this.count = 0;
		this.next = 0;
		begin();
	}

	/** Whether the window lacks layers that are computed alone. */
	boolean wantsQuiet() {
		return this.concurrent.size >= WINDOW_LAYERS - MIN_LAYERS && this.alone.size < MIN_LAYERS;
	}

	int windows() {
		return this.count;
	}

	/**
	 * By how much compute is longer because of reads.
	 * @return 0.03 for 3 %; 0 before the first window
	 */
	double slowdown() {
		return middle(this.windows, this.count);
	}

	/**
	 * How far off that may be.
	 * @return about a standard error; infinite before the second window
	 */
	double error() {
		if (this.count < 2) {
			return Double.POSITIVE_INFINITY;
		}
		double[] sorted = Arrays.copyOf(this.windows, this.count);
		Arrays.sort(sorted);
		double quartiles = sorted[(3 * (this.count - 1) + 2) / 4] - sorted[(this.count - 1) / 4];
		return ERROR_OF_QUARTILES * quartiles / Math.sqrt(this.count);
	}

	/** Mean of the middle half. */
	private static double middle(double[] values, int count) {
		if (count == 0) {
			return 0;
		}
		double[] sorted = Arrays.copyOf(values, count);
		Arrays.sort(sorted);
		int cut = count / 4;
		return Arrays.stream(sorted, cut, count - cut).average().orElseThrow();
	}

	/** Layers of one kind. */
	private static final class Sample {

		private final double[] ratios = new double[MAX_LAYERS];

		private int size;

		/** Time that they usually take, without those that were measured on purpose. */
		private double weight;

		void add(double ratio, double usual) {
			this.ratios[this.size++] = ratio;
			this.weight += usual;
		}

		double middle() {
			return InterferenceEstimator.middle(this.ratios, this.size);
		}

		void clear() {
			this.size = 0;
			this.weight = 0;
		}

	}

}
