package io.github.flashspring.autoconfigure;

import java.util.List;
import java.util.Map;
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
 * {@link MeterBinder} for what engines hold and have done: tokens, passes, memory by
 * owner, bytes read, requests. An engine is bound when its model is loaded.
 */
public class EngineMetrics implements MeterBinder {

	/** Tag: bean name of the engine. */
	static final String ENGINE = "engine";

	/** Tag: name of the model. */
	static final String MODEL = "model";

	private static final String EXPERTS = "experts";

	private static final String READS = "reads";

	private static final String REQUESTS = "requests";

	private static final String SECONDS = "seconds";

	private final Map<String, FlashEngine> engines;

	/**
	 * Creates a binder for the only engine.
	 * @param engine the engine
	 */
	EngineMetrics(FlashEngine engine) {
		this(Map.of("flashEngine", engine));
	}

	/**
	 * Creates a binder.
	 * @param engines engines by bean name
	 */
	EngineMetrics(Map<String, FlashEngine> engines) {
		this.engines = Map.copyOf(engines);
	}

	@Override
	public void bindTo(MeterRegistry registry) {
		this.engines.forEach((name, engine) -> BackgroundFlashEngine.whenLoaded(engine, (loaded) -> new Binding(loaded,
				new SharedSnapshot(loaded), registry, Tags.of(ENGINE, name, MODEL, loaded.model().id()))
			.bind()));
	}

	/**
	 * Binds one engine to one registry.
	 *
	 * @param engine kept by the meters only weakly
	 * @param snapshots where the numbers come from
	 * @param registry where the meters go
	 * @param tags tags of all meters
	 */
	private record Binding(FlashEngine engine, SharedSnapshot snapshots, MeterRegistry registry, Tags tags) {

		void bind() {
			String tokens = "Tokens of prompts computed, and tokens generated";
			counter("flash.tokens", "tokens", tokens, this.tags.and("type", "prompt"),
					(now) -> now.work().promptTokens());
			counter("flash.tokens", "tokens", tokens, this.tags.and("type", "generated"),
					(now) -> now.work().generatedTokens());
			counter("flash.passes", "passes", "Passes over the layers of the model", (now) -> now.work().passes());
			gauge("flash.requests.active", REQUESTS, "Requests that are being computed, or wait for their readers",
					(now) -> now.work().activeRequests());
			gauge("flash.requests.queued", REQUESTS, "Requests that wait for a slot or memory",
					(now) -> now.work().queuedRequests());
			bindGrammars();
			bindPrefixes();
			EngineSnapshot now = this.engine.snapshot();
			bindReads();
			bindLayers(now.units());
			bindMemory(now.memory());
			if (now.units().stream().anyMatch((unit) -> unit.name().endsWith(".experts"))) {
				bindExperts();
			}
		}

		private void bindGrammars() {
			counter("flash.grammar.masks", "masks", "Masks of tokens that structured answers and forced calls needed",
					(now) -> now.grammars().masks());
			counter("flash.grammar.masks.ready", "masks", "Such masks that were known when a token was chosen",
					(now) -> now.grammars().ready());
			ToDoubleFunction<FlashEngine> computed = this.snapshots.number((now) -> now.grammars().computed());
			FunctionTimer
				.builder("flash.grammar.mask.latency", this.engine, (state) -> (long) computed.applyAsDouble(state),
						this.snapshots.number((now) -> now.grammars().computeNanos()), TimeUnit.NANOSECONDS)
				.tags(this.tags)
				.description("Time of computing masks of tokens, most of it during passes")
				.register(this.registry);
		}

		private void bindPrefixes() {
			String lookups = "Requests that began behind a prefix in the cache (hit), or with their first token (miss)";
			counter("flash.prefix.requests", REQUESTS, lookups, this.tags.and("result", "hit"),
					(now) -> now.prefixes().hits());
			counter("flash.prefix.requests", REQUESTS, lookups, this.tags.and("result", "miss"),
					(now) -> now.prefixes().misses());
			counter("flash.prefix.tokens", "tokens", "Tokens of prompts that the prefix cache had",
					(now) -> now.prefixes().hitTokens());
			counter("flash.prefix.evictions", "pages", "Pages of tokens evicted from the prefix cache in memory",
					(now) -> now.prefixes().evictedPages());
			gauge("flash.prefix.cached.tokens", "tokens", "Tokens that the prefix cache has in memory",
					(now) -> now.prefixes().tokens());
			String bytes = "Size of the prefix cache";
			gauge("flash.prefix.bytes", BaseUnits.BYTES, bytes, this.tags.and("where", "memory"),
					(now) -> now.prefixes().bytes());
			gauge("flash.prefix.bytes", BaseUnits.BYTES, bytes, this.tags.and("where", "disk"),
					(now) -> now.prefixes().disk().bytes());
			counter("flash.prefix.disk.tokens", "tokens", "Tokens of prompts that were read from the cache on disk",
					(now) -> now.prefixes().disk().hitTokens());
			counter("flash.prefix.disk.written", BaseUnits.BYTES, "Bytes written to the prefix cache on disk",
					(now) -> now.prefixes().disk().writtenBytes());
			counter("flash.prefix.disk.read", BaseUnits.BYTES, "Bytes read from the prefix cache on disk",
					(now) -> now.prefixes().disk().readBytes());
			counter("flash.prefix.disk.dropped", "pages", "Pages of tokens that the disk was too slow or too full for",
					(now) -> now.prefixes().disk().dropped());
			counter("flash.prefix.damaged", "files", "Damaged files of the prefix cache that were removed",
					(now) -> now.prefixes().disk().damaged());
		}

