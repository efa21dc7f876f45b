package io.github.flashspring.engine.residency;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.function.Function;
import java.util.stream.IntStream;

import io.github.flashspring.engine.checkpoint.CheckpointException;
import io.github.flashspring.engine.checkpoint.TensorInfo;
import io.github.flashspring.engine.device.Buffer;
import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.device.Fence;
import io.github.flashspring.engine.device.Matrix;
import io.github.flashspring.engine.device.Tensor;
import io.github.flashspring.engine.metrics.EngineSnapshot;
import io.github.flashspring.engine.metrics.IoMetrics;

/**
 * Gives out the weights of one unit after the other: those that the plan pins from mapped
 * files, the others read into one window each time. One thread acquires, and holds one
 * streamed unit at a time.
 */
public final class WeightStore implements AutoCloseable {

	/** Most bytes of one read call; a {@link ByteBuffer} cannot be longer than 2 GB. */
	private static final long READ_BYTES = 1 << 28;

	private static final long PAGE = 1 << 14;

	private final WeightLayout layout;

	private final ResidencyPlan plan;

	private final Device device;

	private final Arena arena = Arena.ofShared();

	private final List<Buffer> buffers = new ArrayList<>();

	private final Weights[] weights;

	private final MemorySegment window;

	private final Embedding embedding;

	private Fence windowFree = Fence.DONE;

	private final AtomicLongArray unitBytesRead;

	private final AtomicLong reads = new AtomicLong();

	private final AtomicLong readNanos = new AtomicLong();

	private WeightStore(WeightLayout layout, ResidencyPlan plan, Device device) {
		this.layout = layout;
		this.plan = plan;
		this.device = device;
		int units = layout.units().size();
		this.unitBytesRead = new AtomicLongArray(units + 1);
		this.window = this.arena.allocate(Math.max(1, plan.windowBytes()), PAGE);
		Buffer windowBuffer = wrap(this.window);
		this.weights = new Weights[units];
		for (int i = 0; i < units; i++) {
			this.weights[i] = isPinned(i) ? weights(layout.units().get(i), this::map) : weights(layout.units().get(i),
					(part) -> tensor(part, windowBuffer, part.offset(), rows(part.tensor())));
		}
		int tied = layout.tiedUnit();
		this.embedding = isPinned((tied >= 0) ? tied : units) ? new PinnedEmbedding() : new StreamedEmbedding();
	}

	/**
	 * Opens the weights.
	 * @param layout which tensors make up which unit
	 * @param plan which units stay in memory
	 * @param device computes with them
	 * @return the store; the caller closes it, before the checkpoint
	 */
	public static WeightStore open(WeightLayout layout, ResidencyPlan plan, Device device) {
		return new WeightStore(layout, plan, device);
	}

	private boolean isPinned(int unit) {
		return this.plan.units().get(unit).pinned();
	}

	private Buffer wrap(MemorySegment memory) {
		Buffer buffer = this.device.wrap(memory);
		this.buffers.add(buffer);
		return buffer;
	}

	private Tensor map(WeightLayout.Placed part) {
		return tensor(part, wrap(this.layout.checkpoint().map(part.tensor())), 0, rows(part.tensor()));
	}

	private static Tensor tensor(WeightLayout.Placed part, Buffer buffer, long offset, int rows) {
		long[] shape = part.tensor().shape();
		return Tensor.of(buffer, offset, part.tensor().dtype(), rows, Math.toIntExact(shape[shape.length - 1]));
	}

	private static int rows(TensorInfo tensor) {
		return (tensor.shape().length == 1) ? 1 : Math.toIntExact(tensor.shape()[0]);
	}

	private Weights weights(WeightLayout.Unit unit, Function<WeightLayout.Placed, Tensor> locator) {
		return new Weights(this.device,
				unit.weights().stream().map((weight) -> weight.matrix(locator)).toArray(Matrix[]::new));
	}

	/**
	 * Waits until a unit's weights are in memory.
	 * @param unit index of the unit
	 * @return its weights, valid until {@link #release}
	 * @throws CheckpointException if they cannot be read
	 */
	public Weights acquire(int unit) {
		if (!isPinned(unit)) {
			this.windowFree.await();
			for (WeightLayout.Weight weight : this.layout.units().get(unit).weights()) {
				for (WeightLayout.Placed part : weight.parts()) {
					read(part.tensor(), 0, this.window.asSlice(part.offset(), part.tensor().byteSize()), unit);
				}
			}
		}
		return this.weights[unit];
	}

