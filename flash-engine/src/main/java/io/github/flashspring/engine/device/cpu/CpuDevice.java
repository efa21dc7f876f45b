package io.github.flashspring.engine.device.cpu;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.Supplier;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.device.AttentionSpec;
import io.github.flashspring.engine.device.Buffer;
import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.device.Elementwise;
import io.github.flashspring.engine.device.Fence;
import io.github.flashspring.engine.device.KvPages;
import io.github.flashspring.engine.device.Matrix;
import io.github.flashspring.engine.device.RaggedBatch;
import io.github.flashspring.engine.device.RotarySpec;
import io.github.flashspring.engine.device.SharedBuffer;
import io.github.flashspring.engine.device.SharedRegion;
import io.github.flashspring.engine.device.StateSpace;
import io.github.flashspring.engine.device.Tensor;
import io.github.flashspring.engine.device.Workload;

/**
 * Computes every operation at once, on the calling thread and a pool of workers. It
 * checks operands and shares out the work; the arithmetic is that of {@link Kernels}.
 */
final class CpuDevice implements Device {

	/**
	 * Multiply-adds that are worth waking a second thread for: about 5 µs of one thread.
	 */
	private static final int MIN_BAND_WORK = 1 << 15;

	/** Minimum of outputs of a linear layer that one thread computes at once. */
	private static final int MIN_OUTPUTS = 16;

	/** How much work an output may be, compared with those computed in the same job. */
	private static final int MAX_SHARE = 1 << 16;

	private final Kernels kernels;

	private final CpuCopies copies;

	private final CpuElementwise elementwise;

	private final CpuStateSpace stateSpace;

	private final WorkerPool workers;

	private final PoolSession pool;

	private final Scratch[] scratch;

	/** The packed inputs of the linear layers that are being computed. */
	private final Packed.Memory inputMemory = new Packed.Memory();

	/** Partial results of the attention that is being computed. */
	private final AttentionJob.Partials partials = new AttentionJob.Partials();

	/** Makes the kernels of a session. */
	private final Supplier<Kernels> kernelsOfSession;

	/** Whether the pool is that of another device, which closes it. */
	private final boolean session;

	CpuDevice(Kernels kernels, int threads) {
		this(() -> kernels, threads);
	}

	CpuDevice(Supplier<Kernels> kernels, int threads) {
		this(kernels, new WorkerPool(threads), false);
	}

	private CpuDevice(Supplier<Kernels> kernelsOfSession, WorkerPool workers, boolean session) {
		this.kernelsOfSession = kernelsOfSession;
		this.session = session;
		this.kernels = kernelsOfSession.get();
		this.workers = workers;
		this.pool = new PoolSession(workers);
		this.scratch = new Scratch[workers.threads()];
		for (int i = 0; i < this.scratch.length; i++) {
			this.scratch[i] = new Scratch();
		}
		this.copies = new CpuCopies(this.pool);
		this.elementwise = new CpuElementwise(kernels.elementwise(), this.pool, this.scratch);
		this.stateSpace = new CpuStateSpace(kernels.stateSpace(), this.pool, this.scratch);
	}

	@Override
	public Info info() {
		int threads = this.pool.threads();
		return new Info(CpuDeviceProvider.NAME, System.getProperty("os.arch") + ", " + this.kernels.name()
				+ " kernels, " + threads + ((threads == 1) ? " thread" : " threads"));
	}

	@Override
	public Buffer allocate(long bytes) {
		return CpuMemory.allocate(bytes);
	}

	@Override
	public SharedBuffer allocateShared(long bytes) {
		return CpuMemory.allocateShared(bytes);
	}

	@Override
	public SharedRegion reserveShared(long bytes) {
		return CpuMemory.reserveShared(bytes);
	}

	@Override
	public void written(SharedBuffer buffer, long from, long length) {
		Objects.checkFromIndexSize(from, length, buffer.byteSize());
	}

	@Override
	public Buffer wrap(MemorySegment segment) {
		return CpuMemory.wrap(segment);
	}

	@Override
	public long scratchBytes(Limits limits) {
		// each of several inputs may be padded to less than twice its rows
		int rows = Math.min(2 * limits.rows(), this.kernels.rowsAtOnce());
		long partial = (this.pool.threads() > 1) ? AttentionJob.partialFloats(limits) : 0;
		return (this.pool.threads() * this.kernels.scratchFloats(limits)
				+ this.kernels.inputFloats(rows, limits.columns()) + partial) * Float.BYTES;
	}

