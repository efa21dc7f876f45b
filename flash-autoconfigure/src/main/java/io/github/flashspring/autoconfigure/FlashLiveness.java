package io.github.flashspring.autoconfigure;

import java.time.Duration;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;

import org.jspecify.annotations.Nullable;

import org.springframework.beans.factory.DisposableBean;
import org.springframework.boot.availability.AvailabilityChangeEvent;
import org.springframework.boot.availability.LivenessState;
import org.springframework.context.ApplicationEventPublisher;

import io.github.flashspring.chat.GenerationListener;
import io.github.flashspring.engine.FlashEngine;
import io.github.flashspring.engine.Usage;
import io.github.flashspring.engine.generate.FinishReason;

/**
 * Turns the application's {@link LivenessState} to broken while requests to an engine
 * will fail until its model is loaded again, so that a platform can restart the
 * application, and back once it was.
 */
final class FlashLiveness implements GenerationListener, DisposableBean {

	private static final Duration WATCH = Duration.ofSeconds(1);

	private final ApplicationEventPublisher publisher;

	private final Set<FlashEngine> broken = Collections.newSetFromMap(new IdentityHashMap<>());

	/** Looks for recovery while there are no requests that would show it. */
	private @Nullable Thread watcher;

	FlashLiveness(ApplicationEventPublisher publisher) {
		this.publisher = publisher;
	}

	@Override
	public GenerationListener forModel(FlashEngine engine, String model) {
		return new GenerationListener() {

			@Override
			public void onFinish(FinishReason reason, Usage usage) {
				update(engine);
			}

			@Override
			public void onFailure(Throwable failure) {
				update(engine);
			}

		};
	}

	private synchronized void update(FlashEngine engine) {
		FlashEngine.Failure failure = engine.lastFailure();
		if (failure != null && failure.needsReload()) {
			this.broken.add(engine);
		}
		else {
			this.broken.remove(engine);
		}
		if (!this.broken.isEmpty() && this.watcher == null) {
			AvailabilityChangeEvent.publish(this.publisher, engine, LivenessState.BROKEN);
			this.watcher = Thread.ofVirtual().name("flash-liveness").start(this::watch);
		}
		else if (this.broken.isEmpty() && this.watcher != null) {
			AvailabilityChangeEvent.publish(this.publisher, engine, LivenessState.CORRECT);
			this.watcher.interrupt();
			this.watcher = null;
		}
	}

	private void watch() {
		try {
			while (true) {
				Thread.sleep(WATCH);
				brokenEngines().forEach(this::update);
			}
		}
		catch (InterruptedException ex) {
			Thread.currentThread().interrupt();
		}
	}

	private synchronized List<FlashEngine> brokenEngines() {
		return List.copyOf(this.broken);
	}

	@Override
	public synchronized void destroy() {
		if (this.watcher != null) {
			this.watcher.interrupt();
		}
	}

}
