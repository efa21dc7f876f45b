package io.github.flashspring.engine;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Function;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import io.github.flashspring.engine.storage.Disk;
import io.github.flashspring.engine.cache.KvCache;
import io.github.flashspring.engine.checkpoint.Checkpoint;
import io.github.flashspring.engine.checkpoint.CheckpointException;
import io.github.flashspring.engine.checkpoint.FileVersion;
import io.github.flashspring.engine.checkpoint.Fingerprint;
import io.github.flashspring.engine.checkpoint.ModelLocator;
import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.generate.Sampler;
import io.github.flashspring.engine.generate.Sampling;
import io.github.flashspring.engine.generate.Scheduler;
import io.github.flashspring.engine.generate.Sequence;
import io.github.flashspring.engine.metrics.ByteSize;
import io.github.flashspring.engine.metrics.EngineSnapshot;
import io.github.flashspring.engine.metrics.Timeline;
import io.github.flashspring.engine.model.Architectures;
import io.github.flashspring.engine.model.CausalLanguageModel;
import io.github.flashspring.engine.model.ModelDefinition;
import io.github.flashspring.engine.memory.MemoryLimits;
import io.github.flashspring.engine.memory.RamBudget;
import io.github.flashspring.engine.residency.InterferenceLoad;
import io.github.flashspring.engine.weights.Repacker;
import io.github.flashspring.engine.residency.ResidencyPlan;
import io.github.flashspring.engine.weights.WeightFiles;
import io.github.flashspring.engine.weights.WeightLayout;
import io.github.flashspring.engine.residency.WeightStore;

/**
 * The engine itself: puts checkpoint, device, plan, model and scheduler together, and
 * takes them apart again.
 */
final class LocalFlashEngine implements FlashEngine {

	private static final Logger logger = LoggerFactory.getLogger(FlashEngine.class);

	/** Longest context when none is asked for: beyond it keys and values get large. */
	private static final int DEFAULT_CONTEXT = 4096;

	private static final int DEFAULT_PREFILL_CHUNK = 512;

	/** What was opened, in order; closed in reverse. */
	private final Resources resources;

	private final ModelInfo info;

	private final ModelText text;

	private final Set<Integer> endTokens;

	private final Parts parts;

	private final Device device;

	/** What the engine was loaded with; the store has the plan in force. */
	private final ResidencyPlan plan;

	private final WeightStore store;

	private final Scheduler scheduler;

	private final LocalGeneration.Context generations;

	private final PassLog passes;

	private final long scratchBytes;

	private final Fingerprint fingerprint;

	private final @Nullable BudgetFollower follower;

	private volatile boolean closed;

	private LocalFlashEngine(Resources resources, ModelInfo info, ModelText text, Set<Integer> endTokens, Parts parts,
			ResidencyPlan plan, WeightStore store, LocalGeneration.Context generations, PassLog passes,
			boolean follows) {
		this.resources = resources;
		this.info = info;
		this.text = text;
		this.endTokens = endTokens;
		this.parts = parts;
		this.device = parts.device();
		this.plan = plan;
		this.store = store;
		this.scheduler = generations.scheduler();
		this.generations = generations;
		this.passes = passes;
		this.fingerprint = Fingerprint.of(parts.checkpoint());
		this.scratchBytes = parts.definition().scratchBytes(this.device, plan.chunkRows(), plan.contextLength());
		this.follower = follows ? BudgetFollower.ofSystem(plan.plannedBytes(), this::apply) : null;
	}

	static LocalFlashEngine load(FlashConfig config) {
		return load(config, (layout) -> new WeightFiles(layout, config.reading().direct()));
	}

	/** Loads a model whose weights are streamed from files that others open. */
	static LocalFlashEngine load(FlashConfig config, Function<WeightLayout, WeightFiles> files) {
		long start = System.nanoTime();
		Resources resources = new Resources();
		try {
			LocalFlashEngine engine = load(config, files, resources);
			logger.info("Loaded {} ({}, {}) on {} in {} ms: {} of {} of weights stay in memory, budget {}",
					config.model(), engine.info.architecture(), engine.info.precision(), engine.device.info().name(),
					(System.nanoTime() - start) / 1_000_000, ByteSize.readable(engine.plan.pinnedBytes()),
					ByteSize.readable(engine.plan.weightBytes()), engine.plan.budget().readable());
			return engine;
		}
		catch (Throwable ex) {
			resources.closeAfter(ex);
			throw ex;
		}
	}

