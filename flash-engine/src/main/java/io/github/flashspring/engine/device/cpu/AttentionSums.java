package io.github.flashspring.engine.device.cpu;

import io.github.flashspring.engine.device.KvPages;

/**
 * What a query has gathered from some positions: the weighted sum of their values,
 * followed by the maximum of their scores and the sum of their weights, which are
 * {@code exp(score − maximum)}. Both kinds of kernels and all ways to divide the work
 * merge such results with the same operations.
 */
final class AttentionSums {

	private AttentionSums() {
	}

	/**
	 * Size of a result.
	 * @param valueDim length of a value
	 * @return number of floats
	 */
	static int stride(int valueDim) {
		return valueDim + 2;
	}

	/**
	 * Length of a value in a cache at most.
	 * @param layout shape of the cache
	 * @return number of floats
	 */
	static int valueDim(KvPages.Layout layout) {
		return (layout.valueDim() > 0) ? layout.valueDim() : layout.keyDim();
	}

	/**
	 * Adds the result of later positions. Positions that are none have a sum of zero.
	 * @param sums is added to
	 * @param at index of its first number
	 * @param part what is added
	 * @param from index of its first number
	 * @param valueDim length of a value
	 */
	static void merge(float[] sums, int at, float[] part, int from, int valueDim) {
		float sum = part[from + valueDim + 1];
		if (sum == 0) {
			return;
		}
		float before = sums[at + valueDim];
		float maximum = part[from + valueDim];
		maximum = (maximum > before) ? maximum : before;
		float a = Exponential.exp(before - maximum);
		float b = Exponential.exp(part[from + valueDim] - maximum);
		for (int i = 0; i < valueDim; i++) {
			sums[at + i] = Math.fma(part[from + i], b, sums[at + i] * a);
		}
		sums[at + valueDim] = maximum;
		sums[at + valueDim + 1] = Math.fma(sum, b, sums[at + valueDim + 1] * a);
	}

	/** Divides the values by the sum of the weights. */
	static void divide(float[] sums, int at, int valueDim) {
		float sum = sums[at + valueDim + 1];
		for (int i = at; i < at + valueDim; i++) {
			sums[i] /= sum;
		}
	}

}
