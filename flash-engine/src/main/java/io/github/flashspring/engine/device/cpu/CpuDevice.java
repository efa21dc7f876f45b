package io.github.flashspring.engine.device.cpu;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.device.AttentionSpec;
import io.github.flashspring.engine.device.Buffer;
import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.device.DeviceException;
import io.github.flashspring.engine.device.Elementwise;
import io.github.flashspring.engine.device.Fence;
import io.github.flashspring.engine.device.KvBlocks;
import io.github.flashspring.engine.device.Matrix;
import io.github.flashspring.engine.device.RaggedBatch;
import io.github.flashspring.engine.device.RotarySpec;
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

	/** Outputs of a linear layer that one thread computes in a stretch. */
	private static final int MIN_OUTPUTS = 16;

	private final Kernels kernels;

	private final CpuElementwise elementwise;

	private final CpuStateSpace stateSpace;

	private final WorkerPool pool;

	private final Scratch[] scratch;

	/** The packed input of the linear layer that is being computed. */
	private final Packed input = new Packed();

	/** Partial results of the attention that is being computed. */
	private final AttentionJob.Partials partials = new AttentionJob.Partials();

	CpuDevice(Kernels kernels, int threads) {
		this.kernels = kernels;
		this.pool = new WorkerPool(threads);
		this.scratch = new Scratch[threads];
		for (int i = 0; i < threads; i++) {
			this.scratch[i] = new Scratch();
		}
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
	@SuppressWarnings("MustBeClosedChecker") // The buffer closes the arena.
	public Buffer allocate(long bytes) {
		if (bytes < 0) {
			throw new IllegalArgumentException("Cannot allocate " + bytes + " bytes");
		}
		Arena arena = Arena.ofShared();
		try {
			return new CpuBuffer(arena.allocate(Math.max(bytes, 1), 64).asSlice(0, bytes), arena);
		}
		catch (OutOfMemoryError ex) {
			arena.close();
			throw new DeviceException("The JVM cannot allocate " + bytes
					+ " bytes of native memory; it allows as much as -XX:MaxDirectMemorySize, by default as -Xmx", ex);
		}
	}

	@Override
	public Buffer wrap(MemorySegment segment) {
		if (!segment.isNative()) {
			throw new IllegalArgumentException(
					"Expected native memory, found a heap segment of " + segment.byteSize() + " bytes");
		}
		if (!segment.isAccessibleBy(new Thread())) {
			throw new IllegalArgumentException(
					"The memory must be accessible to all threads: use a shared or automatic arena, not a confined one");
		}
		return new CpuBuffer(segment, null);
	}

	@Override
	public long scratchBytes(Limits limits) {
		int rows = Math.min(limits.rows(), this.kernels.rowsAtOnce());
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
	public void gather(Tensor out, Tensor x, int[] rows) {
		Rows target = Rows.of(out);
		Rows source = Rows.of(x);
		Checks.writable("out", target);
		Checks.activation("x", source);
		Checks.activation("out", target, rows.length, source.columns());
		Checks.indices("rows of x", rows, target.count(), source.count());
		for (int r = 0; r < target.count(); r++) {
			MemorySegment.copy(source.memory(), source.row(rows[r]), target.memory(), target.row(r),
					(long) source.columns() * Float.BYTES);
		}
	}

	@Override
	public void scatter(Tensor out, Tensor x, int[] rows) {
		Rows target = Rows.of(out);
		Rows source = Rows.of(x);
		Checks.writable("out", target);
		Checks.activation("x", source);
		Checks.activation("out", target, target.count(), source.columns());
		Checks.indices("rows of out", rows, source.count(), target.count());
		for (int r = 0; r < source.count(); r++) {
			MemorySegment.copy(source.memory(), source.row(r), target.memory(), target.row(rows[r]),
					(long) source.columns() * Float.BYTES);
		}
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
		for (int from = 0; from < resolved.size();) {
			Layer first = resolved.get(from);
			int to = from + 1;
			while (to < resolved.size() && resolved.get(to).isPackedAs(first)) {
				to++;
			}
			multiply(resolved.subList(from, to));
			from = to;
		}
	}

	/**
	 * Computes layers that share a packed input in one job: a job costs microseconds, as
	 * much as a layer of a small model.
	 */
	private void multiply(List<Layer> layers) {
		Rows x = layers.getFirst().x();
		Weights weights = layers.getFirst().weights();
		int outputs = layers.stream().mapToInt((layer) -> layer.weights().rows()).sum();
		Kernels linear = this.kernels.linear(weights, x.count());
		Packed packed = this.input;
		for (int row = 0; row < x.count(); row += linear.rowsAtOnce()) {
			int firstRow = row;
			int rows = Math.min(linear.rowsAtOnce(), x.count() - row);
			linear.reserve(packed, rows, weights);
			this.pool.run(rows, grain(weights.columns()),
					(from, to, worker) -> linear.pack(x, firstRow, rows, weights, from, to, packed));
			int grain = Math.max(MIN_OUTPUTS, grain((long) weights.columns() * rows));
			this.pool.run(outputs, grain, (from, to, worker) -> {
				int start = 0;
				for (Layer layer : layers) {
					int end = start + layer.weights().rows();
					if (from < end && to > start) {
						linear.matmul(layer.out(), x, firstRow, rows, packed, layer.weights(), layer.bias(),
								Math.max(from, start) - start, Math.min(to, end) - start, this.scratch[worker]);
					}
					start = end;
				}
			});
		}
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
	public void storeKv(KvBlocks kv, int layer, RaggedBatch batch, Tensor keys, @Nullable Tensor values) {
		Rows sourceKeys = Rows.of(keys);
		KvBlocks.Layout layout = kv.layout();
		if ((values == null) != (layout.valueDim() == 0)) {
			throw new IllegalArgumentException(
					"Expected values of " + layout.valueDim() + " numbers a head, found " + values);
		}
		Rows sourceValues = (values != null) ? Rows.of(values) : null;
		Checks.activation("keys", sourceKeys, batch.rows(), layout.keyValueHeads() * layout.keyDim());
		if (sourceValues != null) {
			Checks.activation("values", sourceValues, batch.rows(), layout.keyValueHeads() * layout.valueDim());
		}
		Checks.spans(kv, layer, batch);
		int grain = grain((long) batch.rows() * (layout.keyDim() + layout.valueDim()));
		this.pool.run(layout.keyValueHeads(), grain, (from, to, worker) -> {
			for (int head = from; head < to; head++) {
				for (RaggedBatch.Span span : batch.spans()) {
					storeKv(kv, layer, span, head, sourceKeys, sourceValues, this.scratch[worker]);
				}
			}
		});
	}

	private static void storeKv(KvBlocks kv, int layer, RaggedBatch.Span span, int head, Rows keys,
			@Nullable Rows values, Scratch scratch) {
		KvBlocks.Layout layout = kv.layout();
		float[] numbers = scratch.weights(layout.keyDim());
		for (int i = 0; i < span.rows(); i++) {
			int position = span.position() + i;
			KvRun run = KvRun.of(kv, layer, span.blocks(), head, position, position + 1);
			long key = keys.row(span.firstRow() + i) + 4L * head * layout.keyDim();
			MemorySegment.copy(keys.memory(), PortableKernels.FLOAT, key, numbers, 0, layout.keyDim());
			long target = run.key();
			for (int d = 0; d < layout.keyDim(); d++) {
				run.memory().set(PortableKernels.FLOAT, target, numbers[d]);
				target += run.keyStride();
			}
			if (values != null) {
				long value = values.row(span.firstRow() + i) + 4L * head * layout.valueDim();
				MemorySegment.copy(values.memory(), value, run.memory(), run.value(), 4L * layout.valueDim());
			}
		}
	}

	@Override
	public void attention(Tensor out, Tensor queries, KvBlocks kv, int layer, RaggedBatch batch, AttentionSpec spec,
			@Nullable Tensor sinks) {
		Rows target = Rows.of(out);
		Rows source = Rows.of(queries);
		KvBlocks.Layout layout = kv.layout();
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
		Checks.spans(kv, layer, batch);
		AttentionJob job = new AttentionJob(target, source, kv, layer, batch, spec, added);
		job.split(this.pool.threads(), this.partials);
		this.pool.run(job.units(), grain(job.unitWork()),
				(from, to, worker) -> this.kernels.attention(job, from, to, this.scratch[worker]));
		if (job.isSplit()) {
			this.pool.run(job.splitQueries(), grain(job.mergeWork()), (from, to, worker) -> job.merge(from, to));
		}
	}

	private static boolean holdsValues(KvBlocks.Layout layout, AttentionSpec spec) {
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
	public void read(Tensor source, float[] target) {
		Rows rows = Rows.of(source);
		int length = values("source", rows, target.length);
		MemorySegment.copy(rows.memory(), PortableKernels.FLOAT, rows.offset(), target, 0, length);
	}

	@Override
	public Runnable warmUp(Workload workload) {
		return this.kernels.warmUp(workload);
	}

	@Override
	public Fence commit() {
		return Fence.DONE;
	}

	@Override
	public void close() {
		this.pool.close();
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

		/** Whether one packed input serves this layer and another one. */
		boolean isPackedAs(Layer other) {
			int rows = this.x.count();
			return this.x.equals(other.x) && this.weights.columns() == other.weights.columns()
					&& Kernel.linear(this.weights, rows).equals(Kernel.linear(other.weights, rows));
		}

	}

}
