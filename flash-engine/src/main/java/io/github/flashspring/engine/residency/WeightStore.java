package io.github.flashspring.engine.residency;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.IntStream;

import io.github.flashspring.engine.weights.Block;
import io.github.flashspring.engine.weights.BlockLayout;
import io.github.flashspring.engine.weights.WeightFiles;
import io.github.flashspring.engine.weights.WeightLayout;
import io.github.flashspring.engine.weights.Weights;
import io.github.flashspring.engine.checkpoint.CheckpointException;
import io.github.flashspring.engine.checkpoint.TensorInfo;
import io.github.flashspring.engine.device.Buffer;
import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.device.Tensor;
import io.github.flashspring.engine.metrics.EngineSnapshot;
import io.github.flashspring.engine.metrics.ExpertMetrics;
import io.github.flashspring.engine.metrics.IoMetrics;
import io.github.flashspring.engine.metrics.PacingMetrics;
import io.github.flashspring.engine.metrics.Timeline;
import org.jspecify.annotations.Nullable;

/**
 * Gives out the weights of one unit after the other, as the plan has it: pinned blocks
 * from memory of their own, the others from a ring into which they are prefetched, from
 * the disk or from the page cache. One thread computes with them.
 * <p>
 * Kernels never touch a mapping of a file: where the file is truncated or its disk fails,
 * that would end the JVM, and no lease of the system forbids both. A read fails instead.
 */
public final class WeightStore implements AutoCloseable {

	private final WeightLayout layout;

	private final WeightFiles files;

	private final Device device;

	private final IoRecorder recorder;

	private final BandwidthController controller;

	private final ExpertStreaming streaming;

	private final int[] layers;

	private final Arena arena = Arena.ofShared();

	private final List<Buffer> buffers = new ArrayList<>();

	private final List<@Nullable Tensor[]> vectors = new ArrayList<>();

	private final ComputeTimes times;

	private volatile ResidencyPlan plan;

	private volatile Blocks source;

	private volatile @Nullable InterferenceLoad beside;

