package io.github.flashspring.engine.device.cpu;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.checkpoint.DType;
import io.github.flashspring.engine.checkpoint.Quantization;
import io.github.flashspring.engine.device.Activation;
import io.github.flashspring.engine.device.AttentionSpec;
import io.github.flashspring.engine.device.Buffer;
import io.github.flashspring.engine.device.KvPages;
import io.github.flashspring.engine.device.Matrix;
import io.github.flashspring.engine.device.RaggedBatch;
import io.github.flashspring.engine.device.Tensor;
import io.github.flashspring.engine.device.Workload;

/**
 * A small operation on memory of its own that runs a kernel the way a model will.
 *
 * <p>
 * What counts for the JIT compiler are calls, not work, and vector code in the
 * interpreter is slow: an operation takes microseconds, and thousands of them make the
 * compiler busy with the Vector API's own plain code, which nobody needs later. So most
 * calls of the large kernels are <em>empty</em>, of methods with vector code over no
 * values, and a few compute, over rows that are long enough to show the compiler that
 * loops are what counts. Kernels of 4 bits are compiled after 0.4 s of CPU time that way
 * instead of 1.3, and 20 % faster than if compiled for the loops of tiny matrices.
 *
 * @param kernel the kernel that it compiles
 * @param work computes so much that vectors on the heap show
 * @param empty makes empty calls; null: only work makes the kernel compile
 */
record Exercise(Kernel kernel, Work work, @Nullable Work empty) {

	/**
	 * Empty calls for each that computes: a fifth of what makes the JIT compiler take a
	 * method.
	 */
	private static final int EMPTY_CALLS = 1000;

	/**
	 * Sets of outputs of a linear layer that are multiplied at a time. Of a loop over
	 * them that never goes round, the JIT compiler makes slow code for good.
	 */
	private static final int SETS = 2;

	/** Outputs of a linear layer of many rows: two pairs. */
	private static final int OUTPUTS = 4;

	/** Maximum of whole blocks of a row: those of a chunk. */
	private static final int BLOCKS = 8;

	/** Rows that are computed together. */
	private static final int ROWS = VectorMatmul.FEW + 1;

	/** More rows than are computed by four where registers are few. */
	private static final int MANY_ROWS = 2 * ROWS;

	/** Positions that are attended to: complete pages and a part of one. */
	private static final int POSITIONS = 45;

	/** Positions where a tile is read in codes and the next in halves. */
	private static final int MIXED_POSITIONS = KvPages.TILE + POSITIONS;

	/** Values of the head of a state space: few, as each takes a row of the state. */
	private static final int HEAD_DIM = 4;

	/** Query heads of a key-value head: a pair and a single one. */
	private static final int HEADS = 3;

	/**
	 * The exercises of a model, those that its first passes need most first.
	 * @param workload what it computes
	 * @return one for each kernel
	 */
	static List<Exercise> of(Workload workload) {
		Map<Kernel, Exercise> found = new LinkedHashMap<>();
		List<Workload.Linear> linears = workload.linears()
			.stream()
			.sorted(Comparator.comparing(Exercise::whole))
			.toList();
		linears.forEach((linear) -> linear(found, linear, 1));
		int width = narrowed(workload.hiddenSize(), 1);
		Rows x = floats(ROWS, width);
		Rows y = floats(ROWS, width);
		Rows norm = Rows.of(tensor(workload.norms(), 1, width));
		add(found, Kernel.of(Kernel.Operation.RMS_NORM),
				(kernels, scratch) -> kernels.rmsNorm(y, x, norm, 0f, 1e-5f, 0, ROWS, scratch), null);
		KvPages.Layout layout = workload.keyValues();
		if (layout != null) {
			int headDim = layout.keyDim();
			Rows heads = floats(ROWS, HEADS * headDim);
			Rows angles = floats(ROWS, headDim / 2);
			add(found, Kernel.of(Kernel.Operation.ROPE),
					(kernels, scratch) -> kernels.rope(heads, headDim, angles, angles, 0, ROWS, scratch), null);
			AttentionJob job = attention(layout);
			add(found, Kernel.of(Kernel.Operation.ATTENTION, layout.format()),
					(kernels, scratch) -> kernels.attention(job, 0, job.units(), scratch),
					(kernels, scratch) -> new VectorAttention(job, job.unit(0), scratch).callEmpty(EMPTY_CALLS));
		}
		workload.steps().forEach((step) -> step(found, step, y, x, norm));
		add(found, Kernel.of(Kernel.Operation.ADD), (kernels, scratch) -> kernels.add(y, x, 0, ROWS), null);
		Weights table = weights(narrowed(workload.table()), 1);
		Rows looked = floats(1, table.columns());
		add(found, Kernel.of(Kernel.Operation.UNPACK, table.format()),
				(kernels, scratch) -> kernels.unpack(looked, 0, table, 0, scratch), null);
		linears.forEach((linear) -> linear(found, linear, ROWS));
		linears.forEach((linear) -> linear(found, linear, MANY_ROWS));
		return List.copyOf(found.values());
	}

