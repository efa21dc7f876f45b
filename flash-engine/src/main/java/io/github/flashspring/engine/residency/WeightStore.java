package io.github.flashspring.engine.residency;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;

import io.github.flashspring.engine.checkpoint.CheckpointException;
import io.github.flashspring.engine.checkpoint.TensorInfo;
import io.github.flashspring.engine.device.Buffer;
import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.device.Matrix;
import io.github.flashspring.engine.device.Tensor;
import io.github.flashspring.engine.metrics.EngineSnapshot;
import io.github.flashspring.engine.metrics.IoMetrics;
import io.github.flashspring.engine.metrics.PacingMetrics;
import io.github.flashspring.engine.metrics.Timeline;
import org.jspecify.annotations.Nullable;

/**
 * Gives out the weights of one unit after the other, as the plan has it: mapped from
 * their files without a budget; else some blocks from memory of their own, the others
 * from a ring into which they are read ahead. One thread computes with them.
 */
public final class WeightStore implements AutoCloseable {

	private final WeightLayout layout;

	private final WeightFiles files;

	private final Device device;

	private final IoRecorder recorder;

	private final BandwidthController controller;

	private final Arena arena = Arena.ofShared();

	private final List<Buffer> buffers = new ArrayList<>();

	private final List<@Nullable Tensor[]> vectors = new ArrayList<>();

	private volatile ResidencyPlan plan;

	private volatile Source source;

	private WeightStore(WeightLayout layout, WeightFiles files, ResidencyPlan plan, Device device,
			double maxDegradation) {
		this.layout = layout;
		this.files = files;
		this.device = device;
		this.plan = plan;
		this.recorder = new IoRecorder(
				plan.units().stream().map(ResidencyPlan.PlannedUnit::name).toArray(String[]::new));
		this.controller = new BandwidthController(System::nanoTime, maxDegradation, plan.reads().windowBytes(),
				new long[layout.units().size()]);
		boolean complete = false;
		try {
			readVectors();
			this.source = plan.mapped() ? new Mapped() : new Streamed(plan);
			complete = true;
		}
		finally {
			if (!complete) {
				closeVectors();
			}
		}
	}

	/**
	 * Opens the weights, and begins to read what the plan keeps in memory.
	 * @param layout which tensors make up which unit
	 * @param files the files; the caller closes them after the store
	 * @param plan which blocks stay in memory
	 * @param device computes with them
	 * @param maxDegradation by how much reads ahead may lengthen computing: 0.05 for 5 %
	 * @return the store; the caller closes it, before the checkpoint
	 * @throws CheckpointException if files cannot be read
	 */
	public static WeightStore open(WeightLayout layout, WeightFiles files, ResidencyPlan plan, Device device,
			double maxDegradation) {
		return new WeightStore(layout, files, plan, device, maxDegradation);
	}

	private void readVectors() {
		MemorySegment memory = this.arena.allocate(Math.max(1, this.layout.vectorBytes()), 64);
		Buffer buffer = this.device.wrap(memory);
		this.buffers.add(buffer);
		long offset = 0;
		for (WeightLayout.Unit unit : this.layout.units()) {
			@Nullable Tensor[] tensors = new Tensor[unit.weights().size()];
			for (int i = 0; i < tensors.length; i++) {
				WeightLayout.Weight weight = unit.weights().get(i);
				if (weight.parameter().vector()) {
					TensorInfo tensor = weight.codes();
					this.layout.checkpoint().read(tensor, 0, memory.asSlice(offset, tensor.byteSize()).asByteBuffer());
					tensors[i] = Tensor.of(buffer, offset, tensor.dtype(), 1, weight.parameter().columns());
					offset += WeightLayout.alignVector(tensor.byteSize());
				}
			}
			this.vectors.add(tensors);
		}
	}

	/**
	 * The plan that is in force.
	 * @return the plan
	 */
	public ResidencyPlan plan() {
		return this.plan;
	}

	/**
	 * Begins a pass; the same thread ends it.
	 * @param rows rows of the pass
	 * @param headRounds how often it goes through the head
	 */
	public void beginPass(int rows, int headRounds) {
		this.controller.beginPass(rows);
		this.source.beginPass(rows, headRounds);
	}