	@Override
	public void embed(Tensor out, Matrix table, int[] rows) {
		Weights weights = Weights.of(table);
		Rows target = Rows.of(out);
		Checks.writable("out", target);
		Checks.activation("out", target, rows.length, weights.columns());
		Checks.indices("rows of the table", rows, target.count(), weights.rows());
		this.pool.run(target.count(), grain(weights.columns()), (from, to, worker) -> {
			for (int r = from; r < to; r++) {
				this.kernels.unpack(target, r, weights, rows[r], this.scratch[worker]);
			}
		});
	}

	@Override
	public void copy(Tensor out, Tensor x) {
		this.copies.copy(out, x);
	}

	@Override
	public void fill(Tensor out, float value) {
		this.copies.fill(out, value);
	}

	@Override
	public void broadcast(Tensor out, Tensor x) {
		this.copies.broadcast(out, x);
	}

	@Override
	public void convert(Tensor out, Tensor x) {
		this.copies.convert(out, x);
	}

	@Override
	public void gather(Tensor out, Tensor x, int[] rows) {
		this.copies.gather(out, x, rows);
	}

	@Override
	public void scatter(Tensor out, Tensor x, int[] rows) {
		this.copies.scatter(out, x, rows);
	}

	@Override
	public void combine(Tensor out, Tensor x, float[] weights) {
		Rows target = Rows.of(out);
		Rows source = Rows.of(x);
		Checks.writable("out", target);
		Checks.activation("out", target);
		Checks.activation("x", source, source.count(), target.columns());
		if (weights.length != source.count() || target.count() < 1 || source.count() % target.count() != 0) {
			throw new IllegalArgumentException("Cannot add up " + source.count() + " rows with " + weights.length
					+ " weights to " + target.count() + " rows");
		}
		this.pool.run(target.count(), grain((long) source.count() / target.count() * target.columns()),
				(from, to, worker) -> this.kernels.rowwise().combine(target, source, weights, from, to));
	}

	@Override
	public void matmul(Tensor out, Tensor x, Matrix weight, @Nullable Tensor bias) {
		matmul(List.of(new Matmul(out, x, weight, bias)));
	}

	@Override
	public void matmul(List<Matmul> layers) {
		List<Layer> resolved = layers.stream().map(Layer::of).toList();
		List<Input> inputs = new ArrayList<>();
		int packedRows = 0;
		int maxRows = this.kernels.rowsAtOnce();
		for (Layer layer : resolved) {
			Input input = packed(inputs, layer);
			if (input == null) {
				int rows = layer.x().count();
				Kernels linear = this.kernels.linear(layer.weights(), rows);
				int own = linear.packedRows(Math.min(rows, linear.rowsAtOnce()));
				maxRows = Math.min(maxRows, linear.rowsAtOnce());
				if (!inputs.isEmpty() && packedRows + Math.max(own, rows) > maxRows) {
					multiply(inputs);
					inputs.clear();
					packedRows = 0;
					maxRows = linear.rowsAtOnce();
				}
				packedRows += Math.max(own, rows);
				input = new Input(layer.x(), layer.weights(), linear, new Packed(this.inputMemory));
				inputs.add(input);
			}
			input.layers.add(layer);
		}
		multiply(inputs);
	}

	/** The input that was packed for another layer and serves this one as well. */
	private static @Nullable Input packed(List<Input> inputs, Layer layer) {
		for (Input input : inputs.reversed()) {
			if (input.serves(layer)) {
				return input;
			}
		}
		return null;
	}

	/** Only a single input has more rows than are computed at once. */
	private void multiply(List<Input> inputs) {
		if (inputs.size() != 1) {
			inputs.forEach((input) -> input.rows = input.x.count());
			multiplyAtOnce(inputs);
			return;
		}
		Input only = inputs.getFirst();
		for (int row = 0; row < only.x.count(); row += only.linear.rowsAtOnce()) {
			only.firstRow = row;
			only.rows = Math.min(only.linear.rowsAtOnce(), only.x.count() - row);
			multiplyAtOnce(inputs);
		}
	}

