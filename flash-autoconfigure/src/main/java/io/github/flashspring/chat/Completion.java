package io.github.flashspring.chat;

import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.Generation;
import io.github.flashspring.engine.GenerationEvent;

/**
 * A generation as its reader sees it: begun by the first read, cancelled from any thread
 * without waiting for a read that is under way. One thread reads at a time.
 */
final class Completion {

	private final Supplier<Generation> beginning;

	private final List<GenerationListener> listeners;

	private final AtomicBoolean ended = new AtomicBoolean();

	private volatile boolean cancelled;

	private volatile @Nullable Generation generation;

	/**
	 * Creates a completion that has not begun.
	 * @param beginning starts the generation; called at most once
	 * @param listeners told how it ends
	 */
	Completion(Supplier<Generation> beginning, List<GenerationListener> listeners) {
		this.beginning = beginning;
		this.listeners = listeners;
	}

	/**
	 * Waits for the next event.
	 * @return the event; the last is a {@link GenerationEvent.Finished}. Null if the
	 * completion was cancelled
	 * @throws RuntimeException what made the generation fail, which is stopped then
	 */
	@Nullable GenerationEvent next() {
		if (this.cancelled) {
			return null;
		}
		try {
			GenerationEvent event = begun().next();
			if (this.cancelled) {
				return null;
			}
			if (event == null) {
				throw new IllegalStateException("The generation ended without saying why");
			}
			if (event instanceof GenerationEvent.Finished finished && this.ended.compareAndSet(false, true)) {
				this.listeners.forEach((listener) -> listener.onFinish(finished.reason(), finished.usage()));
			}
			return event;
		}
		catch (RuntimeException | Error ex) {
			if (this.cancelled) {
				return null;
			}
			if (this.ended.compareAndSet(false, true)) {
				this.listeners.forEach((listener) -> listener.onFailure(ex));
			}
			close();
			throw ex;
		}
	}

	/**
	 * Stops the generation if it still runs. A read that is under way returns null soon.
	 */
	void cancel() {
		this.cancelled = true;
		if (this.ended.compareAndSet(false, true)) {
			this.listeners.forEach(GenerationListener::onCancel);
		}
		close();
	}

	private Generation begun() {
		Generation running = this.generation;
		if (running == null) {
			running = this.beginning.get();
			this.generation = running;
			// A cancellation that came while it began has not seen it.
			if (this.cancelled) {
				running.close();
			}
		}
		return running;
	}

	private void close() {
		Generation running = this.generation;
		if (running != null) {
			running.close();
		}
	}

}