		private void bindReads() {
			counter("flash.io.read.bytes", BaseUnits.BYTES, "Bytes of weights read from disk",
					(now) -> now.io().bytesRead());
			ToDoubleFunction<FlashEngine> reads = this.snapshots.number((now) -> now.io().reads());
			FunctionTimer
				.builder("flash.io.read.latency", this.engine, (state) -> (long) reads.applyAsDouble(state),
						this.snapshots.number((now) -> now.io().nanos()), TimeUnit.NANOSECONDS)
				.tags(this.tags)
				.description("Time of reads of weights from disk; concurrent reads count each")
				.register(this.registry);
			counter("flash.io.read.failures", READS, "Reads that failed although they were tried again",
					(now) -> now.io().failures());
			gauge("flash.io.queue.depth", READS, "Reads in flight or queued",
					(now) -> now.io().readsInFlight() + now.io().readsQueued());
			counter("flash.io.stall", SECONDS, "Time that compute waited for weights from disk",
					(now) -> now.io().stallNanos() * 1e-9);
			counter("flash.io.pace.sleep", SECONDS, "Time that prefetch was held back so that it slows compute less",
					(now) -> now.pacing().sleepNanos() * 1e-9);
			gauge("flash.compute.degradation", "ratio", "Slowdown of compute by reads: 0.03 for 3 %",
					(now) -> now.pacing().degradation());
		}

		private void bindLayers(List<EngineSnapshot.Unit> units) {
			for (int i = 0; i < units.size(); i++) {
				int unit = i;
				Tags layer = this.tags.and("layer", units.get(i).name());
				counter("flash.layer.stall", SECONDS, "Time that a layer waited for its weights from disk", layer,
						(now) -> now.units().get(unit).stallNanos() * 1e-9);
				counter("flash.layer.compute", SECONDS, "Time that a layer computed, without waiting", layer,
						(now) -> now.units().get(unit).computeNanos() * 1e-9);
			}
		}

		private void bindMemory(List<EngineSnapshot.Memory> owners) {
			owners.stream()
				.map(EngineSnapshot.Memory::owner)
				.forEach((owner) -> gauge("flash.memory.used", BaseUnits.BYTES, "Memory reserved by the engine",
						this.tags.and("owner", owner), (now) -> now.memoryOf(owner)));
			gauge("flash.weights.pinned", BaseUnits.BYTES, "Pinned weights", (now) -> now.memoryOf("weights.pinned"));
			gauge("flash.weights.window", BaseUnits.BYTES, "Buffers into which weights are prefetched",
					(now) -> now.memoryOf("weights.window"));
			gauge("flash.memory.budget", BaseUnits.BYTES, "Memory that the engine may use; no number without a budget",
					(now) -> (now.budgetBytes() != null) ? now.budgetBytes() : Double.NaN);
		}

		private void bindExperts() {
			counter("flash.experts.hits", EXPERTS,
					"Experts that were in memory, or being read, when a router chose them",
					(now) -> now.experts().hits());
			counter("flash.experts.misses", EXPERTS, "Experts that were read only when a router chose them",
					(now) -> now.experts().misses());
			counter("flash.experts.missed", BaseUnits.BYTES,
					"Bytes of experts that were read only when a router chose them",
					(now) -> now.experts().missedBytes());
			gauge("flash.experts.cached", BaseUnits.BYTES, "Experts in memory", (now) -> now.experts().cachedBytes());
			counter("flash.experts.lookahead.reads", READS,
					"Reads of experts that the next router was expected to choose",
					(now) -> now.experts().lookaheadReads());
			counter("flash.experts.lookahead.used", READS, "Such reads whose expert was then used",
					(now) -> now.experts().lookaheadUsed());
			counter("flash.experts.lookahead.wasted", READS, "Such reads whose expert was evicted unused",
					(now) -> now.experts().lookaheadUseless());
		}

		private void counter(String name, String unit, String description, ToDoubleFunction<EngineSnapshot> value) {
			counter(name, unit, description, this.tags, value);
		}

		private void counter(String name, String unit, String description, Tags tags,
				ToDoubleFunction<EngineSnapshot> value) {
			FunctionCounter.builder(name, this.engine, this.snapshots.number(value))
				.tags(tags)
				.baseUnit(unit)
				.description(description)
				.register(this.registry);
		}

		private void gauge(String name, String unit, String description, ToDoubleFunction<EngineSnapshot> value) {
			gauge(name, unit, description, this.tags, value);
		}

		private void gauge(String name, String unit, String description, Tags tags,
				ToDoubleFunction<EngineSnapshot> value) {
			Gauge.builder(name, this.engine, this.snapshots.number(value))
				.tags(tags)
				.baseUnit(unit)
				.description(description)
				.register(this.registry);
		}

	}

}
