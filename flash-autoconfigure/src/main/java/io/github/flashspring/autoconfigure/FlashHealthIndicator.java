package io.github.flashspring.autoconfigure;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Future;

import org.jspecify.annotations.Nullable;

import org.springframework.boot.health.contributor.AbstractHealthIndicator;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;

import io.github.flashspring.chat.GenerationListener;
import io.github.flashspring.engine.FlashEngine;
import io.github.flashspring.engine.ModelInfo;
import io.github.flashspring.engine.Usage;
import io.github.flashspring.engine.checkpoint.CheckpointException;
import io.github.flashspring.engine.device.DeviceException;
import io.github.flashspring.engine.generate.FinishReason;
import io.github.flashspring.engine.hub.DownloadProgress;
import io.github.flashspring.engine.metrics.EngineSnapshot;

/**
 * {@link HealthIndicator} of an engine: out of service while its model is loading or
 * warming up, down when loading failed or when weights or device failed the latest pass
 * or generation, otherwise up.
 */
public class FlashHealthIndicator extends AbstractHealthIndicator implements GenerationListener {

	private final FlashEngine engine;

	private volatile @Nullable Throwable failure;

	FlashHealthIndicator(FlashEngine engine) {
		super("Flash health check failed");
		this.engine = engine;
	}

	@Override
	protected void doHealthCheck(Health.Builder builder) {
		if (this.engine instanceof BackgroundFlashEngine background && background.state() != Future.State.SUCCESS) {
			if (background.state() == Future.State.RUNNING) {
				loading(builder, background.download());
			}
			else {
				builder.down(background.failure());
			}
			return;
		}
		ModelInfo model = this.engine.model();
		EngineSnapshot now = this.engine.snapshot();
		Map<String, Long> memory = new LinkedHashMap<>();
		now.memory().forEach((owner) -> memory.put(owner.owner(), owner.bytes()));
		FlashEngine.Failure failed = this.engine.lastFailure();
		Throwable failure = (failed != null) ? failed.cause() : this.failure;
		if (failure != null) {
			builder.down(failure);
		}
		else if (this.engine.warmingUp()) {
			builder.outOfService().withDetail("state", "warming up");
		}
		else {
			builder.up();
		}
		builder.withDetail("model", model.id())
			.withDetail("architecture", model.architecture())
			.withDetail("precision", model.precision())
			.withDetail("device", now.device())
			.withDetail("budget", (now.budgetBytes() != null) ? now.budgetBytes() : "unlimited")
			.withDetail("memory", memory);
	}

	private static void loading(Health.Builder builder, @Nullable DownloadProgress download) {
		builder.outOfService().withDetail("state", (download != null) ? "downloading" : "loading");
		if (download != null) {
			builder.withDetail("download",
					Map.of("model", download.model(), "doneBytes", download.doneBytes(), "totalBytes",
							download.totalBytes(), "files", download.files(), "completedFiles",
							download.completedFiles()));
		}
	}

	@Override
	public void onFinish(FinishReason reason, Usage usage) {
		this.failure = null;
	}

	@Override
	public void onFailure(Throwable failure) {
		// What failed a pass the engine tells by itself, and no longer once it goes on.
		if (this.engine.lastFailure() == null
				&& (failure instanceof CheckpointException || failure instanceof DeviceException)) {
			this.failure = failure;
		}
	}

}
