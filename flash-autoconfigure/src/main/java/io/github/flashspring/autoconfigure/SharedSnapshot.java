package io.github.flashspring.autoconfigure;

import java.util.function.ToDoubleFunction;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.FlashEngine;
import io.github.flashspring.engine.metrics.EngineSnapshot;

/**
 * One snapshot of an engine for all meters that are read together. A scrape reads each
 * meter once; so a meter that is read again, or after a tenth of a second, gets a new
 * snapshot.
 */
final class SharedSnapshot {

	private static final long MAX_AGE_NANOS = 100_000_000;

	private final FlashEngine engine;

	private @Nullable EngineSnapshot latest;

	private long takenAt;

	SharedSnapshot(FlashEngine engine) {
		this.engine = engine;
	}

	/**
	 * A number of the snapshot, for one meter.
	 * @param value the number
	 * @return reads it
	 */
	<T> ToDoubleFunction<T> number(ToDoubleFunction<EngineSnapshot> value) {
		return new ToDoubleFunction<>() {

			private @Nullable EngineSnapshot read;

			@Override
			public double applyAsDouble(T ignored) {
				synchronized (SharedSnapshot.this) {
					this.read = newerThan(this.read);
					return value.applyAsDouble(this.read);
				}
			}
		};
	}

	private EngineSnapshot newerThan(@Nullable EngineSnapshot read) {
		EngineSnapshot current = this.latest;
		long now = System.nanoTime();
		if (current == null || current == read || now - this.takenAt > MAX_AGE_NANOS) {
			current = this.engine.snapshot();
			this.latest = current;
			this.takenAt = now;
		}
		return current;
	}

}
