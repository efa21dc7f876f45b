package io.github.flashspring.engine.model;

import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.device.Tensor;

/**
 * Buffers for outputs of one width and their weighted sums.
 *
 * @param output [width] per row
 * @param results [outputs · width] per row, at least two outputs
 */
record RunningSums(Slots.Slot output, Slots.Slot results) {

	static RunningSums of(Slots slots, int outputs, int width) {
		return new RunningSums(slots.shared("experts.output", width, Slots.Extent.EXPERTS),
				slots.shared("experts.outputs", outputs * width));
	}

	/**
	 * Rows for outputs.
	 * @param pass the pass
	 * @param rows how many
	 * @return F32 [rows, width]
	 */
	Tensor rows(Pass pass, int rows) {
		return pass.get(this.results, pass.room(this.results)).reshape(this.output.width()).rows(0, rows);
	}

	/** Maximum of rows of {@link #pairs}. */
	int maxPairs(Pass pass) {
		return pass.room(this.results) * (this.results.width() / this.output.width()) / 2;
	}

	/** Rows for sums, and next to each what is added: [2 · width] per row. */
	Tensor pairs(Pass pass, int rows) {
		return rows(pass, 2 * rows).reshape(2 * this.output.width());
	}

	/** The halves of pairs that are added. */
	static Tensor addends(Tensor pairs) {
		return pairs.columns(pairs.columns() / 2, pairs.columns() / 2);
	}

	/**
	 * Adds the right halves of pairs to rows of the sums.
	 * @param pass the pass
	 * @param pairs F32 [n, 2 · width]; the left halves are overwritten
	 * @param rows n rows of the sums
	 * @param factors n weights of what is added
	 * @param sums F32 [any, width]
	 */
	void add(Pass pass, Tensor pairs, int[] rows, float[] factors, Tensor sums) {
		Device device = pass.device();
		int width = sums.columns();
		float[] both = new float[2 * factors.length];
		for (int i = 0; i < factors.length; i++) {
			both[2 * i] = 1f;
			both[2 * i + 1] = factors[i];
		}
		device.gather(pairs.columns(0, width), sums, rows);
		Tensor added = pass.get(this.output, rows.length);
		device.combine(added, pairs.reshape(width), both);
		device.scatter(sums, added, rows);
	}

}
