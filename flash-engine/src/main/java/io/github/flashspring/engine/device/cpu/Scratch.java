package io.github.flashspring.engine.device.cpu;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Working memory of one thread, made at first need and kept. What it grows to is what
 * {@link Kernels#scratchFloats} says. The content of an array is undefined.
 */
final class Scratch {

	private float[] weights = new float[0];

	private float[] groups = new float[0];

	private float[] lanes = new float[0];

	private float[] scores = new float[0];

	private int[] ranges = new int[0];

	private int[] rangeEnds = new int[0];

	private MemorySegment accumulators = MemorySegment.NULL;

	private MemorySegment attention = MemorySegment.NULL;

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
	 * Room for the scores and sums of attention.
	 * @param length least number of values
	 * @return the array, longer perhaps
	 */
	float[] scores(int length) {
		this.scores = grown(this.scores, length);
		return this.scores;
	}

	/**
	 * Room for the first visible position of each query of a unit of attention.
	 * @return the array
	 */
	int[] ranges() {
		this.ranges = (this.ranges.length == 0) ? new int[AttentionJob.QUERIES] : this.ranges;
		return this.ranges;
	}

	/**
	 * Room for the end of the visible positions of each query of a unit of attention.
	 * @return the array
	 */
	int[] rangeEnds() {
		this.rangeEnds = (this.rangeEnds.length == 0) ? new int[AttentionJob.QUERIES] : this.rangeEnds;
		return this.rangeEnds;
	}

	/**
	 * Room for the matrices of a unit of attention, aligned.
	 * @param floats least number of values
	 * @return the memory, longer perhaps
	 */
	MemorySegment attention(long floats) {
		this.attention = grown(this.attention, floats);
		return this.attention;
	}

	/**
	 * Room for the accumulators of rows that are computed together, aligned.
	 * @param floats least number of values
	 * @return the memory, longer perhaps
	 */
	MemorySegment accumulators(long floats) {
		this.accumulators = grown(this.accumulators, floats);
		return this.accumulators;
	}

	static float[] grown(float[] array, int length) {
		return (array.length < length) ? new float[length] : array;
	}

	/** Memory aligned to cache lines, which the garbage collector frees. */
	static MemorySegment grown(MemorySegment memory, long floats) {
		long bytes = floats * Float.BYTES;
		return (memory.byteSize() < bytes) ? Arena.ofAuto().allocate(bytes, 64) : memory;
	}

}