	private WeightStore(WeightLayout layout, WeightFiles files, ResidencyPlan plan, Device device,
			double maxDegradation, ExpertStreaming streaming) {
		this.layout = layout;
		this.streaming = streaming;
		this.layers = layout.layersOfUnits();
		int[] parts = layout.partsOfUnits();
		this.files = files;
		this.device = device;
		this.times = new ComputeTimes(device);
		this.plan = plan;
		this.recorder = new IoRecorder(layout.parts().stream().map(WeightLayout.Part::name).toArray(String[]::new),
				(unit) -> parts[unit]);
		this.controller = new BandwidthController(System::nanoTime, maxDegradation, plan.reads().windowBytes(),
				new long[layerCount()]);
		boolean complete = false;
		try {
			readVectors();
			layout.checkpoint().requireUnchanged("loading it");
			this.source = new Blocks(plan);
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
	 * @param streaming how experts stream
	 * @return the store; the caller closes it, before the checkpoint
	 * @throws CheckpointException if files cannot be read
	 */
	public static WeightStore open(WeightLayout layout, WeightFiles files, ResidencyPlan plan, Device device,
			double maxDegradation, ExpertStreaming streaming) {
		return new WeightStore(layout, files, plan, device, maxDegradation, streaming);
	}

	private int layerCount() {
		return 1 + this.layers[this.layers.length - 2];
	}

	private void readVectors() {
		MemorySegment memory = this.arena.allocate(Math.max(1, this.layout.vectorBytes()), 64);
		long offset = 0;
		for (WeightLayout.Unit unit : this.layout.units()) {
			for (WeightLayout.Weight weight : unit.weights()) {
				if (weight.parameter().vector()) {
					TensorInfo tensor = weight.codes();
					this.layout.checkpoint().read(tensor, 0, memory.asSlice(offset, tensor.byteSize()).asByteBuffer());
					offset += WeightLayout.alignVector(tensor.byteSize());
				}
			}
		}
		viewVectors(this.device.wrap(memory));
	}

	private void viewVectors(Buffer buffer) {
		this.buffers.add(buffer);
		long offset = 0;
		for (WeightLayout.Unit unit : this.layout.units()) {
			@Nullable Tensor[] tensors = new Tensor[unit.weights().size()];
			for (int i = 0; i < tensors.length; i++) {
				WeightLayout.Weight weight = unit.weights().get(i);
				if (weight.parameter().vector()) {
					TensorInfo tensor = weight.codes();
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
		this.times.beginPass();
		this.controller.beginPass(rows);
		this.source.beginPass(rows, headRounds);
	}

	/**
	 * Ends a pass, when it is computed.
	 * @param rows rows of the pass
	 * @param start when it began, of {@link System#nanoTime}
	 */
	public void endPass(int rows, long start) {
		this.times.endPass();
		this.controller.endPass();
		this.recorder.passed(rows, start, System.nanoTime());
	}

	/** Notes that a unit begins to compute. */
	void computing(int unit) {
		wasDisturbed();
		this.controller.computing(this.layers[unit]);
	}

	/**
	 * Notes that the work of a unit was recorded.
	 * @param start when it began, of {@link System#nanoTime}
	 */
	void computed(int unit, long start) {
		long end = System.nanoTime();
		boolean disturbed = wasDisturbed();
		this.times.endLayer((own, all) -> {
			this.recorder.computed(unit, start, end, own);
			this.controller.computed(this.layers[unit], all, disturbed);
		});
	}

	private boolean wasDisturbed() {
		InterferenceLoad others = this.beside;
		return this.source.wasDisturbed() | (others != null && others.wasDisturbed());
	}

	/**
	 * Reads the files again and again, whatever passes need, once it is told how.
	 * @return the reads; the caller closes them, one after the other
	 */
	public InterferenceLoad readBeside() {
		InterferenceLoad reads = new InterferenceLoad(this.files.open(), this.plan.reads(), this.controller);
		this.beside = reads;
		return reads;
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

	/**
	 * Says which experts a layer needs in this pass.
	 * @param firstUnit unit of its first expert
	 * @param rowsOf how many tokens go to each expert
	 * @param rows tokens of the pass
	 * @param ordered whether they will be computed in their own order
	 * @return the experts that are needed, in the order in which to compute them
	 */
	int[] choose(int firstUnit, int[] rowsOf, int rows, boolean ordered) {
		return this.source.choose(firstUnit, rowsOf, rows, ordered);
	}

	/** Those of some experts of a layer that can be computed with, at least one. */
	int[] ready(int firstUnit, int[] experts, boolean ordered) {
		return this.source.ready(firstUnit, experts, ordered);
	}

	/**
	 * Computes with the weights of experts of a layer.
	 * @param units their units
	 * @param computation gets the weights of each
	 */
	void compute(int[] units, Consumer<List<Weights>> computation) {
		long start = System.nanoTime();
		this.times.beginExperts();
		List<Weights> weights = Arrays.stream(units).mapToObj(this.source::weights).toList();
		weights.forEach((unit) -> unit.begin(false));
		try {
			computation.accept(weights);
		}
		finally {
			weights.forEach(Weights::end);
			Arrays.stream(units).forEach(this.source::computed);
		}
		long end = System.nanoTime();
		this.times.endExperts((nanos) -> this.recorder.computed(units[0], start, end, nanos));
	}

	/** Whether guesses about the experts of a layer are welcome. */
	boolean wantsGuesses(int firstUnit) {
		return this.source.wantsGuesses(firstUnit);
	}

	/** Reads experts that a layer will probably choose. */
	void expect(int firstUnit, List<ExpertGuess> guesses) {
		this.source.expect(firstUnit, guesses);
	}

	/**
	 * How experts come into memory.
	 * @return a snapshot
	 */
	public ExpertMetrics experts() {
		return this.source.experts();
	}

	/**
	 * Changes the memory for weights, between two passes. What was in memory and stays is
	 * not read again.
	 * @param next a plan for the same model, of the same rows
	 * @throws CheckpointException if files cannot be opened
	 */
	public void apply(ResidencyPlan next) {
		if (next.mapped() == this.plan.mapped() && next.blockBytes() == this.plan.blockBytes()) {
			this.source.plan(next);
		}
		else {
			Blocks old = this.source;
			this.source = new Blocks(next);
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
		return IntStream.range(0, units.size()).mapToObj((i) -> {
			WeightLayout.Part part = this.layout.parts().get(i);
			long inMemory = part.experts() ? this.source.expertBytes(part) : units.get(i).pinnedBytes();
			return new EngineSnapshot.Unit(units.get(i).name(), units.get(i).bytes(),
					units.get(i).pinnedBytes() == units.get(i).bytes(), this.recorder.bytesRead(i), inMemory,
					this.recorder.stallNanos(i), this.recorder.computeNanos(i));
		}).toList();
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

	/** Blocks in memory of their own, blocks that stream through a ring, and experts. */
	private final class Blocks implements AutoCloseable {

		private final Prefetcher prefetcher;

		private final TokenEmbedding embedding;

		private final BlockLayout blocks;

		private final List<Weights> weights = new ArrayList<>();

		Blocks(ResidencyPlan plan) {
			WeightLayout layout = WeightStore.this.layout;
			this.blocks = BlockLayout.cut(layout, plan.blockBytes(), plan.alignment());
			WeightFiles files = WeightStore.this.files;
			ReadQueue.Settings settings = new ReadQueue.Settings(plan.mapped() ? files.cached() : files.open(),
					plan.reads().readsInFlight(), ResidencyPlanner.rowReadBytes(layout, plan.alignment()),
					plan.reads().readBytes());
			this.prefetcher = new Prefetcher(layout, this.blocks, plan.mapped() ? settings.ofPageCache() : settings,
					WeightStore.this.streaming, WeightStore.this.recorder, WeightStore.this.controller,
					WeightStore.this.device);
			this.embedding = new TokenEmbedding(layout, this.blocks, this.prefetcher, WeightStore.this.device,
					plan.chunkRows());
			plan(plan);
		}

		void plan(ResidencyPlan plan) {
			WeightLayout layout = WeightStore.this.layout;
			boolean[] stays = new boolean[this.blocks.blocks().size()];
			long[] streamed = new long[layerCount()];
			for (Block block : this.blocks.blocks()) {
				stays[block.index()] = !block.onDemand() && plan.blocks().get(block.index()).pinned();
				int layer = WeightStore.this.layers[block.unit()];
				if (!stays[block.index()] && !block.onDemand() && layer >= 0) {
					streamed[layer] += block.bytes();
				}
			}
			this.prefetcher.plan(stays, plan.windowBytes(), plan.expertBytes(), WeightStore.this.device);
			WeightStore.this.controller.plan(streamed);
			this.weights.clear();
			for (int i = 0; i < layout.units().size(); i++) {
				WeightLayout.Unit unit = layout.units().get(i);
				this.weights.add(new Weights(WeightStore.this.device, WeightStore.this.vectors.get(i),
						new BlockMatrices(unit, this.blocks.of(i), WeightStore.this.device,
								unit.onDemand() ? this.prefetcher.experts() : this.prefetcher,
								WeightStore.this.recorder)));
			}
		}

		void beginPass(int rows, int headRounds) {
			this.prefetcher.beginPass(rows, headRounds);
		}

		boolean wasDisturbed() {
			return this.prefetcher.wasDisturbed();
		}

		int[] choose(int firstUnit, int[] rowsOf, int rows, boolean ordered) {
			return this.prefetcher.experts().choose(firstUnit, rowsOf, rows, ordered);
		}

		int[] ready(int firstUnit, int[] experts, boolean ordered) {
			return this.prefetcher.experts().ready(firstUnit, experts, ordered);
		}

		void computed(int unit) {
			this.prefetcher.experts().computed(unit);
		}

		boolean wantsGuesses(int firstUnit) {
			return this.prefetcher.experts().wantsGuesses(firstUnit);
		}

		void expect(int firstUnit, List<ExpertGuess> guesses) {
			this.prefetcher.experts().expect(firstUnit, guesses);
		}

		ExpertMetrics experts() {
			return this.prefetcher.experts().snapshot();
		}

		long expertBytes(WeightLayout.Part part) {
			return this.prefetcher.experts().bytesOf(part.from(), part.to());
		}

		Weights weights(int unit) {
			return this.weights.get(unit);
		}

		void embed(Tensor out, int[] tokens) {
			this.embedding.lookup(out, tokens);
		}

		IoMetrics metrics() {
			return this.prefetcher.snapshot();
		}

		@Override
		public void close() {
			this.embedding.close();
			this.prefetcher.close();
		}

	}

}