	/**
	 * Computes the layers of some inputs in one job: a job costs microseconds, as much as
	 * a layer of a small model or an expert of a few rows.
	 */
	private void multiplyAtOnce(List<Input> inputs) {
		this.inputMemory.clear();
		int rows = 0;
		long columns = 0;
		long outputWork = 0;
		for (Input input : inputs) {
			input.from = rows;
			rows += input.rows;
			columns = Math.max(columns, input.weights.columns());
			outputWork = Math.max(outputWork, input.outputWork());
			input.linear.reserve(input.packed, input.rows, input.weights);
		}
		this.pool.run(rows, grain(columns), (from, to, worker) -> {
			for (Input input : inputs) {
				if (from < input.from + input.rows && to > input.from) {
					input.pack(Math.max(from - input.from, 0), Math.min(to - input.from, input.rows));
				}
			}
		});
		List<Share> shares = new ArrayList<>();
		int items = 0;
		for (Input input : inputs) {
			int outputs = MIN_OUTPUTS * (int) Math.min(MAX_SHARE, outputWork / input.outputWork());
			for (Layer layer : input.layers) {
				shares.add(new Share(input, layer, outputs, items));
				items = shares.getLast().end();
			}
		}
		this.pool.run(items, grain(MIN_OUTPUTS * outputWork), (from, to, worker) -> {
			for (Share share : shares) {
				if (from < share.end() && to > share.from()) {
					share.multiply(from, to, this.scratch[worker]);
				}
			}
		});
	}

	@Override
	public void matmulTransposed(Tensor out, Tensor x, Matrix weight, boolean accumulate) {
		Weights weights = Weights.of(weight);
		Rows target = Rows.of(out);
		Rows source = Rows.of(x);
		Checks.writable("out", target);
		Checks.activation("x", source, source.count(), weights.rows());
		Checks.activation("out", target, source.count(), weights.columns());
		long work = (long) RowwiseKernels.BLOCK * weights.rows() * source.count();
		this.pool.run(Math.ceilDiv(weights.columns(), RowwiseKernels.BLOCK), grain(work),
				(from, to, worker) -> this.kernels.rowwise()
					.matmulTransposed(target, source, weights, accumulate, from, to, this.scratch[worker]));
	}

	@Override
	public void rmsNorm(Tensor out, Tensor x, Tensor weight, float offset, float epsilon) {
		Rows target = Rows.of(out);
		Rows source = Rows.of(x);
		Rows factors = Rows.of(weight);
		Checks.writable("out", target);
		Checks.activation("x", source);
		Checks.activation("out", target, source.count(), source.columns());
		Checks.number("weight", factors);
		Checks.shape("weight", factors, Math.max(1, factors.count()), source.columns());
		this.pool.run(source.count(), grain(source.columns()), (from, to, worker) -> this.kernels.rmsNorm(target,
				source, factors, offset, epsilon, from, to, this.scratch[worker]));
	}

	@Override
	public void layerNorm(Tensor out, Tensor x, Tensor weight, Tensor bias, float offset, float epsilon) {
		Rows target = Rows.of(out);
		Rows source = Rows.of(x);
		Rows factors = Rows.of(weight);
		Rows added = Rows.of(bias);
		Checks.writable("out", target);
		Checks.activation("x", source);
		Checks.activation("out", target, source.count(), source.columns());
		Checks.number("weight", factors);
		Checks.shape("weight", factors, 1, source.columns());
		Checks.number("bias", added);
		Checks.shape("bias", added, 1, source.columns());
		this.pool.run(source.count(), grain(2L * source.columns()), (from, to, worker) -> this.kernels.rowwise()
			.layerNorm(target, source, factors, added, offset, epsilon, from, to, this.scratch[worker]));
	}

	@Override
	public void rope(Tensor x, RotarySpec spec, Tensor cos, Tensor sin) {
		Rows target = Rows.of(x);
		Rows cosines = Rows.of(cos);
		Rows sines = Rows.of(sin);
		Checks.writable("x", target);
		Checks.activation("x", target);
		Checks.activation("cos", cosines, target.count(), cosines.columns());
		Checks.activation("sin", sines, target.count(), cosines.columns());
		if (spec.headDim() < 1 || target.columns() % spec.headDim() != 0 || spec.offset() < 0
				|| spec.offset() + 2L * cosines.columns() > spec.headDim()) {
			throw new IllegalArgumentException("Cannot turn " + cosines.columns() + " pairs from value " + spec.offset()
					+ " on in heads of " + spec.headDim() + " in rows of " + target.columns() + " values");
		}
		Rows turned = target.from(spec.offset());
		this.pool.run(target.count(), grain(target.columns()), (from, to, worker) -> {
			if (spec.interleaved()) {
				PortableKernels.ropeNeighbours(turned, spec.headDim(), cosines, sines, from, to);
			}
			else {
				this.kernels.rope(turned, spec.headDim(), cosines, sines, from, to, this.scratch[worker]);
			}
		});
	}

