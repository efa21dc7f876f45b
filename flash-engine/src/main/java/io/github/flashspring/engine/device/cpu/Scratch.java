package io.github.flashspring.engine.device.cpu;

/**
 * Working memory of one thread, made at first need and kept. What it grows to is what
 * {@link Kernels#scratchFloats} says. The content of an array is undefined.
 */
final class Scratch {

	private float[] weights = new float[0];

	private float[] groups = new float[0];

	private float[] lanes = new float[0];

	private float[] scores = new float[0];

	/**
	 * Room for unpacked weights.
	 * @param length least number of values
	 * @return the array, longer perhaps
	 */
	float[] weights(int length) {
		this.weights = grown(this.weights, length);
		return this.weights;
	}

	/**
	 * Room for the scales and biases of a weight row.
	 * @param length least number of values
	 * @return the array, longer perhaps
	 */
	float[] groups(int length) {
		this.groups = grown(this.groups, length);
		return this.groups;
	}

	/**
	 * Room for accumulators.
	 * @param length least number of values
	 * @return the array, longer perhaps
	 */
	float[] lanes(int length) {
		this.lanes = grown(this.lanes, length);
		return this.lanes;
	}

	/**
	 * Room for the scores of attention.
	 * @param length least number of values
	 * @return the array, longer perhaps
	 */
	float[] scores(int length) {
		this.scores = grown(this.scores, length);
		return this.scores;
	}

	private static float[] grown(float[] array, int length) {
		return (array.length < length) ? new float[length] : array;
	}

}