	/**
	 * Gives a unit back.
	 * @param unit index of the unit
	 * @param fence behind the work that uses its weights
	 */
	public void release(int unit, Fence fence) {
		if (!isPinned(unit)) {
			this.windowFree = fence;
		}
	}

	/**
	 * Looks up the embeddings of tokens.
	 * @param out F32 [n, hidden]
	 * @param tokens n token ids, n at most the plan's chunk
	 * @throws CheckpointException if they cannot be read
	 */
	public void embed(Tensor out, int[] tokens) {
		this.embedding.lookup(out, tokens);
	}

	/**
	 * Reads of weights so far.
	 * @return a snapshot
	 */
	public IoMetrics metrics() {
		long bytes = 0;
		for (int i = 0; i < this.unitBytesRead.length(); i++) {
			bytes += this.unitBytesRead.get(i);
		}
		return new IoMetrics(bytes, this.reads.get(), this.readNanos.get(), this.readNanos.get());
	}

	/**
	 * Residency of the units.
	 * @return the units of the plan, with what was read for each
	 */
	public List<EngineSnapshot.Unit> snapshot() {
		return IntStream.range(0, this.plan.units().size()).mapToObj((i) -> {
			ResidencyPlan.PlannedUnit unit = this.plan.units().get(i);
			return new EngineSnapshot.Unit(unit.name(), unit.bytes(), unit.pinned(), this.unitBytesRead.get(i));
		}).toList();
	}

	@Override
	public void close() {
		this.buffers.forEach(Buffer::close);
		this.arena.close();
	}

	private void read(TensorInfo tensor, long skip, MemorySegment target, int unit) {
		long start = System.nanoTime();
		for (long done = 0; done < target.byteSize(); done += READ_BYTES) {
			long length = Math.min(READ_BYTES, target.byteSize() - done);
			this.layout.checkpoint().read(tensor, skip + done, target.asSlice(done, length).asByteBuffer());
			this.reads.incrementAndGet();
			this.unitBytesRead.addAndGet(unit, length);
		}
		this.readNanos.addAndGet(System.nanoTime() - start);
	}

	private static long rowBytes(TensorInfo tensor) {
		return tensor.byteSize() / tensor.shape()[0];
	}

	/** The table from token ids to vectors. */
	private interface Embedding {

		void lookup(Tensor out, int[] tokens);

	}

	/** A table in memory. */
	private final class PinnedEmbedding implements Embedding {

		private final Matrix table = WeightStore.this.layout.embedding()
			.weights()
			.getFirst()
			.matrix(WeightStore.this::map);

		@Override
		public void lookup(Tensor out, int[] tokens) {
			WeightStore.this.device.embed(out, this.table, tokens);
		}

	}

	/** A table on disk, of which only the rows of the tokens are read. */
	private final class StreamedEmbedding implements Embedding {

		private final int unit = WeightStore.this.unitBytesRead.length() - 1;

		private final List<MemorySegment> parts = new ArrayList<>();

		private final Matrix rows;

		private final int[] identity;

		private Fence free = Fence.DONE;

		StreamedEmbedding() {
			int n = WeightStore.this.plan.prefillChunk();
			this.rows = weight().matrix((part) -> {
				MemorySegment memory = WeightStore.this.arena.allocate(n * rowBytes(part.tensor()), 64);
				this.parts.add(memory);
				return tensor(part, wrap(memory), 0, n);
			});
			this.identity = IntStream.range(0, n).toArray();
		}

		private WeightLayout.Weight weight() {
			return WeightStore.this.layout.embedding().weights().getFirst();
		}

		@Override
		public void lookup(Tensor out, int[] tokens) {
			this.free.await();
			List<WeightLayout.Placed> placed = weight().parts();
			for (int part = 0; part < placed.size(); part++) {
				TensorInfo tensor = placed.get(part).tensor();
				long rowBytes = rowBytes(tensor);
				for (int i = 0; i < tokens.length; i++) {
					read(tensor, tokens[i] * rowBytes, this.parts.get(part).asSlice(i * rowBytes, rowBytes), this.unit);
				}
			}
			WeightStore.this.device.embed(out, this.rows.rows(0, tokens.length),
					Arrays.copyOf(this.identity, tokens.length));
			this.free = WeightStore.this.device.commit();
		}

	}

}
