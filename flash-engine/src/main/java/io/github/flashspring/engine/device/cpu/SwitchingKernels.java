package io.github.flashspring.engine.device.cpu;

import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.device.Activation;
import io.github.flashspring.engine.device.Device.Limits;
import io.github.flashspring.engine.device.Workload;

/**
 * Vector kernels, but others with the same bits in place of those that are cold, since
 * vector code in the interpreter takes about a hundred times as long as compiled: many
 * rows of a linear layer are computed row by row, everything but linear layers by plain
 * Java, which is cheap there and soon compiled. A switch may come at any time.
 */
final class SwitchingKernels implements Kernels {

	/**
	 * Multiply-adds of a linear layer that are worth waiting for its vector code: some 10
	 * ms of portable code. Matrices of a row of a small model have less.
	 */
	private static final long MIN_AWAITED_WORK = 1L << 23;

	/** Multiply-adds of rows that are computed one by one, in a nanosecond. */
	private static final long ROW_BY_ROW_RATE = 16;

	/**
	 * How long after the last linear layer nobody needs the cores: longer than it takes
	 * to load a small model.
	 */
	static final long IDLE_NANOS = TimeUnit.SECONDS.toNanos(3);

	private final Kernels vector;

	private final Kernels rowByRow;

	private final Kernels portable;

	private final Allocations allocations;

	private final long idleNanos;

	/** Kernels that the JVM has compiled, for whichever device. */
	private final Set<Kernel> compiled;

	private final ElementwiseKernels elementwise = new Elementwise();

	private final RowwiseKernels rowwise = new Rowwise();

	private final StateSpaceKernels stateSpace = new StateSpaces();

	/** Vector kernels that are not compiled; none once the model is warm. */
	private volatile Map<Kernel, Cold> cold = Map.of();

	private volatile long lastUse;

	/** Whether a pass waits for the compiler. */
	private volatile boolean awaited;

	/**
	 * How long passes may still wait for the compiler, in nanoseconds: as long as the
	 * warm-up does. On two cores with a load of 12, portable code took 28 s of CPU time
	 * for the prompt of a model of 1.2 billion weights.
	 */
	private long patience = TimeUnit.SECONDS.toNanos(30);

	SwitchingKernels(Kernels vector, Kernels rowByRow, Kernels portable, Allocations allocations, long idleNanos,
			Set<Kernel> compiled) {
		this.compiled = compiled;
		this.vector = vector;
		this.rowByRow = rowByRow;
		this.portable = portable;
		this.allocations = allocations;
		this.idleNanos = idleNanos;
	}

	@Override
	public Runnable warmUp(Workload workload) {
		List<Exercise> exercises = Exercise.of(workload)
			.stream()
			.filter((exercise) -> !this.compiled.contains(exercise.kernel()))
			.toList();
		cool(exercises.stream().map(Exercise::kernel).toList());
		return new KernelWarmUp(this, exercises, this.allocations);
	}

	Kernels vector() {
		return this.vector;
	}

	Kernels portable() {
		return this.portable;
	}

	/** The kernels that are not compiled. */
	Set<Kernel> cold() {
		return this.cold.keySet();
	}

	/** Computes with the twins of kernels. */
	synchronized void cool(Collection<Kernel> kernels) {
		Map<Kernel, Cold> next = new HashMap<>(this.cold);
		kernels.forEach((kernel) -> next.putIfAbsent(kernel, new Cold()));
		this.cold = Map.copyOf(next);
		this.lastUse = System.nanoTime();
	}

	/** Computes with a vector kernel that is compiled. */
	void compiled(Kernel kernel) {
		this.compiled.add(kernel);
		ready(kernel);
	}

	/** Computes with a vector kernel from now on. */
	synchronized void ready(Kernel kernel) {
		Map<Kernel, Cold> next = new HashMap<>(this.cold);
		next.remove(kernel);
		this.cold = Map.copyOf(next);
		notifyAll();
	}

	/**
	 * Whether compiling a kernel now pays: those of a few rows at once, as the first
	 * token needs them and their portable twins are slow, others once their twins have
	 * computed for about as long as compiling takes, or while nothing is computed.
	 */
	boolean wanted(Kernel kernel) {
		Cold twin = this.cold.get(kernel);
		return kernel.operation() == Kernel.Operation.FEW_ROWS || (twin != null && twin.paysToCompile())
				|| (!this.awaited && System.nanoTime() - this.lastUse > this.idleNanos);
	}

	private void compute(Kernel.Operation operation, @Nullable Object variant, Consumer<Kernels> work) {
		Map<Kernel, Cold> now = this.cold;
		Cold twin = now.isEmpty() ? null : now.get(new Kernel(operation, variant));
		if (twin == null) {
			work.accept(this.vector);
			return;
		}
		long start = System.nanoTime();
		work.accept(this.portable);
		twin.computed(System.nanoTime() - start);
	}

	@Override
	public Kernels linear(Weights weights, int rows) {
		if (this.cold.isEmpty()) {
			return this.vector;
		}
		this.lastUse = System.nanoTime();
		long work = (long) rows * weights.rows() * weights.columns();
		Kernel few = Kernel.linear(weights, 1);
		if (work > MIN_AWAITED_WORK && this.cold.containsKey(few)) {
			await(few);
			this.lastUse = System.nanoTime();
		}
		Map<Kernel, Cold> now = this.cold;
		if (now.containsKey(few)) {
			return this.portable;
		}
		Cold twin = (rows > VectorMatmul.FEW) ? now.get(Kernel.linear(weights, rows)) : null;
		if (twin == null) {
			return this.vector;
		}
		twin.computed(work / ROW_BY_ROW_RATE);
		return this.rowByRow;
	}

