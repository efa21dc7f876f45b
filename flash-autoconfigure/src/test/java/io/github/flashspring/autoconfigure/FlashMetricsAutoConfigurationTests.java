package io.github.flashspring.autoconfigure;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.MeterBinder;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

import org.springframework.ai.chat.model.ChatModel;
import org.springframework.ai.chat.prompt.Prompt;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.micrometer.metrics.autoconfigure.MetricsAutoConfiguration;
import org.springframework.boot.test.context.FilteredClassLoader;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;

import io.github.flashspring.chat.ScriptedEngine;
import io.github.flashspring.engine.FlashEngine;
import io.github.flashspring.engine.GenerationEvent;
import io.github.flashspring.engine.memory.RamBudget;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

class FlashMetricsAutoConfigurationTests {

	private final ApplicationContextRunner runner = new ApplicationContextRunner()
		.withConfiguration(AutoConfigurations.of(FlashAutoConfiguration.class, FlashMetricsAutoConfiguration.class,
				MetricsAutoConfiguration.class))
		.withPropertyValues("spring.ai.model.chat=flash");

	private final ApplicationContextRunner measured = this.runner.withBean(MeterRegistry.class,
			SimpleMeterRegistry::new);

	@Test
	void engineIsMeasured() {
		this.measured.withBean(FlashEngine.class, () -> ScriptedEngine.saying("Hello")).run((context) -> {
			MeterRegistry registry = context.getBean(MeterRegistry.class);
			assertThat(
					registry.get("flash.tokens").tags("model", "scripted", "type", "prompt").functionCounter().count())
				.isEqualTo(70);
			assertThat(registry.get("flash.tokens").tag("type", "generated").functionCounter().count()).isEqualTo(30);
			assertThat(registry.get("flash.passes").functionCounter().count()).isEqualTo(9);
			assertThat(registry.get("flash.io.read.bytes").functionCounter().count()).isEqualTo(3000);
			assertThat(registry.get("flash.io.read.latency").functionTimer().count()).isEqualTo(3);
			assertThat(registry.get("flash.io.read.latency").functionTimer().totalTime(TimeUnit.SECONDS)).isEqualTo(3);
			assertThat(registry.get("flash.io.read.failures").functionCounter().count()).isEqualTo(1);
			assertThat(registry.get("flash.io.queue.depth").gauge().value()).isEqualTo(7);
			assertThat(registry.get("flash.experts.hits").functionCounter().count()).isEqualTo(90);
			assertThat(registry.get("flash.experts.misses").functionCounter().count()).isEqualTo(10);
			assertThat(registry.get("flash.experts.missed").functionCounter().count()).isEqualTo(6000);
			assertThat(registry.get("flash.experts.cached").gauge().value()).isEqualTo(2000);
			assertThat(registry.get("flash.experts.lookahead.reads").functionCounter().count()).isEqualTo(8);
			assertThat(registry.get("flash.experts.lookahead.used").functionCounter().count()).isEqualTo(7);
			assertThat(registry.get("flash.experts.lookahead.wasted").functionCounter().count()).isEqualTo(1);
			assertThat(registry.get("flash.layer.stall").tag("layer", "layers.1").functionCounter().count())
				.isEqualTo(1.5);
			assertThat(registry.get("flash.layer.compute").tag("layer", "layers.1").functionCounter().count())
				.isEqualTo(2);
			assertThat(registry.get("flash.io.pace.sleep").functionCounter().count()).isEqualTo(0.25);
			assertThat(registry.get("flash.compute.degradation").gauge().value()).isEqualTo(0.03);
			assertThat(registry.get("flash.weights.pinned").gauge().value()).isEqualTo(1000);
			assertThat(registry.get("flash.weights.window").gauge().value()).isEqualTo(500);
			assertThat(registry.get("flash.io.stall").functionCounter().count()).isEqualTo(1.5);
			assertThat(registry.get("flash.memory.used").tag("owner", "weights.pinned").gauge().value())
				.isEqualTo(1000);
			assertThat(registry.get("flash.memory.used").tag("owner", "kv").gauge().value()).isEqualTo(24);
			assertThat(registry.get("flash.memory.budget").gauge().value()).isEqualTo(1 << 20);
			assertThat(registry.get("flash.requests.active").gauge().value()).isEqualTo(2);
			assertThat(registry.get("flash.requests.queued").gauge().value()).isEqualTo(1);
		});
	}

	@Test
	void everyMeterHasADescriptionAndABaseUnit() {
		this.measured.withBean(FlashEngine.class, () -> ScriptedEngine.saying("Hello")).run((context) -> {
			List<Meter.Id> meters = context.getBean(MeterRegistry.class)
				.getMeters()
				.stream()
				.map(Meter::getId)
				.filter((id) -> id.getName().startsWith("flash."))
				.toList();
			assertThat(meters).hasSizeGreaterThan(15);
			assertThat(meters).allSatisfy((id) -> {
				assertThat(id.getDescription()).isNotBlank();
				assertThat(id.getBaseUnit()).isNotBlank();
			});
		});
	}

