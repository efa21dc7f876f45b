package io.github.flashspring.autoconfigure;

import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.ToDoubleFunction;

import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.FunctionTimer;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.binder.BaseUnits;
import io.micrometer.core.instrument.binder.MeterBinder;

import io.github.flashspring.engine.FlashEngine;
import io.github.flashspring.engine.metrics.EngineSnapshot;

/**
 * {@link MeterBinder} for what an engine holds and has done: tokens, passes, memory by
 * owner, bytes read, requests. Binds when the model is loaded.
 */
public class EngineMetrics implements MeterBinder {

	private final FlashEngine engine;

	EngineMetrics(FlashEngine engine) {
		this.engine = engine;
	}

	@Override
	public void bindTo(MeterRegistry registry) {
		BackgroundFlashEngine.whenLoaded(this.engine, (loaded) -> bind(loaded, registry));
	}

	private static void bind(FlashEngine engine, MeterRegistry registry) {
		Tags tags = Tags.of("model", engine.model().id());
		counter(engine, "flash.tokens", (now) -> now.work().promptTokens()).tags(tags.and("type", "prompt"))
			.baseUnit("tokens")
			.description("Tokens of prompts computed, and tokens generated")
			.register(registry);
		counter(engine, "flash.tokens", (now) -> now.work().generatedTokens()).tags(tags.and("type", "generated"))
			.baseUnit("tokens")
			.description("Tokens of prompts computed, and tokens generated")
			.register(registry);
		counter(engine, "flash.passes", (now) -> now.work().passes()).tags(tags)
			.baseUnit("passes")
			.description("Passes over the layers of the model")
			.register(registry);
		bindReads(engine, registry, tags);
		bindExperts(engine, registry, tags);
		bindMemory(engine, registry, tags);
		gauge(engine, "flash.requests.active", (now) -> now.work().activeRequests()).tags(tags)
			.baseUnit("requests")
			.description("Requests that are being computed")
			.register(registry);
		gauge(engine, "flash.requests.queued", (now) -> now.work().queuedRequests()).tags(tags)
			.baseUnit("requests")
			.description("Requests that wait")
			.register(registry);
	}

	private static void bindReads(FlashEngine engine, MeterRegistry registry, Tags tags) {
		counter(engine, "flash.io.read.bytes", (now) -> now.io().bytesRead()).tags(tags)
			.baseUnit(BaseUnits.BYTES)
			.description("Bytes of weights read from disk")
			.register(registry);
		FunctionTimer
			.builder("flash.io.read.latency", engine, (state) -> state.snapshot().io().reads(),
					(state) -> state.snapshot().io().nanos(), TimeUnit.NANOSECONDS)
			.tags(tags)
			.description("Reads of weights from disk; those that overlap count each")
			.register(registry);
		counter(engine, "flash.io.read.failures", (now) -> now.io().failures()).tags(tags)
			.baseUnit("reads")
			.description("Reads that failed although they were tried again")
			.register(registry);
		gauge(engine, "flash.io.queue.depth", (now) -> now.io().readsInFlight() + now.io().readsQueued()).tags(tags)
			.baseUnit("reads")
			.description("Reads that are under way or wait for their turn")
			.register(registry);
		counter(engine, "flash.io.stall", (now) -> now.io().stallNanos() * 1e-9).tags(tags)
			.baseUnit("seconds")
			.description("Time that computing waited for weights from disk")
			.register(registry);
		counter(engine, "flash.io.pace.sleep", (now) -> now.pacing().sleepNanos() * 1e-9).tags(tags)
			.baseUnit("seconds")
			.description("Time that reads ahead were held back so that they disturb computing less")
			.register(registry);
		gauge(engine, "flash.compute.degradation", (now) -> now.pacing().degradation()).tags(tags)
			.baseUnit("ratio")
			.description("How much longer passes compute because of reads: 0.03 for 3 %")
			.register(registry);
		List<EngineSnapshot.Unit> units = engine.snapshot().units();
		for (int i = 0; i < units.size(); i++) {
			int unit = i;
			Tags layer = tags.and("layer", units.get(i).name());
			counter(engine, "flash.layer.stall", (now) -> now.units().get(unit).stallNanos() * 1e-9).tags(layer)
				.baseUnit("seconds")
				.description("Time that a layer waited for its weights from disk")
				.register(registry);
			counter(engine, "flash.layer.compute", (now) -> now.units().get(unit).computeNanos() * 1e-9).tags(layer)
				.baseUnit("seconds")
				.description("Time that a layer computed, without waiting")
				.register(registry);
		}
	}

