package io.github.flashspring.engine.device.cpu;

import java.lang.foreign.MemorySegment;

import org.jspecify.annotations.Nullable;

/**
 * The input of a linear layer in the order in which its products are added, shared by all
 * threads.
 */
final class Packed {

	private final Memory memory;

	private int valuesAt;

	private int sumsAt;

	private long panelAt;

	private long panelFloats;

	/** The part of the panel, once all inputs have space; the same whoever makes it. */
	private @Nullable MemorySegment part;

	/** An input with memory of its own. */
	Packed() {
		this(new Memory());
	}

	/**
	 * An input with memory among others.
	 * @param memory holds the inputs of linear layers that are computed together
	 */
	Packed(Memory memory) {
		this.memory = memory;
	}

	/**
	 * Reserves space behind the inputs that got some since the memory was cleared. What
	 * was packed before is lost.
	 * @param values number of values in an array
	 * @param sums number of sums over groups in an array
	 * @param panel number of values in native memory
	 */
	void reserve(long values, long sums, long panel) {
		this.valuesAt = this.memory.takeValues(values);
		this.sumsAt = this.memory.takeSums(sums);
		this.panelAt = this.memory.takePanel(panel);
		this.panelFloats = panel;
		this.part = null;
	}

	/** Rows one after the other, of the portable kernels, from {@link #valuesAt} on. */
	float[] values() {
		return this.memory.values;
	}

	int valuesAt() {
		return this.valuesAt;
	}

	/** Sums of the rows over groups, of the portable kernels, from {@link #sumsAt} on. */
	float[] sums() {
		return this.memory.sums;
	}

	int sumsAt() {
		return this.sumsAt;
	}

	/** Rows and their sums over groups, of the vector kernels, aligned. */
	MemorySegment panel() {
		MemorySegment known = this.part;
		if (known == null) {
			known = this.memory.panel.asSlice(this.panelAt * Float.BYTES, this.panelFloats * Float.BYTES);
			this.part = known;
		}
		return known;
	}

	/**
	 * Memory of the inputs of linear layers that are computed together. What it grows to
	 * is what {@link Kernels#inputFloats} says of all their rows.
	 */
	static final class Memory {

		/** Floats of a cache line. */
		private static final int LINE = 16;

		private float[] values = new float[0];

		private float[] sums = new float[0];

		private MemorySegment panel = MemorySegment.NULL;

		private long usedValues;

		private long usedSums;

		private long usedPanel;

		/** Forgets all inputs. */
		void clear() {
			this.usedValues = 0;
			this.usedSums = 0;
			this.usedPanel = 0;
		}

		private int takeValues(long count) {
			long at = this.usedValues;
			this.usedValues += count;
			this.values = Scratch.grown(this.values, Math.toIntExact(this.usedValues));
			return Math.toIntExact(at);
		}

		private int takeSums(long count) {
			long at = this.usedSums;
			this.usedSums += count;
			this.sums = Scratch.grown(this.sums, Math.toIntExact(this.usedSums));
			return Math.toIntExact(at);
		}

		private long takePanel(long count) {
			long at = this.usedPanel;
			this.usedPanel += Math.ceilDiv(count, LINE) * LINE;
			this.panel = Scratch.grown(this.panel, this.usedPanel);
			return at;
		}

	}

}