	@Override
	public void storeKv(KvPages kv, int layer, RaggedBatch batch, Tensor keys, @Nullable Tensor values) {
		Rows sourceKeys = Rows.of(keys);
		KvPages.Layout layout = kv.layout();
		if ((values == null) != (layout.valueDim() == 0)) {
			throw new IllegalArgumentException(
					"Expected values of " + layout.valueDim() + " numbers a head, found " + values);
		}
		Rows sourceValues = (values != null) ? Rows.of(values) : null;
		Checks.activation("keys", sourceKeys, batch.rows(), layout.keyValueHeads() * layout.keyDim());
		if (sourceValues != null) {
			Checks.activation("values", sourceValues, batch.rows(), layout.keyValueHeads() * layout.valueDim());
		}
		Checks.spans(kv, layer, batch, 1);
		int grain = grain((long) batch.rows() * (layout.keyDim() + layout.valueDim()));
		KvWriter writer = new KvWriter(kv, layer, sourceKeys, sourceValues);
		this.pool.run(layout.keyValueHeads(), grain, (from, to, worker) -> {
			for (int head = from; head < to; head++) {
				for (RaggedBatch.Span span : batch.spans()) {
					writer.store(span, head, this.scratch[worker]);
				}
			}
		});
	}

	@Override
	public void attention(Tensor out, Tensor queries, KvPages kv, int layer, RaggedBatch batch, AttentionSpec spec,
			@Nullable Tensor sinks) {
		Rows target = Rows.of(out);
		Rows source = Rows.of(queries);
		KvPages.Layout layout = kv.layout();
		Checks.writable("out", target);
		Checks.activation("queries", source, batch.rows(), spec.heads() * spec.keyDim());
		Checks.activation("out", target, batch.rows(), spec.heads() * spec.valueDim());
		if (spec.keyValueHeads() != layout.keyValueHeads() || spec.keyDim() != layout.keyDim()
				|| !holdsValues(layout, spec) || spec.heads() % spec.keyValueHeads() != 0 || spec.window() < 0
				|| !(spec.softcap() >= 0)) {
			throw new IllegalArgumentException("Cannot attend as " + spec + " over a cache of " + layout);
		}
		Rows added = (sinks != null) ? Rows.of(sinks) : null;
		if (added != null) {
			Checks.number("sinks", added);
			Checks.shape("sinks", added, 1, spec.heads());
		}
		Checks.spans(kv, layer, batch, spec.window());
		AttentionJob job = new AttentionJob(target, source, kv, layer, batch, spec, added);
		job.split(this.pool.threads(), this.partials);
		this.pool.run(job.units(), grain(job.unitWork()),
				(from, to, worker) -> this.kernels.attention(job, from, to, this.scratch[worker]));
		if (job.isSplit()) {
			this.pool.run(job.splitQueries(), grain(job.mergeWork()), (from, to, worker) -> job.merge(from, to));
		}
	}

	private static boolean holdsValues(KvPages.Layout layout, AttentionSpec spec) {
		return (layout.valueDim() > 0) ? spec.valueDim() == layout.valueDim() : spec.valueDim() <= layout.keyDim();
	}

	@Override
	public void add(Tensor x, Tensor y) {
		Rows target = Rows.of(x);
		Rows source = Rows.of(y);
		Checks.writable("x", target);
		Checks.activation("x", target);
		Checks.activation("y", source, target.count(), target.columns());
		this.pool.run(target.count(), grain(target.columns()),
				(from, to, worker) -> this.kernels.add(target, source, from, to));
	}

	@Override
	public Elementwise elementwise() {
		return this.elementwise;
	}

	@Override
	public StateSpace stateSpace() {
		return this.stateSpace;
	}

	@Override
	public void write(Tensor target, float[] source) {
		Rows rows = Rows.of(target);
		Checks.writable("target", rows);
		int length = values("target", rows, source.length);
		MemorySegment.copy(source, 0, rows.memory(), PortableKernels.FLOAT, rows.offset(), length);
	}

