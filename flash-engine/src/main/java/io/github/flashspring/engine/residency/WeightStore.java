package io.github.flashspring.engine.residency;

import io.github.flashspring.engine.pacing.BandwidthController;
import io.github.flashspring.engine.reading.IoRecorder;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.IntStream;

import io.github.flashspring.engine.storage.DiskSpeed;
import io.github.flashspring.engine.weights.WeightFiles;
import io.github.flashspring.engine.weights.WeightLayout;
import io.github.flashspring.engine.weights.Weights;
import io.github.flashspring.engine.checkpoint.CheckpointException;
import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.device.Tensor;
import io.github.flashspring.engine.metrics.EngineSnapshot;
import io.github.flashspring.engine.metrics.ExpertMetrics;
import io.github.flashspring.engine.metrics.IoMetrics;
import io.github.flashspring.engine.metrics.PacingMetrics;
import io.github.flashspring.engine.metrics.Timeline;
import org.jspecify.annotations.Nullable;

/**
 * Gives out the weights of one group after the other, as the plan has it: pinned blocks
 * from memory of their own, the others from a window into which they are prefetched, from
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

	/** From a weight group to the layer that computes with it. */
	private final int[] layers;

	private final ResidentVectors vectors;

	private final ComputeTimes times;

	private volatile ResidencyPlan plan;

	private volatile BlockWeights weights;

	private volatile @Nullable InterferenceLoad load;

	private WeightStore(WeightLayout layout, WeightFiles files, ResidencyPlan plan, Device device,
			double maxDegradation, ExpertStreaming streaming) {
		this.layout = layout;
		this.streaming = streaming;
		this.layers = layout.layersOfGroups();
		int[] parts = layout.partsOfGroups();
		this.files = files;
		this.device = device;
		this.times = new ComputeTimes(device);
		this.plan = plan;
		this.recorder = new IoRecorder(layout.parts().stream().map(WeightLayout.Part::name).toArray(String[]::new),
				(group) -> parts[group]);
		this.controller = new BandwidthController(System::nanoTime, maxDegradation, plan.reads().windowBytes(),
				new long[layout.layers()]);
		this.vectors = new ResidentVectors(layout, device);
		boolean complete = false;
		try {
			this.weights = blockWeights(plan);
			complete = true;
		}
		finally {
			if (!complete) {
				this.vectors.close();
			}
		}
	}

	/**
	 * Opens the weights, and begins to read what the plan pins.
	 * @param layout which tensors make up which weight group
	 * @param files the files; the caller closes them after the store
	 * @param plan which blocks are pinned
	 * @param device computes with them
	 * @param maxDegradation by how much prefetches may lengthen compute: 0.05 for 5 %
	 * @param streaming how experts are streamed
	 * @return the store; the caller closes it, before the checkpoint
	 * @throws CheckpointException if files cannot be read
	 */
	public static WeightStore open(WeightLayout layout, WeightFiles files, ResidencyPlan plan, Device device,
			double maxDegradation, ExpertStreaming streaming) {
		return new WeightStore(layout, files, plan, device, maxDegradation, streaming);
	}

	private BlockWeights blockWeights(ResidencyPlan next) {
		return new BlockWeights(this.layout, this.files, this.vectors, next, this.device, this.streaming, this.recorder,
				this.controller);
	}

	/**
	 * {@return the plan that is in force}
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
		this.weights.beginPass(rows, headRounds);
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

	/** Notes that a group begins to compute. */
	void computing(int group) {
		ranConcurrently();
		this.controller.computing(this.layers[group]);
	}

	/**
	 * Notes that the work of a group was recorded.
	 * @param start when it began, of {@link System#nanoTime}
	 */
	void computed(int group, long start) {
		long end = System.nanoTime();
		boolean concurrent = ranConcurrently();
		this.times.endLayer((own, all) -> {
			this.recorder.computed(group, start, end, own);
			this.controller.computed(this.layers[group], all, concurrent);
		});
	}

	private boolean ranConcurrently() {
		InterferenceLoad others = this.load;
		return this.weights.ranConcurrently() | (others != null && others.ranConcurrently());
	}

	/**
	 * Starts reads of the files that no pass needs, to measure how they slow compute
	 * down.
	 * @return the reads, at rest; the caller closes them
	 */
	public InterferenceLoad startInterference() {
		InterferenceLoad reads = new InterferenceLoad(this.files.open(), this.plan.reads(), this.controller);
		this.load = reads;
		return reads;
	}

	/**
	 * Measures how fast the disk gives what passes read when nothing is computed.
	 * @param bytes how much to read, about
	 * @return bytes per second; 0 if passes read nothing
	 * @throws CheckpointException if a file cannot be read
	 */
	public double diskBytesPerSecond(long bytes) {
		ResidencyPlan now = this.plan;
		return now.budget().unlimited() ? 0
				: new DiskSpeed(now.streamedRanges(this.layout), now.reads().readsInFlight(), this.files.open())
					.measure(bytes);
	}

	/**
	 * {@return how prefetches and compute share the machine}
	 */
	public PacingMetrics pacing() {
		return this.controller.snapshot();
	}

	/**
	 * {@return weights of a group}
	 */
	Weights weights(int group) {
		return this.weights.of(group);
	}

	/**
	 * Says which experts a layer needs in this pass.
	 * @param firstGroup group of its first expert
	 * @param rowsOf how many tokens go to each expert
	 * @param rows tokens of the pass
	 * @param ordered whether they will be computed in their own order
	 * @return the experts that are needed, in the order in which to compute them
	 */
	int[] choose(int firstGroup, int[] rowsOf, int rows, boolean ordered) {
		return this.weights.experts().choose(firstGroup, rowsOf, rows, ordered);
	}

	/** Those of some experts of a layer that can be computed with, at least one. */
	int[] ready(int firstGroup, int[] experts, boolean ordered) {
		return this.weights.experts().ready(firstGroup, experts, ordered);
	}

	/**
	 * Computes with the weights of experts of a layer.
	 * @param groups their groups
	 * @param computation gets the weights of each
	 */
	void compute(int[] groups, Consumer<List<Weights>> computation) {
		long start = System.nanoTime();
		this.times.beginExperts();
		List<Weights> weights = Arrays.stream(groups).mapToObj(this.weights::of).toList();
		weights.forEach((group) -> group.begin(false));
		try {
			computation.accept(weights);
		}
		finally {
			weights.forEach(Weights::end);
			Arrays.stream(groups).forEach(this.weights.experts()::computed);
		}
		long end = System.nanoTime();
		this.times.endExperts((nanos) -> this.recorder.computed(groups[0], start, end, nanos));
	}

	/**
	 * {@return whether guesses about the experts of a layer would help}
	 */
	boolean wantsGuesses(int firstGroup) {
		return this.weights.experts().wantsGuesses(firstGroup);
	}

	/** Reads experts that a layer will probably choose. */
	void expect(int firstGroup, List<ExpertGuess> guesses) {
		this.weights.experts().expect(firstGroup, guesses);
	}

	/**
	 * {@return how experts come into memory}
	 */
	public ExpertMetrics experts() {
		return this.weights.experts().snapshot();
	}

	/**
	 * Changes the memory for weights, between two passes. What is in memory and pinned is
	 * not read again.
	 * @param next a plan for the same model, of the same rows
	 * @throws CheckpointException if files cannot be opened
	 */
	public void apply(ResidencyPlan next) {
		if (next.mapped() == this.plan.mapped() && next.blockBytes() == this.plan.blockBytes()) {
			this.weights.plan(next);
		}
		else {
			BlockWeights before = this.weights;
			this.weights = blockWeights(next);
			before.close();
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
		this.weights.embed(out, tokens);
	}

	/**
	 * Records what happens from now on.
	 * @param timeline receives spans, or null to stop
	 */
	public void record(@Nullable Timeline timeline) {
		this.recorder.timeline(timeline);
	}

	/**
	 * {@return reads of weights so far}
	 */
	public IoMetrics metrics() {
		return this.weights.metrics();
	}

	/**
	 * Residency of the groups.
	 * @return the groups of the plan, with what was read for each
	 */
	public List<EngineSnapshot.Unit> snapshot() {
		List<ResidencyPlan.PlannedUnit> groups = this.plan.units();
		return IntStream.range(0, groups.size()).mapToObj((i) -> {
			WeightLayout.Part part = this.layout.parts().get(i);
			long inMemory = part.experts() ? this.weights.experts().bytesOf(part.from(), part.to())
					: groups.get(i).pinnedBytes();
			return new EngineSnapshot.Unit(groups.get(i).name(), groups.get(i).bytes(),
					groups.get(i).pinnedBytes() == groups.get(i).bytes(), this.recorder.bytesRead(i), inMemory,
					this.recorder.stallNanos(i), this.recorder.computeNanos(i));
		}).toList();
	}

	@Override
	public void close() {
		this.weights.close();
		this.vectors.close();
	}

}
