package io.github.flashspring.engine.device.cpu;

import org.jspecify.annotations.Nullable;

/**
 * Working memory of one thread, made at first need and kept. What it grows to is what
 * {@link Kernels#scratchFloats} says. The content of an array is undefined, but that of
 * {@link #input}.
 */
final class Scratch {

	private float[] input = new float[0];

	private @Nullable Object inputOwner;

	private float[] weights = new float[0];

	private float[] groups = new float[0];

	private float[] lanes = new float[0];

	private float[] scores = new float[0];

	/**
	 * Room for the input of an operation.
	 * @param length least number of values
	 * @return the array, longer perhaps
	 */
	float[] input(int length) {
		this.input = grown(this.input, length);
		return this.input;
	}

	/**
	 * Notes what the input was filled for, so that the next band of the same operation
	 * finds it.
	 * @param owner an object of this operation alone
	 * @return whether the input was already filled for it
	 */
	boolean claimInput(Object owner) {
		boolean filled = this.inputOwner == owner;
		this.inputOwner = owner;
		return filled;
	}

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
