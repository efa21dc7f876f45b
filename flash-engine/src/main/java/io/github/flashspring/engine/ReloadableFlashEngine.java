package io.github.flashspring.engine;

import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.Supplier;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import io.github.flashspring.engine.checkpoint.FileVersion;
import io.github.flashspring.engine.metrics.EngineSnapshot;
import io.github.flashspring.engine.metrics.Timeline;
import io.github.flashspring.engine.memory.RamBudget;
import io.github.flashspring.engine.residency.InterferenceLoad;
import io.github.flashspring.engine.residency.ResidencyPlan;

/**
 * An engine that outlives damage to its files: when they are what they were, or the
 * operator asks, it loads the model again from scratch. Requests hold the read lock until
 * they are queued, reloading the write lock.
 */
final class ReloadableFlashEngine implements FlashEngine, FlashDiagnostics {

	private static final Logger logger = LoggerFactory.getLogger(FlashEngine.class);

	private static final long WATCH_MILLIS = 1000;

	private final Supplier<LocalFlashEngine> loader;

	private final ReentrantReadWriteLock lock = new ReentrantReadWriteLock();

	private final ScheduledExecutorService watcher = Executors
		.newSingleThreadScheduledExecutor(Thread.ofPlatform().name("flash-restore").daemon().factory());

	/** The latest one that was loaded; closed if loading another one failed. */
	private volatile LocalFlashEngine engine;

	/** Why there is none. */
	private volatile @Nullable RuntimeException lost;

	/** Files that were found not to be the model; asked again only when they change. */
	private @Nullable Map<Path, FileVersion> refused;

	/** What was set since the model was loaded. */
	private @Nullable RamBudget budget;

	private @Nullable Timeline timeline;

	private boolean closed;

	/**
	 * Loads a model.
	 * @param loader loads it, each time
	 */
	ReloadableFlashEngine(Supplier<LocalFlashEngine> loader) {
		this.loader = loader;
		this.engine = loader.get();
		this.watcher.scheduleWithFixedDelay(this::restore, WATCH_MILLIS, WATCH_MILLIS, TimeUnit.MILLISECONDS);
	}

	@Override
	public @Nullable Failure lastFailure() {
		RuntimeException cause = this.lost;
		return (cause != null) ? new Failure(cause, true) : this.engine.lastFailure();
	}

	@Override
	public boolean reload() {
		this.lock.writeLock().lock();
		try {
			if (this.closed) {
				throw new FlashEngineException("The engine of " + this.engine.model().id() + " is closed.");
			}
			if (lastFailure() == null) {
				return false;
			}
			this.engine.files().requireSameModel();
			this.lost = new FlashEngineException("The model " + this.engine.model().id() + " is being loaded again.");
			try {
				this.engine.close();
				this.engine = this.loader.get();
				this.lost = null;
			}
			catch (RuntimeException ex) {
				this.lost = ex;
				throw ex;
			}
			if (this.budget != null) {
				this.engine.ramBudget(this.budget);
			}
			this.engine.record(this.timeline);
			return true;
		}
		finally {
			this.lock.writeLock().unlock();
		}
	}

	/**
	 * Loads the model again if its files failed it, are what they were, and nothing runs.
	 */
	private void restore() {
		Failure failure = lastFailure();
		if (failure == null || !failure.needsReload()) {
			return;
		}
		this.lock.writeLock().lock();
		try {
			Map<Path, FileVersion> now = this.engine.files().onDisk();
			if (!this.closed && lastFailure() != null && !now.equals(this.engine.files().opened())
					&& !now.equals(this.refused) && this.engine.idle()) {
				this.refused = now;
				reload();
				this.refused = null;
				logger.info("Loaded {} again: its files are what they were", this.engine.model().id());
			}
		}
		catch (RuntimeException ex) {
			logger.warn("Cannot load {} again: {}", this.engine.model().id(), ex.getMessage());
		}
		finally {
			this.lock.writeLock().unlock();
		}
	}

	/** The engine to use; the caller holds the read lock. */
	private LocalFlashEngine engine() {
		RuntimeException cause = this.lost;
		if (cause != null) {
			throw new FlashEngineException(
					"%s could not be loaded again: %s".formatted(this.engine.model().id(), cause.getMessage()), cause);
		}
		return this.engine;
	}

	private <T> T locked(Supplier<T> action) {
		this.lock.readLock().lock();
		try {
			return action.get();
		}
		finally {
			this.lock.readLock().unlock();
		}
	}

	@Override
	public ModelInfo model() {
		return this.engine.model();
	}

	@Override
	public boolean warmingUp() {
		return this.engine.warmingUp();
	}

	@Override
	public Generation generate(GenerationRequest request) {
		restore();
		return locked(() -> engine().generate(request));
	}

	/** Holds no lock while it computes, which may take long. */
	@Override
	public void logits(int[] tokens, LogitsConsumer consumer) {
		restore();
		locked(this::engine).logits(tokens, consumer);
	}

	@Override
	public ResidencyPlan plan() {
		return this.engine.plan();
	}

	@Override
	public ResidencyPlan ramBudget(RamBudget budget) {
		return locked(() -> {
			ResidencyPlan plan = engine().ramBudget(budget);
			this.budget = budget;
			return plan;
		});
	}

	@Override
	public FlashDiagnostics diagnostics() {
		return this;
	}

	/** {@inheritDoc} Goes on when the model is loaded again. */
	@Override
	public void record(@Nullable Timeline timeline) {
		locked(() -> {
			engine().record(timeline);
			this.timeline = timeline;
			return true;
		});
	}

	@Override
	public double diskBytesPerSecond(long bytes) {
		return locked(this::engine).diskBytesPerSecond(bytes);
	}

	@Override
	public InterferenceLoad interferenceLoad() {
		return locked(this::engine).interferenceLoad();
	}

	@Override
	public EngineSnapshot snapshot() {
		return this.engine.snapshot();
	}

	@Override
	public void close() {
		this.watcher.shutdown();
		this.lock.writeLock().lock();
		try {
			this.closed = true;
			this.engine.close();
		}
		finally {
			this.lock.writeLock().unlock();
		}
	}

}
