package io.github.flashspring.cli.bench;

import java.util.List;

import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.device.Matrix;
import io.github.flashspring.engine.device.Tensor;

/**
 * Products of some rows with matrices of one width, one matrix after the other.
 */
final class KernelCase {

	/** Time of one measurement: thousands of times what starting it costs. */
	private static final double SECONDS = 0.015;

	private static final int MAX_CALLS = 100_000;

	/** So few that a product ends soon while its kernel is still interpreted. */
	private static final int WARM_UP_OUTPUTS = 32;

	private final Device device;

	private final List<Matrix> matrices;

	private final Tensor in;

	private final Tensor out;

	private int next;

	private int calls = 1;

	/**
	 * Prepares.
	 * @param device computes
	 * @param matrices of one shape
	 * @param in F32 [rows, inputs]
	 * @param out F32 [rows, outputs]
	 */
	KernelCase(Device device, List<Matrix> matrices, Tensor in, Tensor out) {
		this.device = device;
		this.matrices = matrices;
		this.in = in;
		this.out = out;
	}

	/** Multiplies with a few outputs of the next matrix. */
	void warmUp() {
		Tensor few = Tensor.floats(this.out.buffer(), 0, this.in.rows(), WARM_UP_OUTPUTS);
		this.device.matmul(few, this.in, matrix().rows(0, WARM_UP_OUTPUTS), null);
		this.device.commit().await();
	}

	/**
	 * Multiplies for some milliseconds; the next measurement takes as many products as
	 * this one says are needed.
	 * @return weights per second, each counted once however many rows it is multiplied
	 * with
	 */
	double measure() {
		long start = System.nanoTime();
		for (int i = 0; i < this.calls; i++) {
			this.device.matmul(this.out, this.in, matrix(), null);
		}
		this.device.commit().await();
		double seconds = Math.max(1, System.nanoTime() - start) * 1e-9;
		double weights = (double) this.calls * this.in.columns() * this.out.columns();
		this.calls = (int) Math.clamp(Math.round(this.calls * SECONDS / seconds), 1, MAX_CALLS);
		return weights / seconds;
	}

	private Matrix matrix() {
		Matrix matrix = this.matrices.get(this.next);
		this.next = (this.next + 1) % this.matrices.size();
		return matrix;
	}

}
