package io.github.flashspring.autoconfigure;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.function.Consumer;
import java.util.function.Supplier;

import org.apache.commons.logging.Log;
import org.apache.commons.logging.LogFactory;
import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.FlashDiagnostics;
import io.github.flashspring.engine.FlashEngine;
import io.github.flashspring.engine.FlashEngineException;
import io.github.flashspring.engine.Generation;
import io.github.flashspring.engine.GenerationRequest;
import io.github.flashspring.engine.LogitsConsumer;
import io.github.flashspring.engine.ModelInfo;
import io.github.flashspring.engine.hub.DownloadProgress;
import io.github.flashspring.engine.metrics.EngineSnapshot;
import io.github.flashspring.engine.memory.RamBudget;
import io.github.flashspring.engine.residency.ResidencyPlan;

/**
 * An engine that loads its model on a thread of its own. Whoever uses it before waits; if
 * loading fails, every use fails with the reason.
 */
final class BackgroundFlashEngine implements FlashEngine {

	private static final Log logger = LogFactory.getLog(BackgroundFlashEngine.class);

	private final String model;

	private final CompletableFuture<FlashEngine> loading = new CompletableFuture<>();

	private final Supplier<@Nullable DownloadProgress> download;

	/**
	 * Begins to load.
	 * @param model name of the model that is loaded
	 * @param loader loads it
	 */
	BackgroundFlashEngine(String model, Supplier<FlashEngine> loader) {
		this(model, loader, () -> null);
	}

	/**
	 * Begins to load.
	 * @param model name of the model that is loaded
	 * @param loader loads it
	 * @param download tells how far its download is; null while nothing is downloaded
	 */
	BackgroundFlashEngine(String model, Supplier<FlashEngine> loader, Supplier<@Nullable DownloadProgress> download) {
		this.model = model;
		this.download = download;
		Thread.ofPlatform().name("flash-load").daemon().start(() -> load(loader));
	}

	/**
	 * Calls back with an engine that has been loaded: now, or when it is.
	 * @param engine any engine
	 * @param action what to do with it; never called if loading fails
	 */
	static void whenLoaded(FlashEngine engine, Consumer<FlashEngine> action) {
		if (engine instanceof BackgroundFlashEngine background) {
			background.loading.thenAccept(action);
		}
		else {
			action.accept(engine);
		}
	}

	/**
	 * The name of the model.
	 * @return the name, also before it is loaded
	 */
	String name() {
		return this.model;
	}

	/**
	 * Tells how loading stands.
	 * @return whether it runs, succeeded or failed
	 */
	Future.State state() {
		return this.loading.state();
	}

	/**
	 * {@return how far the model's download is; null while nothing is downloaded}
	 */
	@Nullable DownloadProgress download() {
		return this.download.get();
	}

	/**
	 * Why loading failed.
	 * @return the reason
	 * @throws IllegalStateException unless it {@linkplain #state() failed}
	 */
	Throwable failure() {
		return this.loading.exceptionNow();
	}

	private void load(Supplier<FlashEngine> loader) {
		try {
			FlashEngine engine = loader.get();
			if (!this.loading.complete(engine)) {
				// Closed meanwhile: nobody will use it.
				engine.close();
			}
		}
		catch (RuntimeException | Error ex) {
			logger.error("Cannot load " + this.model, ex);
			this.loading.completeExceptionally(ex);
		}
	}

	private FlashEngine loaded() {
		try {
			return this.loading.get();
		}
		catch (InterruptedException ex) {
			Thread.currentThread().interrupt();
			throw new FlashEngineException("Interrupted while waiting for " + this.model + " to be loaded", ex);
		}
		catch (ExecutionException ex) {
			Throwable failure = failure();
			throw new FlashEngineException("%s could not be loaded: %s".formatted(this.model, failure.getMessage()),
					failure);
		}
	}

	@Override
	public ModelInfo model() {
		return loaded().model();
	}

	@Override
	public boolean warmingUp() {
		return loaded().warmingUp();
	}

	@Override
	public Generation generate(GenerationRequest request) {
		return loaded().generate(request);
	}

	@Override
	public void logits(int[] tokens, LogitsConsumer consumer) {
		loaded().logits(tokens, consumer);
	}

	@Override
	public ResidencyPlan plan() {
		return loaded().plan();
	}

	@Override
	public ResidencyPlan ramBudget(RamBudget budget) {
		return loaded().ramBudget(budget);
	}

	/** {@inheritDoc} Waits for nothing. */
	@Override
	public @Nullable Failure lastFailure() {
		return (state() == Future.State.SUCCESS) ? this.loading.resultNow().lastFailure() : null;
	}

	@Override
	public boolean reload() {
		return loaded().reload();
	}

	@Override
	public FlashDiagnostics diagnostics() {
		return loaded().diagnostics();
	}

	@Override
	public EngineSnapshot snapshot() {
		return loaded().snapshot();
	}

	@Override
	public void close() {
		boolean unfinished = this.loading.completeExceptionally(new FlashEngineException("The engine was closed"));
		if (!unfinished && state() == Future.State.SUCCESS) {
			this.loading.resultNow().close();
		}
	}

}