	/**
	 * Ends a pass that was computed.
	 * @param rows rows of the pass
	 * @param start when it began, of {@link System#nanoTime}
	 */
	public void endPass(int rows, long start) {
		this.controller.endPass();
		this.recorder.passed(rows, start, System.nanoTime());
	}

	/** Notes that a unit begins to compute. */
	void computing(int unit) {
		this.source.wasDisturbed();
		this.controller.computing(unit);
	}

	/** Notes that a unit was computed, in so much time without waiting for reads. */
	void computed(int unit, long nanos) {
		this.controller.computed(unit, nanos, this.source.wasDisturbed());
	}

	/**
	 * How reading ahead and computing get along.
	 * @return a snapshot
	 */
	public PacingMetrics pacing() {
		return this.controller.snapshot();
	}

	/**
	 * Weights of a unit.
	 * @param unit index of the unit
	 * @return its weights
	 */
	Weights weights(int unit) {
		return this.source.weights(unit);
	}

	IoRecorder recorder() {
		return this.recorder;
	}

	/**
	 * Changes the memory for weights, between two passes. What was in memory and stays is
	 * not read again.
	 * @param next a plan for the same model, of the same rows
	 * @throws CheckpointException if files cannot be opened
	 */
	public void apply(ResidencyPlan next) {
		if (this.source instanceof Streamed streamed && !next.mapped() && next.blockBytes() == this.plan.blockBytes()) {
			streamed.plan(next);
		}
		else if (!next.mapped() || !this.plan.mapped()) {
			Source old = this.source;
			this.source = next.mapped() ? new Mapped() : new Streamed(next);
			old.close();
		}
		this.plan = next;
	}

	/**
	 * Looks up the embeddings of tokens.
	 * @param out F32 [n, hidden]
	 * @param tokens n token ids, n at most the plan's rows of a pass
	 * @throws CheckpointException if they cannot be read
	 */
	public void embed(Tensor out, int[] tokens) {
		this.source.embed(out, tokens);
	}

	/**
	 * Records what happens from now on.
	 * @param timeline receives spans, or null to stop
	 */
	public void record(@Nullable Timeline timeline) {
		this.recorder.timeline(timeline);
	}

	/**
	 * Reads of weights so far.
	 * @return a snapshot
	 */
	public IoMetrics metrics() {
		return this.source.metrics();
	}

	/**
	 * Residency of the units.
	 * @return the units of the plan, with what was read for each
	 */
	public List<EngineSnapshot.Unit> snapshot() {
		List<ResidencyPlan.PlannedUnit> units = this.plan.units();
		return IntStream.range(0, units.size())
			.mapToObj((i) -> new EngineSnapshot.Unit(units.get(i).name(), units.get(i).bytes(),
					units.get(i).pinnedBytes() == units.get(i).bytes(), this.recorder.bytesRead(i),
					units.get(i).pinnedBytes(), this.recorder.stallNanos(i), this.recorder.computeNanos(i)))
			.toList();
	}

	@Override
	public void close() {
		this.source.close();
		closeVectors();
	}

	private void closeVectors() {
		this.buffers.forEach(Buffer::close);
		this.arena.close();
	}

	/** Where matrices come from. */
	private interface Source extends AutoCloseable {

		default void beginPass(int rows, int headRounds) {
		}

		default boolean wasDisturbed() {
			return false;
		}

		Weights weights(int unit);

		void embed(Tensor out, int[] tokens);

		IoMetrics metrics();

		@Override
		void close();

	}

	/** Everything mapped from the files. */
	private final class Mapped implements Source {

		private final List<Buffer> mapped = new ArrayList<>();

		private final List<Weights> weights = new ArrayList<>();

		private final Matrix table;

		Mapped() {
			List<WeightLayout.Unit> units = WeightStore.this.layout.units();
			for (int i = 0; i < units.size(); i++) {
				Matrix[] matrices = units.get(i)
					.weights()
					.stream()
					.map((weight) -> weight.parameter().vector() ? null : weight.matrix(0, this::map))
					.toArray(Matrix[]::new);
				this.weights.add(new Weights(WeightStore.this.device, WeightStore.this.vectors.get(i),
						(weight, visitor) -> visitor.rows(0, matrices[weight])));
			}
			this.table = WeightStore.this.layout.table().matrix(0, this::map);
		}