	private static void add(Map<Kernel, Exercise> found, Kernel kernel, Work work, @Nullable Work empty) {
		found.put(kernel, new Exercise(kernel, work, empty));
	}

	/** An operation that only some models use. */
	private static void step(Map<Kernel, Exercise> found, Workload.Step step, Rows y, Rows x, Rows norm) {
		switch (step) {
			case Workload.Gate(Activation activation) -> add(found, Kernel.of(Kernel.Operation.GATE, activation),
					(kernels, scratch) -> kernels.elementwise().gate(y, x, x, activation, 0, ROWS, scratch), null);
			case Workload.Activate(Activation activation) ->
				add(found, Kernel.of(Kernel.Operation.ACTIVATE, activation),
						(kernels, scratch) -> kernels.elementwise().activate(y, x, activation, 0, ROWS, scratch), null);
			case Workload.ClampedSwiGlu clamped -> add(found, Kernel.of(Kernel.Operation.CLAMPED_SWIGLU),
					(kernels, scratch) -> kernels.elementwise().clampedSwiGlu(y, x, x, 1.7f, 7f, 0, ROWS, scratch),
					null);
			case Workload.LayerNorm layerNorm -> add(found, Kernel.of(Kernel.Operation.LAYER_NORM),
					(kernels, scratch) -> kernels.rowwise().layerNorm(y, x, norm, norm, 0f, 1e-5f, 0, ROWS, scratch),
					null);
			case Workload.Combine combine -> {
				float[] factors = new float[ROWS];
				Rows sum = floats(1, x.columns());
				add(found, Kernel.of(Kernel.Operation.COMBINE),
						(kernels, scratch) -> kernels.rowwise().combine(sum, x, factors, 0, 1), null);
			}
			case Workload.Recurrence recurrence -> recurrence(found, recurrence);
		}
	}

	private static void recurrence(Map<Kernel, Exercise> found, Workload.Recurrence recurrence) {
		int columns = StateSpaceKernels.BLOCK;
		Rows x = floats(ROWS, columns);
		Rows out = floats(ROWS, columns);
		Rows filters = floats(columns, recurrence.taps());
		Rows inputs = floats(recurrence.taps() - 1, columns);
		Activation activation = recurrence.activation();
		add(found, Kernel.of(Kernel.Operation.CONVOLUTION, activation),
				(kernels, scratch) -> kernels.stateSpace()
					.convolution(out, x, filters, null, inputs, false, activation, 0, columns, scratch),
				(kernels, scratch) -> VectorStateSpace.callEmptyConvolution(scratch.lanes(Kernels.LANES), EMPTY_CALLS));
		Rows heads = floats(ROWS, HEAD_DIM);
		Rows numbers = floats(ROWS, recurrence.stateSize());
		Rows one = floats(1, 1);
		StateSpaceKernels.ScanJob scan = new StateSpaceKernels.ScanJob(floats(ROWS, HEAD_DIM), heads, numbers, numbers,
				floats(ROWS, 1), one, one, one, 0f, Float.POSITIVE_INFINITY, floats(HEAD_DIM, recurrence.stateSize()),
				false);
		add(found, Kernel.of(Kernel.Operation.SCAN),
				(kernels, scratch) -> kernels.stateSpace().selectiveScan(scan, 0, 1, scratch),
				(kernels, scratch) -> VectorStateSpace.callEmptyScan(scratch.lanes(Kernels.LANES), EMPTY_CALLS));
	}

	private static void linear(Map<Kernel, Exercise> found, Workload.Linear linear, int rows) {
		Weights many = weights(narrowed(linear), OUTPUTS);
		boolean byFour = VectorMatmul.byFour(many, rows);
		boolean few = rows <= VectorMatmul.FEW || byFour;
		Weights weights = few ? weights(narrowed(linear), SETS * VectorFormat.of(many).streams()) : many;
		found.computeIfAbsent(Kernel.linear(weights, rows),
				(kernel) -> new Exercise(kernel, product(weights, rows), (kernels, scratch) -> {
					if (few) {
						FewRows.callEmpty(weights, EMPTY_CALLS, byFour);
					}
					else {
						VectorPanels.callEmpty(weights, EMPTY_CALLS);
					}
				}));
	}

