package io.github.flashspring.engine.device.cpu;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.checkpoint.DType;

/**
 * Code that is compiled, or not, as a whole: an operation with what decides the way
 * through it.
 *
 * @param operation the operation
 * @param variant such as a format or an activation; null if there is one way only
 */
record Kernel(Operation operation, @Nullable Object variant) {

	static Kernel of(Operation operation) {
		return new Kernel(operation, null);
	}

	static Kernel of(Operation operation, Object variant) {
		return new Kernel(operation, variant);
	}

	/** A linear layer: a few rows, fours and many run through different code. */
	static Kernel linear(Weights weights, int rows) {
		Operation many = VectorMatmul.byFour(weights, rows) ? Operation.ROWS_BY_FOUR : Operation.MANY_ROWS;
		return of((rows <= VectorMatmul.FEW) ? Operation.FEW_ROWS : many, stored(weights));
	}

	/** What decides the way through a linear layer, besides its rows. */
	static Stored stored(Weights weights) {
		Rows scales = weights.scales();
		return new Stored(weights.format(), weights.groupSize(), (scales != null) ? scales.type() : null);
	}

	enum Operation {

		FEW_ROWS, ROWS_BY_FOUR, MANY_ROWS, UNPACK, RMS_NORM, ROPE, ATTENTION, ADD, GATE, ACTIVATE, CLAMPED_SWIGLU,
		LAYER_NORM, COMBINE, CONVOLUTION, SCAN

	}

	/**
	 * How weights are stored.
	 *
	 * @param format of the values
	 * @param groupSize values that share a scale
	 * @param scales type of the scales, null if there are none
	 */
	record Stored(Format format, int groupSize, @Nullable DType scales) {

	}

}
