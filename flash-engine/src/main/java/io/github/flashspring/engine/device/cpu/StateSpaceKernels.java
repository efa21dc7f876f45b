package io.github.flashspring.engine.device.cpu;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.device.Activation;

/**
 * The loops of {@link io.github.flashspring.engine.device.StateSpace} for a band of
 * columns or heads. The rules for the order of sums are those of {@link Kernels}.
 */
interface StateSpaceKernels {

	/** Columns of a convolution that are computed together. */
	int BLOCK = 128;

	/**
	 * Convolves the columns {@code from … to - 1} of all rows, adding up the products of
	 * a filter in the order of time, each with {@code fma(weight, x, sum)}, then the
	 * bias.
	 */
	void convolution(Rows out, Rows x, Rows weight, @Nullable Rows bias, Rows state, boolean first,
			Activation activation, int from, int to, Scratch scratch);

	/**
	 * Runs the heads {@code from … to - 1} over all rows. With {@code decay =
	 * exp(−exp(aLog) · δ)} and {@code u = δ · x} a number of the state becomes
	 * {@code fma(S, decay, u · b)}; an output is the sum of the products {@code S · c} in
	 * lanes, to which {@code d · x} is added with a fused multiply-add.
	 */
	void selectiveScan(ScanJob job, int from, int to, Scratch scratch);

	/**
	 * Operands of a scan.
	 *
	 * @param out F32 [n, heads · headDim]
	 * @param x F32 [n, heads · headDim]
	 * @param b F32 [n, groups · stateSize]
	 * @param c F32 [n, groups · stateSize]
	 * @param dt F32 [n, heads]
	 * @param aLog [1, heads]
	 * @param d [1, heads]
	 * @param dtBias [1, heads]
	 * @param minStep minimum of the time step
	 * @param maxStep greatest time step
	 * @param state F32 [heads · headDim, stateSize]
	 * @param first whether the state counts as zero
	 */
	record ScanJob(Rows out, Rows x, Rows b, Rows c, Rows dt, Rows aLog, Rows d, Rows dtBias, float minStep,
			float maxStep, Rows state, boolean first) {

		int heads() {
			return this.dt.columns();
		}

		int headDim() {
			return this.x.columns() / heads();
		}

		int stateSize() {
			return this.state.columns();
		}

		/** Column of {@code b} and {@code c} where a head's group begins. */
		int groupColumn(int head) {
			int groups = this.b.columns() / stateSize();
			return head / (heads() / groups) * stateSize();
		}

		float step(int row, int head) {
			float x = PortableKernels.value(this.dt, row, head) + PortableKernels.value(this.dtBias, 0, head);
			float softplus = (x > 20f) ? x : (float) StrictMath.log1p(StrictMath.exp(x));
			return Math.max(Math.min(softplus, this.maxStep), this.minStep);
		}

		float rate(int head) {
			return -Exponential.exp(PortableKernels.value(this.aLog, 0, head));
		}

	}

}
