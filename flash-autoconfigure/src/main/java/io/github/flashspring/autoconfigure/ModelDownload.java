package io.github.flashspring.autoconfigure;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;

import org.apache.commons.logging.Log;
import org.apache.commons.logging.LogFactory;
import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.FlashEngineException;
import io.github.flashspring.engine.checkpoint.Checkpoint;
import io.github.flashspring.engine.checkpoint.HubId;
import io.github.flashspring.engine.checkpoint.MissingModelException;
import io.github.flashspring.engine.checkpoint.ModelLocator;
import io.github.flashspring.engine.hub.DownloadProgress;
import io.github.flashspring.engine.hub.Hub;
import io.github.flashspring.engine.hub.HubSettings;
import io.github.flashspring.engine.metrics.ByteSize;

/**
 * Downloads the model of {@code flash.model} if it is missing and may be downloaded.
 * Events are published by the thread that loads the model: those of the download may not
 * touch the context while it starts.
 */
final class ModelDownload {

	private static final Log logger = LogFactory.getLog(ModelDownload.class);

	private static final Duration PAUSE = Duration.ofMillis(250);

	private static final int LOGGED_STEPS = 10;

	private final FlashProperties properties;

	private final String model;

	private final Consumer<FlashDownloadEvent> events;

	private volatile @Nullable DownloadProgress progress;

	private long logged;

	/**
	 * Prepares.
	 * @param properties whether, and where from
	 * @param model a folder or a hub id
	 * @param events hears how far it is
	 */
	ModelDownload(FlashProperties properties, String model, Consumer<FlashDownloadEvent> events) {
		this.properties = properties;
		this.model = model;
		this.events = events;
	}

	/**
	 * {@return how far it is; null while nothing is downloaded}
	 */
	@Nullable DownloadProgress progress() {
		return this.progress;
	}

	/**
	 * Downloads the model if needed.
	 * @throws io.github.flashspring.engine.hub.HubException if the model cannot be had
	 */
	void run() {
		Optional<HubId> missing = (this.properties.hub().pull() == FlashProperties.Pull.WHEN_MISSING) ? missing()
				: Optional.empty();
		if (missing.isEmpty()) {
			return;
		}
		HubSettings settings = this.properties.toHubSettings();
		logger.info("Downloading %s from %s to %s".formatted(missing.get(), settings.endpoint(), settings.cache()));
		try (Hub hub = new Hub(settings)) {
			Executor thread = (work) -> Thread.ofVirtual().name("flash-download").start(work);
			await(CompletableFuture.supplyAsync(() -> hub.pull(missing.get(), (now) -> this.progress = now), thread));
		}
		finally {
			this.progress = null;
		}
	}

	private void await(CompletableFuture<?> download) {
		while (true) {
			try {
				download.get(PAUSE.toMillis(), TimeUnit.MILLISECONDS);
				tell();
				return;
			}
			catch (TimeoutException ex) {
				tell();
			}
			catch (InterruptedException ex) {
				Thread.currentThread().interrupt();
				throw new FlashEngineException("Interrupted while " + this.model + " was downloaded", ex);
			}
			catch (ExecutionException ex) {
				if (ex.getCause() instanceof RuntimeException cause) {
					throw cause;
				}
				throw new FlashEngineException(this.model + " could not be downloaded", ex);
			}
		}
	}

	private void tell() {
		DownloadProgress now = this.progress;
		if (now == null) {
			return;
		}
		this.events.accept(new FlashDownloadEvent(now));
		long step = (now.totalBytes() > 0) ? LOGGED_STEPS * now.doneBytes() / now.totalBytes() : 0;
		if (step > this.logged || now.complete()) {
			this.logged = step;
			logger.info("Downloading %s: %s of %s, %d of %d files".formatted(now.model(),
					ByteSize.readable(now.doneBytes()), ByteSize.readable(now.totalBytes()), now.completedFiles(),
					now.files()));
		}
	}

	/** The model, if it is one of a hub that is not in the cache in full. */
	private Optional<HubId> missing() {
		try {
			boolean complete = Checkpoint.isComplete(ModelLocator.ofSystem().locate(this.model));
			return complete ? Optional.empty() : hubId();
		}
		catch (MissingModelException ex) {
			return Optional.of(ex.id());
		}
	}

	/** A folder of that name goes before a model of a hub. */
	private Optional<HubId> hubId() {
		return (!this.model.startsWith("hf:") && Files.isDirectory(Path.of(this.model))) ? Optional.empty()
				: HubId.parse(this.model);
	}

}
