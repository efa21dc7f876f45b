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
	 * Buffer for unpacked weights.
	 * @param length minimum number of values
	 * @return the array, possibly longer
	 */
	float[] weights(int length) {
		this.weights = grown(this.weights, length);
		return this.weights;
	}

	/**
	 * Buffer for the scales and biases of a weight row.
	 * @param length minimum number of values
	 * @return the array, possibly longer
	 */
	float[] groups(int length) {
		this.groups = grown(this.groups, length);
		return this.groups;
	}

	/**
	 * Buffer for accumulators.
	 * @param length minimum number of values
	 * @return the array, possibly longer
	 */
	float[] lanes(int length) {
		this.lanes = grown(this.lanes, length);
		return this.lanes;
	}

	/**
	 * Buffer for the scores and sums of attention.
	 * @param length minimum number of values
	 * @return the array, possibly longer
	 */
	float[] scores(int length) {
		this.scores = grown(this.scores, length);
		return this.scores;
	}

	/**
	 * Buffer for the first visible position of each query of a unit of attention.
	 * @return the array
	 */
	int[] ranges() {
		this.ranges = (this.ranges.length == 0) ? new int[AttentionJob.QUERIES] : this.ranges;
		return this.ranges;
	}

	/**
	 * Buffer for the end of the visible positions of each query of a unit of attention.
	 * @return the array
	 */
	int[] rangeEnds() {
		this.rangeEnds = (this.rangeEnds.length == 0) ? new int[AttentionJob.QUERIES] : this.rangeEnds;
		return this.rangeEnds;
	}

	/**
	 * Buffer for the matrices of a unit of attention, aligned.
	 * @param floats minimum number of values
	 * @return the memory, possibly longer
	 */
	MemorySegment attention(long floats) {
		this.attention = grown(this.attention, floats);
		return this.attention;
	}

	/**
	 * Buffer for the accumulators of rows that are computed together, aligned.
	 * @param floats minimum number of values
	 * @return the memory, possibly longer
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
