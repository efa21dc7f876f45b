package io.github.flashspring.autoconfigure;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.binder.MeterBinder;

import io.github.flashspring.chat.GenerationListener;
import io.github.flashspring.engine.FlashEngine;
import io.github.flashspring.engine.Usage;
import io.github.flashspring.engine.generate.FinishReason;

/**
 * {@link MeterBinder} for how long requests to chat models wait and run, and how they
 * end.
 */
public class GenerationMetrics implements MeterBinder, GenerationListener {

	private static final String CANCELLED = "cancelled";

	private static final String FAILED = "failed";

	private final Map<String, FlashEngine> engines;

	private final List<MeterRegistry> registries = new ArrayList<>();

	private final Map<Tags, OfModel> models = new HashMap<>();

	/**
	 * Creates a binder.
	 * @param engines engines by bean name
	 */
	GenerationMetrics(Map<String, FlashEngine> engines) {
		this.engines = Map.copyOf(engines);
	}

	@Override
	public synchronized void bindTo(MeterRegistry registry) {
		this.registries.add(registry);
		this.models.values().forEach((model) -> model.bindTo(registry));
	}

	@Override
	public synchronized GenerationListener forModel(FlashEngine engine, String model) {
		return this.models.computeIfAbsent(Tags.of(EngineMetrics.ENGINE, name(engine), EngineMetrics.MODEL, model),
				(tags) -> {
					OfModel meters = new OfModel(tags);
					this.registries.forEach(meters::bindTo);
					return meters;
				});
	}

	/** The bean name of an engine; one that is no bean has none. */
	private String name(FlashEngine engine) {
		return this.engines.entrySet()
			.stream()
			.filter((entry) -> entry.getValue() == engine)
			.map(Map.Entry::getKey)
			.findFirst()
			.orElse("none");
	}

	/** Meters of one chat model. */
	private static final class OfModel implements GenerationListener {

		private final Tags tags;

		private final List<MeterRegistry> registries = new CopyOnWriteArrayList<>();

		private OfModel(Tags tags) {
			this.tags = tags;
		}

		private void bindTo(MeterRegistry registry) {
			queueTime(registry);
			timeToFirstToken(registry);
			generation(registry);
			for (FinishReason reason : FinishReason.values()) {
				outcome(registry, name(reason));
			}
			outcome(registry, FAILED);
			this.registries.add(registry);
		}

		@Override
		public void onFinish(FinishReason reason, Usage usage) {
			for (MeterRegistry registry : this.registries) {
				queueTime(registry).record(usage.queued());
				if (usage.completionTokens() > 0) {
					timeToFirstToken(registry).record(usage.timeToFirstToken());
				}
				generation(registry).record(usage.total());
				outcome(registry, name(reason)).increment();
			}
		}

		@Override
		public void onFailure(Throwable failure) {
			this.registries.forEach((registry) -> outcome(registry, FAILED).increment());
		}

		@Override
		public void onCancel() {
			this.registries.forEach((registry) -> outcome(registry, CANCELLED).increment());
		}

		private static String name(FinishReason reason) {
			return reason.name().toLowerCase(Locale.ROOT);
		}

		private Timer queueTime(MeterRegistry registry) {
			return Timer.builder("flash.time.queued")
				.tags(this.tags)
				.description("Time from a request until the engine began with it")
				.register(registry);
		}

		private Timer timeToFirstToken(MeterRegistry registry) {
			return Timer.builder("flash.time.to.first.token")
				.tags(this.tags)
				.description("Time from a request until its first token")
				.register(registry);
		}

		private Timer generation(MeterRegistry registry) {
			return Timer.builder("flash.time.total")
				.tags(this.tags)
				.description("Time from a request until its end, for those that were read to the end")
				.register(registry);
		}

		private Counter outcome(MeterRegistry registry, String outcome) {
			return Counter.builder("flash.requests.ended")
				.tags(this.tags.and("outcome", outcome))
				.baseUnit("requests")
				.description("Requests to the chat model, by how they ended")
				.register(registry);
		}

	}

}
