package io.github.flashspring.autoconfigure;

import java.util.List;
import java.util.Locale;
import java.util.concurrent.CopyOnWriteArrayList;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.binder.MeterBinder;

import io.github.flashspring.chat.GenerationListener;
import io.github.flashspring.engine.Usage;
import io.github.flashspring.engine.generate.FinishReason;

/**
 * {@link MeterBinder} for how long requests to the chat model wait and run, and how they
 * end.
 */
public class GenerationMetrics implements MeterBinder, GenerationListener {

	private static final String CANCELLED = "cancelled";

	private static final String FAILED = "failed";

	private final List<MeterRegistry> registries = new CopyOnWriteArrayList<>();

	@Override
	public void bindTo(MeterRegistry registry) {
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

	private static Timer queueTime(MeterRegistry registry) {
		return Timer.builder("flash.time.queued")
			.description("Time from a request until the engine began with it")
			.register(registry);
	}

	private static Timer timeToFirstToken(MeterRegistry registry) {
		return Timer.builder("flash.time.to.first.token")
			.description("Time from a request until its first token")
			.register(registry);
	}

	private static Timer generation(MeterRegistry registry) {
		return Timer.builder("flash.time.total")
			.description("Time from a request until its end, for those that were read to the end")
			.register(registry);
	}

	private static Counter outcome(MeterRegistry registry, String outcome) {
		return Counter.builder("flash.requests.ended")
			.tag("outcome", outcome)
			.baseUnit("requests")
			.description("Requests to the chat model, by how they ended")
			.register(registry);
	}

}