	@Override
	public void read(List<Readback> reads) {
		for (Readback read : reads) {
			Rows rows = Rows.of(read.source());
			int length = values("source", rows, read.target().length);
			MemorySegment.copy(rows.memory(), PortableKernels.FLOAT, rows.offset(), read.target(), 0, length);
		}
	}

	@Override
	public Runnable warmUp(Workload workload) {
		return this.kernels.warmUp(workload);
	}

	@Override
	public Fence commit() {
		return new Done(this.pool.elapsedNanos());
	}

	/** {@inheritDoc} Kernels are warmed up for each session. */
	@Override
	public Device session() {
		return new CpuDevice(this.kernelsOfSession, this.workers, true);
	}

	@Override
	public void close() {
		if (!this.session) {
			this.workers.close();
		}
	}

	private static int values(String name, Rows rows, int available) {
		Checks.activation(name, rows);
		Checks.contiguous(name, rows);
		long length = (long) rows.count() * rows.columns();
		if (length > available) {
			throw new IllegalArgumentException("Expected an array of at least " + length + " values for " + name + " ["
					+ rows.count() + ", " + rows.columns() + "], found " + available);
		}
		return (int) length;
	}

	/**
	 * A fence behind work that is done, as all work is here.
	 *
	 * @param elapsedNanos how long the device had computed
	 */
	private record Done(long elapsedNanos) implements Fence {

		@Override
		public void await() {
			// There is nothing to wait for.
		}

		@Override
		public boolean isDone() {
			return true;
		}

	}

	/** Items of a band, given the multiply-adds of an item. */
	static int grain(long work) {
		return (int) Math.max(1, MIN_BAND_WORK / Math.max(1, work));
	}

	/** A linear layer resolved to memory. */
	private record Layer(Rows out, Rows x, Weights weights, @Nullable Rows bias) {

		static Layer of(Matmul layer) {
			Weights weights = Weights.of(layer.weight());
			Rows out = Rows.of(layer.out());
			Rows x = Rows.of(layer.x());
			Rows bias = (layer.bias() != null) ? Rows.of(layer.bias()) : null;
			Checks.writable("out", out);
			Checks.activation("x", x, x.count(), weights.columns());
			Checks.activation("out", out, x.count(), weights.rows());
			if (bias != null) {
				Checks.number("bias", bias);
				Checks.shape("bias", bias, 1, weights.rows());
			}
			return new Layer(out, x, weights, bias);
		}

	}

	/** An input of linear layers, packed once for all of them. */
	private static final class Input {

		private final Rows x;

		/** Those of the first layer. */
		private final Weights weights;

		private final Kernels linear;

		private final Packed packed;

		private final List<Layer> layers = new ArrayList<>(2);

		/** The first of the rows that are computed at once. */
		private int firstRow;

		/** The rows that are computed at once. */
		private int rows;

		/** Place of the first among those of all inputs. */
		private int from;

		Input(Rows x, Weights weights, Kernels linear, Packed packed) {
			this.x = x;
			this.weights = weights;
			this.linear = linear;
			this.packed = packed;
		}

		/** Whether this input, packed as it is, serves a layer. */
		boolean serves(Layer layer) {
			return this.x.equals(layer.x()) && this.weights.columns() == layer.weights().columns()
					&& Kernel.stored(this.weights).equals(Kernel.stored(layer.weights()));
		}

		void pack(int fromRow, int toRow) {
			this.linear.pack(this.x, this.firstRow, this.rows, this.weights, fromRow, toRow, this.packed);
		}

		/** Multiply-adds of an output of a layer. */
		long outputWork() {
			return Math.max(1, (long) this.weights.columns() * this.rows);
		}

	}

	/**
	 * A linear layer among those that are computed in one job. Its items, some outputs
	 * each, are about as much work as those of the others.
	 *
	 * @param input of the layer
	 * @param layer the layer
	 * @param outputs of an item
	 * @param from number of its first item
	 */
	private record Share(Input input, Layer layer, int outputs, int from) {

		int end() {
			return this.from + Math.ceilDiv(this.layer.weights().rows(), this.outputs);
		}

		void multiply(int fromItem, int toItem, Scratch scratch) {
			int first = Math.max(fromItem - this.from, 0) * this.outputs;
			int end = (int) Math.min((long) (toItem - this.from) * this.outputs, this.layer.weights().rows());
			this.input.linear.matmul(this.layer.out(), this.input.x, this.input.firstRow, this.input.rows,
					this.input.packed, this.layer.weights(), this.layer.bias(), first, end, scratch);
		}

	}

}
