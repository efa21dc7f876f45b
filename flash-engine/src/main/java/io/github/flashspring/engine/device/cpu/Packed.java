package io.github.flashspring.engine.device.cpu;

import java.lang.foreign.MemorySegment;

/**
 * The input of a linear layer in the order in which its products are added, shared by all
 * threads. What it grows to is what {@link Kernels#inputFloats} says.
 */
final class Packed {

	private float[] values = new float[0];

	private float[] sums = new float[0];

	private MemorySegment panel = MemorySegment.NULL;

	/**
	 * Makes room.
	 * @param values number of values in an array
	 * @param sums number of sums over groups in an array
	 * @param panel number of values in native memory
	 */
	void reserve(long values, long sums, long panel) {
		this.values = Scratch.grown(this.values, Math.toIntExact(values));
		this.sums = Scratch.grown(this.sums, Math.toIntExact(sums));
		this.panel = Scratch.grown(this.panel, panel);
	}

	/** Rows one after the other, of the portable kernels. */
	float[] values() {
		return this.values;
	}

	/** Sums of the rows over groups of columns, of the portable kernels. */
	float[] sums() {
		return this.sums;
	}

	/** Rows and their sums over groups, of the vector kernels, aligned. */
	MemorySegment panel() {
		return this.panel;
	}

}