	private static LocalFlashEngine load(FlashConfig config, Function<WeightLayout, WeightFiles> opener,
			Resources resources) {
		Parts parts = Parts.open(config, opener, WeightFiles::disk, config.warmUp(), resources);
		ResidencyPlan plan = parts.plan();
		ModelDefinition definition = parts.definition();
		Device device = parts.device();
		int context = parts.needs().contextLength();
		WeightStore store = resources.add(WeightStore.open(parts.layout(), parts.files(), plan, device,
				config.maxComputeDegradation(), config.expertStreaming()));
		KvCache kv = resources.add(new KvCache(device, definition.kvLayout(context),
				definition.shape().keyValueLayers(), parts.tokens(), definition.stateFloats(), config.parallel()));
		CausalLanguageModel model = resources
			.add(new CausalLanguageModel(definition, store, device, plan.chunkRows(), plan.passRows()));
		PassLog passes = new PassLog(store::metrics);
		ExecutorService textThread = resources
			.add(Executors.newSingleThreadExecutor(Thread.ofPlatform().name("flash-text").daemon().factory()));
		Scheduler scheduler = resources
			.add(new Scheduler(model, kv, plan.passRows(), config.parallel(), config.idleTimeout(), passes));
		Checkpoint checkpoint = parts.checkpoint();
		LocalGeneration.Context generations = new LocalGeneration.Context(config.modelName(), checkpoint, scheduler,
				textThread, () -> store.metrics().bytesRead(), config.idleTimeout());
		ModelText text = parts.text();
		GenerationSettings settings = GenerationSettings.of(checkpoint);
		ModelInfo info = new ModelInfo(config.modelName(), checkpoint.config().modelType(),
				Precision.parameters(checkpoint), checkpoint.totalBytes(), Precision.describe(checkpoint),
				definition.layerCount(), definition.shape().vocabSize(), context, text.hasTokenizer(), text.isChat(),
				settings.sampling());
		return new LocalFlashEngine(resources, info, text, text.endOfTurnTokens(), parts, plan, store, generations,
				passes, config.followMemoryPressure());
	}

	static ResidencyPlan plan(FlashConfig config) {
		try (Resources resources = new Resources()) {
			return Parts
				.open(config, (layout) -> new WeightFiles(layout, config.reading().direct()), WeightFiles::measuredDisk,
						false, resources)
				.plan();
		}
	}

	static long repack(String model, Path target, boolean compatible, Repacker.Progress progress) throws IOException {
		try (Checkpoint checkpoint = Checkpoint.open(ModelLocator.ofSystem().locate(model))) {
			ModelDefinition definition = Architectures.define(checkpoint, (most) -> Math.min(most, DEFAULT_CONTEXT));
			return Repacker.repack(WeightLayout.of(checkpoint, definition.units(), definition.embedding(),
					definition.ignoredTensors()), target, compatible, progress);
		}
	}

	/**
	 * The budget: what is set, or what the process may have. The latter bounds an
	 * unlimited one too, unless weights stay in the page cache: memory that does not
	 * exist cannot be read into.
	 */
	private static RamBudget budget(@Nullable RamBudget set, boolean map, long neededBytes) {
		MemoryLimits limits = MemoryLimits.ofSystem();
		if (set != null && (set.kind() != RamBudget.Kind.UNLIMITED || map || neededBytes <= limits.limitBytes())) {
			return set;
		}
		RamBudget budget = RamBudget.within(limits, neededBytes);
		if (budget.kind() == RamBudget.Kind.BYTES) {
			logger.info(
					"No RAM budget is set, and the model needs {}: it gets {}, three quarters of the {} that this process may have ({}). Weights that do not fit are read again for each token.",
					ByteSize.readable(neededBytes), ByteSize.readable(budget.bytes()),
					ByteSize.readable(limits.limitBytes()), limits.source());
		}
		return budget;
	}

