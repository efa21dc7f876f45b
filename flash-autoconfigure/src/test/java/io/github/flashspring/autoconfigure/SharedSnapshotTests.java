package io.github.flashspring.autoconfigure;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.ToDoubleFunction;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import org.junit.jupiter.api.Test;

import io.github.flashspring.chat.ScriptedEngine;
import io.github.flashspring.engine.metrics.EngineSnapshot;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * How many snapshots meters take.
 */
class SharedSnapshotTests {

	private final AtomicInteger snapshots = new AtomicInteger();

	private final ScriptedEngine engine = new ScriptedEngine((request) -> ScriptedEngine.script()) {
		@Override
		public EngineSnapshot snapshot() {
			SharedSnapshotTests.this.snapshots.incrementAndGet();
			return super.snapshot();
		}
	};

	@Test
	void scrapeTakesFewSnapshots() {
		MeterRegistry registry = new SimpleMeterRegistry();
		new EngineMetrics(this.engine).bindTo(registry);
		this.snapshots.set(0);
		registry.getMeters().forEach((meter) -> meter.measure().forEach((measurement) -> measurement.getValue()));
		// One, unless the machine pauses for longer than a snapshot is shared.
		assertThat(registry.getMeters()).hasSizeGreaterThan(25);
		assertThat(this.snapshots.get()).isBetween(1, 3);
	}

	@Test
	void numberThatIsReadAgainIsNew() {
		ToDoubleFunction<Object> number = new SharedSnapshot(this.engine).number((now) -> this.snapshots.get());
		assertThat(number.applyAsDouble(this)).isEqualTo(1);
		assertThat(number.applyAsDouble(this)).isEqualTo(2);
	}

}
