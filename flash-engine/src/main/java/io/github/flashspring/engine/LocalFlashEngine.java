package io.github.flashspring.engine;

import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import io.github.flashspring.engine.cache.KvCache;
import io.github.flashspring.engine.cache.Prefixes;
import io.github.flashspring.engine.checkpoint.Checkpoint;
import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.generate.Sampler;
import io.github.flashspring.engine.generate.Sampling;
import io.github.flashspring.engine.generate.Scheduler;
import io.github.flashspring.engine.generate.Sequence;
import io.github.flashspring.engine.metrics.ByteSize;
import io.github.flashspring.engine.metrics.EngineSnapshot;
import io.github.flashspring.engine.metrics.Timeline;
import io.github.flashspring.engine.model.CausalLanguageModel;
import io.github.flashspring.engine.model.ModelDefinition;
import io.github.flashspring.engine.memory.RamBudget;
import io.github.flashspring.engine.residency.InterferenceLoad;
import io.github.flashspring.engine.residency.ResidencyPlan;
import io.github.flashspring.engine.weights.WeightFiles;
import io.github.flashspring.engine.residency.WeightStore;

/**
 * The engine itself: puts checkpoint, device, plan, model and scheduler together, and
 * takes them apart again.
 */
final class LocalFlashEngine implements FlashEngine, FlashDiagnostics {

	private static final Logger logger = LoggerFactory.getLogger(FlashEngine.class);

	/** What was opened, in order; closed in reverse. */
	private final Resources resources;

	private final ModelInfo info;

	private final ModelText text;

	private final Set<Integer> endTokens;

	private final EngineParts parts;

	private final Device device;

	/** What the engine was loaded with; the store has the plan in force. */
	private final ResidencyPlan plan;

	private final WeightStore store;

	private final Prefixes prefixes;

	private final Scheduler scheduler;

	private final LocalGeneration.Context generations;

	private final PassLog passes;

	private final long scratchBytes;

	private final OpenedFiles files;

	private final EngineHost host;

	private final @Nullable BudgetFollower follower;

	private volatile boolean closed;

	private LocalFlashEngine(Resources resources, ModelInfo info, ModelText text, Set<Integer> endTokens,
			EngineParts parts, ResidencyPlan plan, WeightStore store, Prefixes prefixes,
			LocalGeneration.Context generations, PassLog passes, EngineHost host, boolean follows) {
		this.host = host;
		this.resources = resources;
		this.info = info;
		this.text = text;
		this.endTokens = endTokens;
		this.parts = parts;
		this.device = parts.device();
		this.plan = plan;
		this.store = store;
		this.prefixes = prefixes;
		this.scheduler = generations.scheduler();
		this.generations = generations;
		this.passes = passes;
		this.files = new OpenedFiles(info.id(), parts.checkpoint(), parts.files());
		this.scratchBytes = parts.definition().scratchBytes(this.device, plan.chunkRows(), plan.contextLength());
		this.follower = follows ? BudgetFollower.ofSystem(plan.plannedBytes(), this::apply) : null;
	}

	static LocalFlashEngine load(FlashConfig config) {
		return load(config, EngineHost.NONE);
	}