	@Test
	void requestsAreTimedAndCountedByOutcome() {
		this.measured.withBean(FlashEngine.class, () -> ScriptedEngine.saying("Hello", " there")).run((context) -> {
			MeterRegistry registry = context.getBean(MeterRegistry.class);
			ChatModel model = context.getBean(ChatModel.class);
			assertThat(registry.get("flash.time.to.first.token").timer().count()).isZero();
			model.call("Hi");
			model.stream(new Prompt("Hi")).blockLast();
			assertThat(registry.get("flash.time.to.first.token").timer().count()).isEqualTo(2);
			assertThat(registry.get("flash.time.to.first.token").timer().totalTime(TimeUnit.MILLISECONDS))
				.isEqualTo(220);
			assertThat(registry.get("flash.time.queued").timer().totalTime(TimeUnit.MILLISECONDS)).isEqualTo(20);
			assertThat(registry.get("flash.time.total").timer().totalTime(TimeUnit.MILLISECONDS)).isEqualTo(2220);
			assertThat(ended(registry, "stop")).isEqualTo(2);
			model.stream(new Prompt("Hi")).take(1).blockLast();
			Awaitility.await().until(() -> ended(registry, "cancelled") == 1);
			assertThat(ended(registry, "stop")).isEqualTo(2);
			assertThat(ended(registry, "failed")).isZero();
		});
	}

	@Test
	void failuresAreCounted() {
		this.measured.withBean(FlashEngine.class, () -> new ScriptedEngine((request) -> List.<GenerationEvent>of()))
			.run((context) -> {
				assertThatExceptionOfType(IllegalStateException.class)
					.isThrownBy(() -> context.getBean(ChatModel.class).call("Hi"));
				assertThat(ended(context.getBean(MeterRegistry.class), "failed")).isEqualTo(1);
			});
	}

	@Test
	void engineIsMeasuredOnceItIsLoaded() {
		CompletableFuture<FlashEngine> loading = new CompletableFuture<>();
		this.measured.withPropertyValues("flash.model=some/model")
			.withBean(FlashEngine.class, () -> new BackgroundFlashEngine("some/model", loading::join))
			.run((context) -> {
				MeterRegistry registry = context.getBean(MeterRegistry.class);
				assertThat(registry.find("flash.tokens").meter()).isNull();
				loading.complete(ScriptedEngine.saying("Hello"));
				Awaitility.await().until(() -> registry.find("flash.requests.queued").meter() != null);
			});
	}

	@Test
	void metersAreOfEachEngineByBeanName() {
		this.measured
			.withBean("first", FlashEngine.class, () -> ScriptedEngine.saying("Hello"),
					(definition) -> definition.setPrimary(true))
			.withBean("second", FlashEngine.class, () -> ScriptedEngine.saying("Hello"))
			.run((context) -> {
				MeterRegistry registry = context.getBean(MeterRegistry.class);
				context.getBean(ChatModel.class).call("Hi");
				assertThat(registry.get("flash.passes").tags("engine", "second", "model", "scripted").functionCounter())
					.isNotNull();
				assertThat(registry.get("flash.requests.ended")
					.tags("engine", "first", "model", "scripted", "outcome", "stop")
					.counter()
					.count()).isEqualTo(1);
			});
	}

	@Test
	void budgetIsANumberOnceThereIsOne() {
		this.measured.withPropertyValues("flash.model=" + TestModels.STORIES, "flash.context-length=64")
			.run((context) -> {
				MeterRegistry registry = context.getBean(MeterRegistry.class);
				assertThat(registry.get("flash.memory.budget").gauge().value()).isNaN();
				context.getBean(FlashEngine.class).ramBudget(RamBudget.ofBytes(6_000_000));
				assertThat(registry.get("flash.memory.budget").gauge().value()).isEqualTo(6_000_000);
				assertThat(registry.get("flash.compute.degradation").gauge().value()).isZero();
			});
	}

	@Test
	void absentWithoutRegistry() {
		this.runner.withBean(FlashEngine.class, () -> ScriptedEngine.saying("Hello"))
			.run((context) -> assertThat(context).hasNotFailed().doesNotHaveBean(EngineMetrics.class));
	}

	@Test
	void absentWithoutMicrometer() {
		this.runner.withBean(FlashEngine.class, () -> ScriptedEngine.saying("Hello"))
			.withClassLoader(new FilteredClassLoader(MeterBinder.class))
			.run((context) -> {
				assertThat(context).hasNotFailed().doesNotHaveBean("flashEngineMetrics");
				assertThat(context.getBean(ChatModel.class).call("Hi")).isEqualTo("Hello");
			});
	}

	private static double ended(MeterRegistry registry, String outcome) {
		return registry.get("flash.requests.ended").tag("outcome", outcome).counter().count();
	}

}