	private static Work product(Weights weights, int rows) {
		Rows x = floats(rows, weights.columns());
		Rows out = floats(rows, weights.rows());
		Packed.Memory memory = new Packed.Memory();
		Packed input = new Packed(memory);
		return (kernels, scratch) -> {
			memory.clear();
			kernels.reserve(input, rows, weights);
			kernels.pack(x, 0, rows, weights, 0, rows, input);
			kernels.matmul(out, x, 0, rows, input, weights, null, 0, weights.rows(), scratch);
		};
	}

	/** Whether rows end with a whole block; others run through more code. */
	private static boolean whole(Workload.Linear linear) {
		return linear.columns() % BlockOrder.COLUMNS == 0;
	}

	private static Workload.Linear narrowed(Workload.Linear linear) {
		Quantization quantization = linear.quantization();
		int groupSize = (quantization != null) ? quantization.groupSize() : 1;
		return new Workload.Linear(narrowed(linear.columns(), groupSize), linear.values(), quantization,
				linear.scales());
	}

	/** A smaller width, if possible, with the same last block and whole groups. */
	private static int narrowed(int columns, int groupSize) {
		int unit = Math.max(BlockOrder.COLUMNS, groupSize);
		return Math.min(columns, Math.max(BLOCKS * BlockOrder.COLUMNS, unit) + columns % unit);
	}

	private static Weights weights(Workload.Linear linear, int outputs) {
		Quantization quantization = linear.quantization();
		DType scaleType = linear.scales();
		int columns = linear.columns();
		if (quantization == null || scaleType == null) {
			return Weights.of(new Matrix.Dense(tensor(linear.values(), outputs, columns)));
		}
		int elements = Math.toIntExact((long) columns * quantization.bits() / Byte.SIZE / linear.values().bytes());
		int groups = Math.toIntExact(quantization.groups(columns));
		Tensor scales = tensor(scaleType, Math.ceilDiv(outputs, quantization.groupRows()), groups);
		Tensor biases = quantization.hasBiases() ? tensor(scaleType, outputs, groups) : null;
		return Weights
			.of(new Matrix.Quantized(tensor(linear.values(), outputs, elements), scales, biases, quantization, 0));
	}

	private static AttentionJob attention(KvPages.Layout model) {
		KvPages.Layout layout = new KvPages.Layout(model.pageTokens(), 1, model.keyDim(), model.valueDim(),
				model.rotatedDim(), model.format());
		int positions = (layout.format() == KvPages.Format.Q8) ? MIXED_POSITIONS : POSITIONS;
		int valueDim = (layout.valueDim() > 0) ? layout.valueDim() : layout.keyDim();
		int[] pages = new int[Math.ceilDiv(positions, layout.pageTokens())];
		for (int i = 0; i < pages.length; i++) {
			pages[i] = i;
		}
		Buffer memory = memory(pages.length * layout.in(KvPages.Format.F32).layerBytes());
		AttentionSpec spec = new AttentionSpec(HEADS, 1, layout.keyDim(), valueDim, 1f, 0);
		RaggedBatch batch = new RaggedBatch(new int[1], new int[] { positions - 1 },
				List.of(new RaggedBatch.Span(0, 1, positions - 1, new int[][] { pages, pages }, null)));
		return new AttentionJob(floats(1, HEADS * valueDim), floats(1, HEADS * layout.keyDim()),
				new Pages(layout, memory), 0, batch, spec, null);
	}

	private static Rows floats(int rows, int columns) {
		return Rows.of(tensor(DType.F32, rows, columns));
	}

	/** Zeros. */
	private static Tensor tensor(DType type, int rows, int columns) {
		return Tensor.of(memory((long) rows * columns * type.bytes()), 0, type, rows, columns);
	}

	private static Buffer memory(long bytes) {
		MemorySegment memory = Arena.ofAuto().allocate(Math.max(1, bytes), 64);
		return new CpuBuffer(memory, null);
	}

	/** Runs kernels. */
	@FunctionalInterface
	interface Work {

		void run(Kernels kernels, Scratch scratch);

	}

	/**
	 * Zeros of one layer, in pages one after the other. Codes have a second group of
	 * halves, in the same memory.
	 *
	 * @param layout shape of a page
	 * @param memory holds them
	 */
	private record Pages(KvPages.Layout layout, Buffer memory) implements KvPages {

		@Override
		public Layout layout(int group) {
			return (group == 0) ? this.layout : this.layout.in(Format.F16);
		}

		@Override
		public int recentGroup(int layer) {
			return (this.layout.format() == Format.Q8) ? 1 : NONE;
		}

		@Override
		public Buffer buffer(int page) {
			return this.memory;
		}

		@Override
		public long byteOffset(int page, int layer) {
			return page * this.layout.in(Format.F32).layerBytes();
		}

	}

}