	private static int contextLength(FlashConfig config, int most) {
		if (config.contextLength() > most) {
			throw new IllegalArgumentException(
					"context-length must be at most %d, the positions that %s was trained for, but is %d"
						.formatted(most, config.model(), config.contextLength()));
		}
		return (config.contextLength() > 0) ? config.contextLength() : Math.min(most, DEFAULT_CONTEXT);
	}

	@Override
	public ModelInfo model() {
		return this.info;
	}

	@Override
	public boolean warmingUp() {
		WarmUp warmUp = this.parts.warmUp();
		return warmUp != null && warmUp.isRunning();
	}

	@Override
	public Generation generate(GenerationRequest request) {
		if (this.closed) {
			throw closed(null);
		}
		ModelText.Prepared prepared = this.text.prepare(request, this.info);
		int[] prompt = prepared.tokens();
		check(prompt);
		int room = this.info.contextLength() - prompt.length + 1;
		if (prompt.length >= this.info.contextLength()) {
			throw new FlashEngineException(
					"The prompt has %d tokens, but the context of %s is %d tokens long and must hold the answer too. Shorten the prompt or raise the context length."
						.formatted(prompt.length, this.info.id(), this.info.contextLength()));
		}
		Integer wanted = request.maxTokens();
		int maxTokens = (wanted != null) ? Math.min(wanted, room) : room;
		Sampling sampling = (request.sampling() != null) ? request.sampling() : this.info.sampling();
		LocalGeneration generation = new LocalGeneration(this.generations, prompt, maxTokens,
				new Sampler(sampling, prompt), prepared.constraint(), prepared.pipeline(),
				request.ignoreEndOfTurn() ? Set.of() : this.endTokens);
		submit(generation.sequence());
		return generation;
	}

	@Override
	public void logits(int[] tokens, LogitsConsumer consumer) {
		check(tokens);
		if (tokens.length > this.info.contextLength()) {
			throw new FlashEngineException("The text has %d tokens, but the context of %s is %d tokens long."
				.formatted(tokens.length, this.info.id(), this.info.contextLength()));
		}
		LogitsTask task = new LogitsTask(tokens.length, consumer);
		Sequence sequence = new Sequence(tokens, 1, task);
		submit(sequence);
		try {
			task.done().get();
		}
		catch (InterruptedException ex) {
			this.scheduler.cancel(sequence);
			Thread.currentThread().interrupt();
			throw new FlashEngineException("Interrupted while waiting for logits", ex);
		}
		catch (ExecutionException ex) {
			throw (ex.getCause() instanceof RuntimeException cause) ? cause
					: new FlashEngineException("Cannot compute logits", ex);
		}
	}

	private void check(int[] tokens) {
		if (tokens.length == 0) {
			throw new FlashEngineException("The prompt is empty: it has no tokens.");
		}
		for (int token : tokens) {
			if (token < 0 || token >= this.info.vocabularySize()) {
				throw new FlashEngineException("The prompt holds token id %d, but the vocabulary of %s has ids 0 to %d."
					.formatted(token, this.info.id(), this.info.vocabularySize() - 1));
			}
		}
	}

	private void submit(Sequence sequence) {
		try {
			this.scheduler.submit(sequence);
		}
		catch (IllegalStateException ex) {
			throw closed(ex);
		}
	}

	private FlashEngineException closed(@Nullable Throwable cause) {
		RuntimeException broken = this.scheduler.broken();
		return (broken != null)
				? new FlashEngineException("The engine of %s can compute nothing any more: %s. Load the model again."
					.formatted(this.info.id(), broken.getMessage()), broken)
				: new FlashEngineException("The engine of " + this.info.id() + " is closed.", cause);
	}

	@Override
	public @Nullable Failure lastFailure() {
		RuntimeException broken = this.scheduler.broken();
		RuntimeException failure = (broken != null) ? broken : this.scheduler.failure();
		return (failure != null) ? new Failure(failure, broken != null || !onDisk().equals(opened())) : null;
	}

	/** Whether no request runs or waits. */
	boolean idle() {
		EngineSnapshot.Work work = this.scheduler.work();
		return work.activeRequests() + work.queuedRequests() == 0;
	}

	/** The files of weights when they were opened. */
	Map<Path, FileVersion> opened() {
		return this.parts.checkpoint().versions();
	}