	/** Loads a model on a device and in a budget that the host decides on. */
	static LocalFlashEngine load(FlashConfig config, EngineHost host) {
		long start = System.nanoTime();
		Resources resources = new Resources();
		try {
			LocalFlashEngine engine = load(config, host, resources);
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

	private static LocalFlashEngine load(FlashConfig config, EngineHost host, Resources resources) {
		EngineParts parts = EngineParts.open(config, WeightFiles::disk,
				(folder) -> ModelText.load(folder, config.chat()), host, config.warmUp(), resources);
		ResidencyPlan plan = parts.plan();
		ModelDefinition definition = parts.definition();
		Device device = parts.device();
		int context = parts.needs().contextLength();
		WeightStore store = resources.add(WeightStore.open(parts.layout(), parts.files(), plan, device,
				config.maxComputeDegradation(), config.expertStreaming()));
		KvCache kv = resources
			.add(definition.cache(device, context, parts.tokens(), plan.passRows(), config.parallel()));
		PrefixSetup.inMemory(config.prefixCache(), kv.prefixes(), parts);
		CausalLanguageModel model = resources.add(new CausalLanguageModel(definition, store, device, plan.chunkRows(),
				plan.passRows(), config.parallel()));
		PassLog passes = new PassLog(store::metrics);
		ExecutorService textThread = resources
			.add(Executors.newSingleThreadExecutor(Thread.ofPlatform().name("flash-text").daemon().factory()));
		Scheduler scheduler = resources
			.add(new Scheduler(model, kv, plan.passRows(), config.parallel(), config.idleTimeout(), passes));
		PrefixSetup.onDisk(config.prefixCache(), config.kv(), kv.prefixes(), parts, store::metrics, scheduler::wake);
		Checkpoint checkpoint = parts.checkpoint();
		LocalGeneration.Context generations = new LocalGeneration.Context(config.modelName(), checkpoint, scheduler,
				textThread, () -> store.metrics().bytesRead(), config.idleTimeout());
		ModelText text = parts.text();
		GenerationSettings settings = GenerationSettings.of(checkpoint);
		ModelInfo info = new ModelInfo(config.modelName(), checkpoint.config().modelType(),
				Precision.parameters(checkpoint), checkpoint.totalBytes(), Precision.describe(checkpoint),
				definition.layerCount(), definition.shape().vocabSize(), context, text.hasTokenizer(), text.isChat(),
				settings.sampling());
		return new LocalFlashEngine(resources, info, text, text.endOfTurnTokens(), parts, plan, store, kv.prefixes(),
				generations, passes, host, config.followMemoryPressure());
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
		Sequence sequence = new Sequence(tokens, task);
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
		return (failure != null) ? new Failure(failure, broken != null || this.files.changed()) : null;
	}

	/** Whether no request runs or waits. */
	boolean idle() {
		EngineSnapshot.Work work = this.scheduler.work();
		return work.activeRequests() + work.queuedRequests() == 0;
	}

	/**
	 * {@return the files of the weights}
	 */
	OpenedFiles files() {
		return this.files;
	}

	@Override
	public ResidencyPlan plan() {
		return this.store.plan();
	}

	@Override
	public ResidencyPlan ramBudget(RamBudget budget) {
		this.host.requireOwnBudget();
		ResidencyPlan next = apply(budget);
		if (this.follower != null) {
			this.follower.most(next.plannedBytes());
		}
		return next;
	}

	/** Changes the budget, as the host or {@link #ramBudget} decides. */
	synchronized ResidencyPlan apply(RamBudget budget) {
		if (this.closed) {
			throw closed(null);
		}
		ResidencyPlan next = this.plan.with(budget, this.parts.layout(), this.parts.needs(), this.parts.files().disk());
		try {
			this.scheduler.betweenPasses(() -> {
				this.store.apply(next);
				PrefixSetup.resize(this.prefixes, next);
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
	public FlashDiagnostics diagnostics() {
		return this;
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
	public InterferenceLoad interferenceLoad() {
		return this.store.startInterference();
	}

	@Override
	public EngineSnapshot snapshot() {
		ResidencyPlan now = this.store.plan();
		return new EngineSnapshot(this.device.info().name(), now.budget().bound(),
				MemoryUse.planned(now, this.scratchBytes), this.store.snapshot(), this.store.metrics(),
				this.scheduler.work(), this.passes.last(), this.store.pacing(), this.store.experts(),
				this.text.grammarMetrics(), this.scheduler.prefixes());
	}

	@Override
	public void close() {
		boolean wasClosed = this.closed;
		this.closed = true;
		if (this.follower != null) {
			this.follower.close();
		}
		if (!wasClosed) {
			this.parts.learn(this.plan, this.store.pacing().diskBytesPerSecond(), this.passes.last());
		}
		this.resources.close();
		if (!wasClosed) {
			this.host.closed();
		}
	}

	boolean isClosed() {
		return this.closed;
	}

}