		private Tensor map(TensorInfo part) {
			Buffer buffer = WeightStore.this.device.wrap(WeightStore.this.layout.checkpoint().map(part));
			this.mapped.add(buffer);
			return Tensor.of(buffer, 0, part.dtype(), Math.toIntExact(part.dimension(0)),
					Math.toIntExact(part.dimension(1)));
		}

		@Override
		public Weights weights(int unit) {
			return this.weights.get(unit);
		}

		@Override
		public void embed(Tensor out, int[] tokens) {
			WeightStore.this.device.embed(out, this.table, tokens);
		}

		@Override
		public IoMetrics metrics() {
			return WeightStore.this.recorder.snapshot(0, 0, 0);
		}

		@Override
		public void close() {
			this.mapped.forEach(Buffer::close);
		}

	}

	/** Blocks in memory of their own, and blocks that stream through a ring. */
	private final class Streamed implements Source, BlockMatrices.Buffers {

		private final Prefetcher prefetcher;

		private final TokenEmbedding embedding;

		private final Map<Load, Buffer> pinned = new IdentityHashMap<>();

		private final BlockLayout blocks;

		private final List<Weights> weights = new ArrayList<>();

		private boolean[] stays = new boolean[0];

		private @Nullable Buffer ring;

		Streamed(ResidencyPlan plan) {
			WeightLayout layout = WeightStore.this.layout;
			this.blocks = BlockLayout.cut(layout, plan.blockBytes(), plan.alignment());
			this.prefetcher = new Prefetcher(this.blocks, layout.units().size(), WeightStore.this.files.open(),
					plan.reads().readsInFlight(), ResidencyPlanner.rowReadBytes(layout, plan.alignment()),
					WeightStore.this.recorder, WeightStore.this.controller);
			this.embedding = new TokenEmbedding(layout, this.blocks, this.prefetcher, WeightStore.this.device,
					plan.chunkRows());
			plan(plan);
		}

		void plan(ResidencyPlan plan) {
			WeightLayout layout = WeightStore.this.layout;
			boolean[] next = new boolean[this.blocks.blocks().size()];
			long[] streamed = new long[layout.units().size()];
			for (Block block : this.blocks.blocks()) {
				next[block.index()] = plan.blocks().get(block.index()).pinned();
				if (!next[block.index()] && block.unit() < streamed.length) {
					streamed[block.unit()] += block.bytes();
				}
			}
			this.pinned.entrySet().removeIf((entry) -> {
				boolean leaves = !next[entry.getKey().block().index()];
				if (leaves) {
					entry.getValue().close();
				}
				return leaves;
			});
			if (this.ring != null) {
				this.ring.close();
			}
			this.prefetcher.plan(next, plan.windowBytes());
			WeightStore.this.controller.plan(streamed);
			this.stays = next;
			this.ring = WeightStore.this.device.wrap(this.prefetcher.ringMemory());
			this.weights.clear();
			for (int i = 0; i < layout.units().size(); i++) {
				this.weights
					.add(new Weights(WeightStore.this.device, WeightStore.this.vectors.get(i), new BlockMatrices(
							layout.units().get(i), this.blocks.of(i), WeightStore.this.device, this.prefetcher, this)));
			}
		}

		@Override
		public void beginPass(int rows, int headRounds) {
			this.prefetcher.beginPass(headRounds);
		}

		@Override
		public boolean wasDisturbed() {
			return this.prefetcher.wasDisturbed();
		}

		@Override
		public boolean isPinned(Block block) {
			return this.stays[block.index()];
		}

		@Override
		public Buffer of(Load load) {
			return Objects.requireNonNull(isPinned(load.block())
					? this.pinned.computeIfAbsent(load, (key) -> WeightStore.this.device.wrap(key.memory()))
					: this.ring);
		}

		@Override
		public Weights weights(int unit) {
			return this.weights.get(unit);
		}

		@Override
		public void embed(Tensor out, int[] tokens) {
			this.embedding.lookup(out, tokens);
		}

		@Override
		public IoMetrics metrics() {
			return this.prefetcher.snapshot();
		}

		@Override
		public void close() {
			this.pinned.values().forEach(Buffer::close);
			if (this.ring != null) {
				this.ring.close();
			}
			this.embedding.close();
			this.prefetcher.close();
		}

	}

}
