package io.github.flashspring.engine.device.cpu;

/**
 * Working memory of one thread, made at first need and kept. What it grows to is what
 * {@link Kernels#scratchFloats} says.
 */
final class Scratch {

	private float[] weights = new float[0];

	private float[] lanes = new float[0];

	private float[] scores = new float[0];

	/**
	 * Room for unpacked weights.
	 * @param length least number of values
	 * @return the array, longer perhaps; its content is undefined
	 */
	float[] weights(int length) {
		if (this.weights.length < length) {
			this.weights = new float[length];
		}
		return this.weights;
	}

	/**
	 * Room for accumulators.
	 * @param length least number of values
	 * @return the array, longer perhaps; its content is undefined
	 */
	float[] lanes(int length) {
		if (this.lanes.length < length) {
			this.lanes = new float[length];
		}
		return this.lanes;
	}

	/**
	 * Room for the scores of attention.
	 * @param length least number of values
	 * @return the array, longer perhaps; its content is undefined
	 */
	float[] scores(int length) {
		if (this.scores.length < length) {
			this.scores = new float[length];
		}
		return this.scores;
	}

}