	private static void bindExperts(FlashEngine engine, MeterRegistry registry, Tags tags) {
		if (engine.snapshot().units().stream().noneMatch((unit) -> unit.name().endsWith(".experts"))) {
			return;
		}
		counter(engine, "flash.experts.hits", (now) -> now.experts().hits()).tags(tags)
			.baseUnit("experts")
			.description("Experts that were in memory, or on their way, when a router chose them")
			.register(registry);
		counter(engine, "flash.experts.misses", (now) -> now.experts().misses()).tags(tags)
			.baseUnit("experts")
			.description("Experts that were read only when a router chose them")
			.register(registry);
		counter(engine, "flash.experts.missed", (now) -> now.experts().missedBytes()).tags(tags)
			.baseUnit(BaseUnits.BYTES)
			.description("Bytes of experts that were read only when a router chose them")
			.register(registry);
		gauge(engine, "flash.experts.cached", (now) -> now.experts().cachedBytes()).tags(tags)
			.baseUnit(BaseUnits.BYTES)
			.description("Experts in memory")
			.register(registry);
		counter(engine, "flash.experts.lookahead.reads", (now) -> now.experts().lookaheadReads()).tags(tags)
			.baseUnit("reads")
			.description("Reads of experts that the next router would probably choose")
			.register(registry);
		counter(engine, "flash.experts.lookahead.used", (now) -> now.experts().lookaheadUsed()).tags(tags)
			.baseUnit("reads")
			.description("Such reads whose expert was then used")
			.register(registry);
		counter(engine, "flash.experts.lookahead.useless", (now) -> now.experts().lookaheadUseless()).tags(tags)
			.baseUnit("reads")
			.description("Such reads whose expert left memory unused")
			.register(registry);
	}

	private static void bindMemory(FlashEngine engine, MeterRegistry registry, Tags tags) {
		EngineSnapshot now = engine.snapshot();
		for (EngineSnapshot.Memory memory : now.memory()) {
			gauge(engine, "flash.memory.used", (later) -> later.memoryOf(memory.owner()))
				.tags(tags.and("owner", memory.owner()))
				.baseUnit(BaseUnits.BYTES)
				.description("Memory reserved by the engine")
				.register(registry);
		}
		gauge(engine, "flash.weights.pinned", (later) -> later.memoryOf("weights.pinned")).tags(tags)
			.baseUnit(BaseUnits.BYTES)
			.description("Weights that stay in memory")
			.register(registry);
		gauge(engine, "flash.weights.window", (later) -> later.memoryOf("weights.window")).tags(tags)
			.baseUnit(BaseUnits.BYTES)
			.description("Memory into which weights are read ahead")
			.register(registry);
		if (now.budgetBytes() != Long.MAX_VALUE) {
			gauge(engine, "flash.memory.budget", EngineSnapshot::budgetBytes).tags(tags)
				.baseUnit(BaseUnits.BYTES)
				.description("Memory that the engine may use")
				.register(registry);
		}
	}

	private static FunctionCounter.Builder<FlashEngine> counter(FlashEngine engine, String name,
			ToDoubleFunction<EngineSnapshot> value) {
		return FunctionCounter.builder(name, engine, (state) -> value.applyAsDouble(state.snapshot()));
	}

	private static Gauge.Builder<FlashEngine> gauge(FlashEngine engine, String name,
			ToDoubleFunction<EngineSnapshot> value) {
		return Gauge.builder(name, engine, (state) -> value.applyAsDouble(state.snapshot()));
	}

}
