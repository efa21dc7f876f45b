package io.github.flashspring.engine.device.cpu;

/**
 * Loops over rows that are neither linear layers nor attention, for a band of an
 * operation's outputs. The rules for the order of sums are those of {@link Kernels}.
 */
interface RowwiseKernels {

	/**
	 * Columns that {@link #matmulTransposed} computes together; a multiple of every group
	 * size.
	 */
	int BLOCK = 128;

	/** Rows that {@link #matmulTransposed} computes together. */
	int ROWS = 8;

	/**
	 * Normalizes the rows {@code from … to - 1}: {@code (x − mean) · inverse · (weight +
	 * offset) + bias} with {@code mean = Σx / columns} and
	 * {@code inverse = 1 / sqrt(Σ(x − mean)² / columns + epsilon)}.
	 */
	void layerNorm(Rows out, Rows x, Rows weight, Rows bias, float offset, float epsilon, int from, int to,
			Scratch scratch);

	/**
	 * Adds up neighbouring rows for the outputs {@code from … to - 1}, starting from
	 * zero, each with {@code fma(weight, x, sum)}.
	 */
	void combine(Rows out, Rows x, float[] weights, int from, int to);

	/**
	 * Computes the blocks {@code from … to - 1} of {@value #BLOCK} columns of
	 * {@code x · weight}, adding up rows of the weight in order, each with
	 * {@code fma(x, weight, sum)}.
	 */
	void matmulTransposed(Rows out, Rows x, Weights weights, boolean accumulate, int from, int to, Scratch scratch);

}
