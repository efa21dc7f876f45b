package io.github.flashspring.chat;

import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;

import io.github.flashspring.engine.GenerationEvent;

/**
 * Tells listeners how one generation ends. Only the first end counts. Thread-safe.
 */
final class Outcome {

	private final List<GenerationListener> listeners;

	private final AtomicBoolean ended = new AtomicBoolean();

	private volatile boolean cancelled;

	/**
	 * Creates the outcome of a generation that has not ended.
	 * @param listeners told how it ends
	 */
	Outcome(List<GenerationListener> listeners) {
		this.listeners = listeners;
	}

	void finished(GenerationEvent.Finished finished) {
		if (this.ended.compareAndSet(false, true)) {
			this.listeners.forEach((listener) -> listener.onFinish(finished.reason(), finished.usage()));
		}
	}

	void failed(Throwable failure) {
		if (this.ended.compareAndSet(false, true)) {
			this.listeners.forEach((listener) -> listener.onFailure(failure));
		}
	}

	void cancelled() {
		this.cancelled = true;
		if (this.ended.compareAndSet(false, true)) {
			this.listeners.forEach(GenerationListener::onCancel);
		}
	}

	boolean isCancelled() {
		return this.cancelled;
	}

}