	/**
	 * The files of weights as their paths name them now.
	 * @return versions of those that can be asked
	 */
	Map<Path, FileVersion> onDisk() {
		Map<Path, FileVersion> found = new LinkedHashMap<>();
		for (Path file : opened().keySet()) {
			try {
				FileVersion version = FileVersion.of(file);
				if (version != null) {
					found.put(file, version);
				}
			}
			catch (IOException ex) {
				logger.debug("{} cannot be asked for its version", file, ex);
			}
		}
		return found;
	}

	/**
	 * Checks that the folder holds the model that this engine was loaded with, whatever
	 * happened to its files since.
	 * @throws CheckpointException if it does not, or a file cannot be read
	 */
	void requireSameModel() {
		Path folder = this.parts.checkpoint().folder();
		Optional<Path> different;
		try (Checkpoint now = Checkpoint.open(folder)) {
			different = Fingerprint.of(now)
				.differenceFrom(this.fingerprint)
				.or(() -> this.parts.files().differenceFromRead());
		}
		if (different.isPresent()) {
			throw new CheckpointException(
					"The file " + different.get() + " is not the one that " + this.info.id() + " was loaded with: "
							+ "expected the same config, header and weights, found others.",
					"Restore the file, or restart the application to load another model.");
		}
	}

	@Override
	public ResidencyPlan plan() {
		return this.store.plan();
	}

	@Override
	public ResidencyPlan ramBudget(RamBudget budget) {
		ResidencyPlan next = apply(budget);
		if (this.follower != null) {
			this.follower.most(next.plannedBytes());
		}
		return next;
	}

	private synchronized ResidencyPlan apply(RamBudget budget) {
		if (this.closed) {
			throw closed(null);
		}
		ResidencyPlan next = this.plan.with(budget, this.parts.layout(), this.parts.needs(), this.parts.files().disk());
		try {
			this.scheduler.betweenPasses(() -> {
				this.store.apply(next);
				return next.passRows();
			});
		}
		catch (IllegalStateException ex) {
			throw closed(ex);
		}
		logger.info("The budget is {} now: {} of {} of weights stay in memory", next.budget().readable(),
				ByteSize.readable(next.pinnedBytes()), ByteSize.readable(next.weightBytes()));
		return next;
	}

	@Override
	public void record(@Nullable Timeline timeline) {
		this.store.record(timeline);
	}

	@Override
	public double diskBytesPerSecond(long bytes) {
		return this.store.diskBytesPerSecond(bytes);
	}

	@Override
	public InterferenceLoad readBeside() {
		return this.store.startInterference();
	}

	@Override
	public EngineSnapshot snapshot() {
		ResidencyPlan now = this.store.plan();
		List<EngineSnapshot.Memory> memory = new ArrayList<>();
		memory.add(new EngineSnapshot.Memory("weights.pinned", now.pinnedBytes() - now.cachedExpertBytes()));
		if (now.expertBytes() > 0) {
			memory.add(new EngineSnapshot.Memory("weights.experts", now.expertBytes()));
		}
		memory.add(new EngineSnapshot.Memory("weights.window", now.windowBytes()));
		memory.add(new EngineSnapshot.Memory("kv", now.kvBytes()));
		memory.add(new EngineSnapshot.Memory("activations", now.workBytes() - this.scratchBytes));
		memory.add(new EngineSnapshot.Memory("scratch", this.scratchBytes));
		memory.add(new EngineSnapshot.Memory("tokenizer", now.tokenizerBytes()));
		memory.add(new EngineSnapshot.Memory("heap", now.heapBytes()));
		return new EngineSnapshot(this.device.info().name(), now.budget().bound(), memory, this.store.snapshot(),
				this.store.metrics(), this.scheduler.work(), this.passes.last(), this.store.pacing(),
				this.store.experts(), this.text.grammarMetrics());
	}

	@Override
	public void close() {
		boolean wasClosed = this.closed;
		this.closed = true;
		if (this.follower != null) {
			this.follower.close();
		}
		if (!this.plan.budget().unlimited() && !wasClosed) {
			this.parts.files().learn(this.plan.reads(), this.store.pacing().diskBytesPerSecond());
		}
		this.resources.close();
	}