	/**
	 * Waits for the compiler, in total no longer than {@link #patience}: portable code
	 * would take the cores from it for longer.
	 */
	private synchronized void await(Kernel kernel) {
		long start = System.nanoTime();
		long left = this.patience;
		this.awaited = true;
		while (left > 0 && this.cold.containsKey(kernel)) {
			try {
				TimeUnit.NANOSECONDS.timedWait(this, left);
			}
			catch (InterruptedException ex) {
				Thread.currentThread().interrupt();
				break;
			}
			left = this.patience - (System.nanoTime() - start);
		}
		this.awaited = false;
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
		return this.rowwise;
	}

	@Override
	public StateSpaceKernels stateSpace() {
		return this.stateSpace;
	}

	@Override
	public long scratchFloats(Limits limits) {
		return Math.max(this.vector.scratchFloats(limits), this.portable.scratchFloats(limits));
	}

	@Override
	public void unpack(Rows out, int outRow, Weights weights, int row, Scratch scratch) {
		compute(Kernel.Operation.UNPACK, weights.format(),
				(kernels) -> kernels.unpack(out, outRow, weights, row, scratch));
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
		compute(Kernel.Operation.RMS_NORM, null,
				(kernels) -> kernels.rmsNorm(out, x, weight, offset, epsilon, from, to, scratch));
	}

	@Override
	public void rope(Rows x, int headDim, Rows cos, Rows sin, int from, int to, Scratch scratch) {
		compute(Kernel.Operation.ROPE, null, (kernels) -> kernels.rope(x, headDim, cos, sin, from, to, scratch));
	}

	@Override
	public void attention(AttentionJob job, int from, int to, Scratch scratch) {
		compute(Kernel.Operation.ATTENTION, job.format(), (kernels) -> kernels.attention(job, from, to, scratch));
	}

	@Override
	public void add(Rows x, Rows y, int from, int to) {
		compute(Kernel.Operation.ADD, null, (kernels) -> kernels.add(x, y, from, to));
	}

	/** What the portable stand-in of a cold kernel has computed. */
	private static final class Cold {

		/**
		 * About what compiling a kernel takes from passes: 0.5 s on two cores, less where
		 * there are cores that compute nothing.
		 */
		private static final long COMPILE_NANOS = 1_000_000_000 / Runtime.getRuntime().availableProcessors();

		private final AtomicLong nanos = new AtomicLong();

		void computed(long nanos) {
			this.nanos.addAndGet(nanos);
		}

		boolean paysToCompile() {
			return this.nanos.get() > COMPILE_NANOS;
		}

	}

	private final class Elementwise implements ElementwiseKernels {

		private ElementwiseKernels vector() {
			return SwitchingKernels.this.vector.elementwise();
		}

		@Override
		public void activate(Rows out, Rows x, Activation activation, int from, int to, Scratch scratch) {
			compute(Kernel.Operation.ACTIVATE, activation,
					(kernels) -> kernels.elementwise().activate(out, x, activation, from, to, scratch));
		}

		@Override
		public void gate(Rows out, Rows gate, Rows up, Activation activation, int from, int to, Scratch scratch) {
			compute(Kernel.Operation.GATE, activation,
					(kernels) -> kernels.elementwise().gate(out, gate, up, activation, from, to, scratch));
		}

		@Override
		public void clampedSwiGlu(Rows out, Rows gate, Rows up, float alpha, float limit, int from, int to,
				Scratch scratch) {
			compute(Kernel.Operation.CLAMPED_SWIGLU, null,
					(kernels) -> kernels.elementwise().clampedSwiGlu(out, gate, up, alpha, limit, from, to, scratch));
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

	private final class Rowwise implements RowwiseKernels {

		@Override
		public void layerNorm(Rows out, Rows x, Rows weight, Rows bias, float offset, float epsilon, int from, int to,
				Scratch scratch) {
			compute(Kernel.Operation.LAYER_NORM, null,
					(kernels) -> kernels.rowwise().layerNorm(out, x, weight, bias, offset, epsilon, from, to, scratch));
		}

		@Override
		public void combine(Rows out, Rows x, float[] weights, int from, int to) {
			compute(Kernel.Operation.COMBINE, null, (kernels) -> kernels.rowwise().combine(out, x, weights, from, to));
		}

		@Override
		public void matmulTransposed(Rows out, Rows x, Weights weights, boolean accumulate, int from, int to,
				Scratch scratch) {
			SwitchingKernels.this.vector.rowwise().matmulTransposed(out, x, weights, accumulate, from, to, scratch);
		}

	}

	private final class StateSpaces implements StateSpaceKernels {

		@Override
		public void convolution(Rows out, Rows x, Rows weight, @Nullable Rows bias, Rows state, boolean first,
				Activation activation, int from, int to, Scratch scratch) {
			compute(Kernel.Operation.CONVOLUTION, activation, (kernels) -> kernels.stateSpace()
				.convolution(out, x, weight, bias, state, first, activation, from, to, scratch));
		}

		@Override
		public void selectiveScan(ScanJob job, int from, int to, Scratch scratch) {
			compute(Kernel.Operation.SCAN, null,
					(kernels) -> kernels.stateSpace().selectiveScan(job, from, to, scratch));
		}

	}

}
