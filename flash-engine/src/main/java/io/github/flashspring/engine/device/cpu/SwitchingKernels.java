package io.github.flashspring.engine.device.cpu;

import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.device.Activation;
import io.github.flashspring.engine.device.Device.Limits;
import io.github.flashspring.engine.device.Workload;

/**
 * Vector kernels, but portable ones in place of those that are being warmed up: vector
 * code in the interpreter takes about a hundred times as long as compiled. Large linear
 * layers wait shortly first, see {@link #await}. Since both give the same bits, a switch
 * may come at any time.
 */
final class SwitchingKernels implements Kernels {

	/**
	 * Multiply-adds of a linear layer that are worth waiting for its vector code: some 10
	 * ms of portable code. Matrices of a row of a small model have less.
	 */
	private static final long MIN_AWAITED_WORK = 1L << 23;

	private final Kernels vector;

	private final Kernels portable;

	private final Allocations allocations;

	private final ElementwiseKernels elementwise = new Elementwise();

	/** Vector kernels that are not compiled; none once the model is warm. */
	private volatile Set<Kernel> cold = Set.of();

	/** How long passes may still wait for the compiler, in nanoseconds. */
	private long patience = TimeUnit.SECONDS.toNanos(3);

	SwitchingKernels(Kernels vector, Kernels portable, Allocations allocations) {
		this.vector = vector;
		this.portable = portable;
		this.allocations = allocations;
	}

	@Override
	public Runnable warmUp(Workload workload) {
		List<Exercise> exercises = Exercise.of(workload);
		cool(exercises.stream().map(Exercise::kernel).toList());
		return new KernelWarmUp(this, exercises, this.allocations);
	}

	Kernels vector() {
		return this.vector;
	}

	Kernels portable() {
		return this.portable;
	}

	/** Computes with the portable twins of kernels. */
	synchronized void cool(Collection<Kernel> kernels) {
		Set<Kernel> next = new HashSet<>(this.cold);
		next.addAll(kernels);
		this.cold = Set.copyOf(next);
	}

	/** Computes with a vector kernel from now on. */
	synchronized void ready(Kernel kernel) {
		Set<Kernel> next = new HashSet<>(this.cold);
		next.remove(kernel);
		this.cold = Set.copyOf(next);
		notifyAll();
	}

	private Kernels of(Kernel.Operation operation, @Nullable Object variant) {
		Set<Kernel> now = this.cold;
		return (now.isEmpty() || !now.contains(new Kernel(operation, variant))) ? this.vector : this.portable;
	}

	@Override
	public Kernels linear(Weights weights, int rows) {
		if (this.cold.isEmpty()) {
			return this.vector;
		}
		Kernel kernel = Kernel.linear(weights, rows);
		if (this.cold.contains(kernel) && (long) rows * weights.rows() * weights.columns() > MIN_AWAITED_WORK) {
			await(kernel);
		}
		return this.cold.contains(kernel) ? this.portable : this.vector;
	}

	/**
	 * Waits for the compiler, in total no longer than {@link #patience}: computing a
	 * prompt with portable code would take the cores from it for longer.
	 */
	private synchronized void await(Kernel kernel) {
		long start = System.nanoTime();
		long left = this.patience;
		while (left > 0 && this.cold.contains(kernel)) {
			try {
				TimeUnit.NANOSECONDS.timedWait(this, left);
			}
			catch (InterruptedException ex) {
				Thread.currentThread().interrupt();
				break;
			}
			left = this.patience - (System.nanoTime() - start);
		}
		this.patience = Math.max(0, left);
	}

	@Override
	public String name() {
		return this.vector.name();
	}

	@Override
	public ElementwiseKernels elementwise() {
		return this.elementwise;
	}

	@Override
	public RowwiseKernels rowwise() {
		return this.vector.rowwise();
	}

	@Override
	public StateSpaceKernels stateSpace() {
		return this.vector.stateSpace();
	}

	@Override
	public long scratchFloats(Limits limits) {
		return Math.max(this.vector.scratchFloats(limits), this.portable.scratchFloats(limits));
	}

	@Override
	public void unpack(Rows out, int outRow, Weights weights, int row, Scratch scratch) {
		of(Kernel.Operation.UNPACK, weights.format()).unpack(out, outRow, weights, row, scratch);
	}

	@Override
	public int rowsAtOnce() {
		return this.vector.rowsAtOnce();
	}

	@Override
	public long inputFloats(int rows, int columns) {
		return Math.max(this.vector.inputFloats(rows, columns),
				this.portable.inputFloats(Math.min(rows, this.portable.rowsAtOnce()), columns));
	}

	@Override
	public void reserve(Packed input, int rows, Weights weights) {
		throw linearOnly();
	}

	@Override
	public void pack(Rows x, int firstRow, int rows, Weights weights, int from, int to, Packed input) {
		throw linearOnly();
	}

	@Override
	public void matmul(Rows out, Rows x, int firstRow, int rows, Packed input, Weights weights, @Nullable Rows bias,
			int from, int to, Scratch scratch) {
		throw linearOnly();
	}

	private static UnsupportedOperationException linearOnly() {
		return new UnsupportedOperationException("A linear layer is computed by the kernels that linear() gives");
	}

	@Override
	public void rmsNorm(Rows out, Rows x, Rows weight, float offset, float epsilon, int from, int to, Scratch scratch) {
		of(Kernel.Operation.RMS_NORM, null).rmsNorm(out, x, weight, offset, epsilon, from, to, scratch);
	}

	@Override
	public void rope(Rows x, int headDim, Rows cos, Rows sin, int from, int to) {
		of(Kernel.Operation.ROPE, null).rope(x, headDim, cos, sin, from, to);
	}

	@Override
	public void attention(AttentionJob job, int from, int to, Scratch scratch) {
		of(Kernel.Operation.ATTENTION, null).attention(job, from, to, scratch);
	}

	@Override
	public void add(Rows x, Rows y, int from, int to) {
		of(Kernel.Operation.ADD, null).add(x, y, from, to);
	}

	private final class Elementwise implements ElementwiseKernels {

		private ElementwiseKernels vector() {
			return SwitchingKernels.this.vector.elementwise();
		}

		@Override
		public void activate(Rows out, Rows x, Activation activation, int from, int to, Scratch scratch) {
			of(Kernel.Operation.GATE, activation).elementwise().activate(out, x, activation, from, to, scratch);
		}

		@Override
		public void gate(Rows out, Rows gate, Rows up, Activation activation, int from, int to, Scratch scratch) {
			of(Kernel.Operation.GATE, activation).elementwise().gate(out, gate, up, activation, from, to, scratch);
		}

		@Override
		public void clampedSwiGlu(Rows out, Rows gate, Rows up, float alpha, float limit, int from, int to,
				Scratch scratch) {
			vector().clampedSwiGlu(out, gate, up, alpha, limit, from, to, scratch);
		}

		@Override
		public void softcap(Rows x, float cap, int from, int to, Scratch scratch) {
			vector().softcap(x, cap, from, to, scratch);
		}

		@Override
		public void scale(Rows x, float factor, int from, int to) {
			vector().scale(x, factor, from, to);
		}

		@Override
		public void addScaled(Rows x, Rows y, float factor, int from, int to) {
			vector().addScaled(x, y, factor, from, to);
		}

		@Override
		public void split(Rows even, Rows odd, Rows x, int from, int to) {
			vector().split(even, odd, x, from, to);
		}

	}

}