	/**
	 * What an engine is made of before its memory is allocated.
	 *
	 * @param checkpoint the files
	 * @param definition the model's parts
	 * @param layout where their weights lie
	 * @param text tokenizer and templates
	 * @param device computes
	 * @param warmUp prepares the device, or null
	 * @param files weights as they stream
	 * @param tokens positions of all sequences together
	 * @param needs memory besides the weights
	 * @param plan how the memory is divided
	 */
	private record Parts(Checkpoint checkpoint, ModelDefinition definition, WeightLayout layout, ModelText text,
			Device device, @Nullable WarmUp warmUp, WeightFiles files, long tokens, ResidencyPlan.Needs needs,
			ResidencyPlan plan) {

		static Parts open(FlashConfig config, Function<WeightLayout, WeightFiles> opener,
				Function<WeightFiles, Disk> disk, boolean warm, Resources resources) {
			Checkpoint checkpoint = resources.add(Checkpoint.open(ModelLocator.ofSystem().locate(config.model())));
			ModelDefinition definition = Architectures.define(checkpoint, (most) -> contextLength(config, most));
			WeightLayout layout = WeightLayout.of(checkpoint, definition.units(), definition.embedding(),
					definition.ignoredTensors());
			Device device = resources.add(Devices.open(config.device(), config.threads()));
			int context = contextLength(config, definition.shape().maxPositions());
			// before the tokenizer, which takes half of the time until the first pass
			WarmUp warmUp = warm ? resources.add(WarmUp.start(device.warmUp(definition.workload(layout, context))))
					: null;
			ModelText text = resources.add(ModelText.load(checkpoint.folder(), config.chat()));
			int chunk = Math.min((config.prefillChunk() > 0) ? config.prefillChunk() : DEFAULT_PREFILL_CHUNK, context);
			ResidencyPlan.Work work = (chunkRows, passRows) -> definition.workBytes(device, chunkRows, passRows,
					context);
			long all = (long) context * config.parallel();
			FlashConfig.Reading reading = config.reading();
			RamBudget budget = budget(config.ramBudget(), reading.map(),
					checkpoint.totalBytes() + text.memoryBytes(context) + work.bytes(chunk, chunk)
							+ definition.kvBytes(context, all, config.parallel()));
			boolean unlimited = budget.kind() == RamBudget.Kind.UNLIMITED;
			long tokens = unlimited ? all : context;
			ResidencyPlan.Needs needs = new ResidencyPlan.Needs(chunk, context,
					definition.kvBytes(context, tokens, config.parallel()), text.memoryBytes(context), work);
			WeightFiles files = resources.add(opener.apply(layout));
			// Where each byte is read once, nothing is gained by measuring the disk.
			Disk how = (unlimited && reading.map()) ? Disk.MAPPED : (unlimited ? files.disk() : disk.apply(files));
			ResidencyPlan plan = ResidencyPlan.of(budget, layout, needs,
					how.read(reading.readBytes(), reading.readsInFlight()));
			return new Parts(checkpoint, definition, layout, text, device, warmUp, files, tokens, needs, plan);
		}

	}

	/** Closes what was opened, the latest first, once. */
	private static final class Resources implements AutoCloseable {

		private final List<AutoCloseable> opened = new ArrayList<>();

		<T extends AutoCloseable> T add(T resource) {
			this.opened.add(resource);
			return resource;
		}

		void closeAfter(Throwable cause) {
			try {
				close();
			}
			catch (RuntimeException ex) {
				cause.addSuppressed(ex);
			}
		}

		@Override
		public synchronized void close() {
			RuntimeException failure = null;
			for (AutoCloseable resource : this.opened.reversed()) {
				failure = close(resource, failure);
			}
			this.opened.clear();
			if (failure != null) {
				throw failure;
			}
		}

		private static @Nullable RuntimeException close(AutoCloseable resource, @Nullable RuntimeException earlier) {
			try {
				resource.close();
				return earlier;
			}
			catch (Exception ex) {
				RuntimeException failure = (earlier != null) ? earlier
						: new FlashEngineException("Cannot close the engine", ex);
				if (earlier != null) {
					earlier.addSuppressed(ex);
				}
				return failure;
			}
		}

	}

}
