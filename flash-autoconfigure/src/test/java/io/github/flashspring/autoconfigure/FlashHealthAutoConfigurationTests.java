package io.github.flashspring.autoconfigure;

import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;

import org.awaitility.Awaitility;
import org.jspecify.annotations.NullUnmarked;
import org.junit.jupiter.api.Test;

import org.springframework.ai.chat.model.ChatModel;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.health.contributor.CompositeHealthContributor;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.boot.health.contributor.Status;
import org.springframework.boot.test.context.FilteredClassLoader;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;

import io.github.flashspring.chat.ScriptedEngine;
import io.github.flashspring.engine.FlashEngine;
import io.github.flashspring.engine.GenerationEvent;
import io.github.flashspring.engine.checkpoint.CheckpointException;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

@NullUnmarked
class FlashHealthAutoConfigurationTests {

	private final ApplicationContextRunner runner = new ApplicationContextRunner()
		.withConfiguration(AutoConfigurations.of(FlashAutoConfiguration.class, FlashHealthAutoConfiguration.class))
		.withPropertyValues("spring.ai.model.chat=flash");

	@Test
	void upWithModelDeviceBudgetAndMemory() {
		this.runner.withBean(FlashEngine.class, () -> ScriptedEngine.saying("Hello")).run((context) -> {
			Health health = context.getBean("flashHealthContributor", HealthIndicator.class).health();
			assertThat(health.getStatus()).isEqualTo(Status.UP);
			assertThat(health.getDetails()).containsEntry("model", "scripted")
				.containsEntry("architecture", "script")
				.containsEntry("precision", "F32")
				.containsEntry("device", "scripted device")
				.containsEntry("budget", 1L << 20)
				.containsEntry("memory", Map.of("weights.pinned", 1000L, "weights.window", 500L, "kv", 24L));
		});
	}

	@Test
	void outOfServiceWhileLoading() {
		CompletableFuture<FlashEngine> loading = new CompletableFuture<>();
		this.runner.withPropertyValues("flash.model=some/model")
			.withBean(FlashEngine.class, () -> new BackgroundFlashEngine("some/model", loading::join))
			.run((context) -> {
				HealthIndicator indicator = context.getBean(HealthIndicator.class);
				assertThat(indicator.health().getStatus()).isEqualTo(Status.OUT_OF_SERVICE);
				assertThat(indicator.health().getDetails()).containsEntry("state", "loading");
				loading.complete(ScriptedEngine.saying("Hello"));
				Awaitility.await().until(() -> indicator.health().getStatus().equals(Status.UP));
			});
	}

	@Test
	void outOfServiceWhileWarmingUp() {
		AtomicBoolean warmingUp = new AtomicBoolean(true);
		this.runner.withBean(FlashEngine.class, () -> new ScriptedEngine((request) -> ScriptedEngine.script("Hi")) {

			@Override
			public boolean warmingUp() {
				return warmingUp.get();
			}

		}).run((context) -> {
			HealthIndicator indicator = context.getBean(HealthIndicator.class);
			assertThat(indicator.health().getStatus()).isEqualTo(Status.OUT_OF_SERVICE);
			assertThat(indicator.health().getDetails()).containsEntry("state", "warming up");
			assertThat(context.getBean(ChatModel.class).call("Hello")).isEqualTo("Hi");
			warmingUp.set(false);
			assertThat(indicator.health().getStatus()).isEqualTo(Status.UP);
		});
	}

	@Test
	void downWhenLoadingFailed() {
		this.runner.withPropertyValues("flash.model=/no/such/folder", "flash.load=background").run((context) -> {
			assertThat(context).hasNotFailed();
			BackgroundFlashEngine engine = (BackgroundFlashEngine) context.getBean(FlashEngine.class);
			Awaitility.await().until(() -> engine.state() == Future.State.FAILED);
			Health health = context.getBean(HealthIndicator.class).health();
			assertThat(health.getStatus()).isEqualTo(Status.DOWN);
			assertThat(health.getDetails().get("error")).asString()
				.contains("CheckpointException")
				.contains("/no/such/folder");
		});
	}

	@Test
	void downWhileWeightsCannotBeRead() {
		CheckpointException[] failure = {
				new CheckpointException("Cannot read model.safetensors.", "Check the disk.") };
		this.runner.withBean(FlashEngine.class, () -> new ScriptedEngine((request) -> play(failure[0])))
			.run((context) -> {
				ChatModel model = context.getBean(ChatModel.class);
				HealthIndicator indicator = context.getBean(HealthIndicator.class);
				assertThatExceptionOfType(CheckpointException.class).isThrownBy(() -> model.call("Hi"));
				assertThat(indicator.health().getStatus()).isEqualTo(Status.DOWN);
				assertThat(indicator.health().getDetails()).containsEntry("model", "scripted");
				assertThat(indicator.health().getDetails().get("error")).asString().contains("model.safetensors");
				failure[0] = null;
				model.call("Hi");
				assertThat(indicator.health().getStatus()).isEqualTo(Status.UP);
			});
	}

	@Test
	void eachOfSeveralEnginesHasItsOwnHealth() {
		CheckpointException failure = new CheckpointException("Cannot read model.safetensors.", "Check the disk.");
		this.runner
			.withBean("broken", FlashEngine.class, () -> new ScriptedEngine((request) -> play(failure)),
					(definition) -> definition.setPrimary(true))
			.withBean("sound", FlashEngine.class, () -> ScriptedEngine.saying("Hello"))
			.run((context) -> {
				assertThatExceptionOfType(CheckpointException.class)
					.isThrownBy(() -> context.getBean(ChatModel.class).call("Hi"));
				CompositeHealthContributor health = context.getBean(CompositeHealthContributor.class);
				assertThat(status(health, "broken")).isEqualTo(Status.DOWN);
				assertThat(status(health, "sound")).isEqualTo(Status.UP);
			});
	}

	@Test
	void upWhenAPromptWasRefused() {
		this.runner.withBean(FlashEngine.class, () -> new ScriptedEngine((request) -> {
			throw new IllegalArgumentException("too long");
		})).run((context) -> {
			assertThatExceptionOfType(IllegalArgumentException.class)
				.isThrownBy(() -> context.getBean(ChatModel.class).call("Hi"));
			assertThat(context.getBean(HealthIndicator.class).health().getStatus()).isEqualTo(Status.UP);
		});
	}

	@Test
	void absentWhenDisabled() {
		this.runner.withBean(FlashEngine.class, () -> ScriptedEngine.saying("Hello"))
			.withPropertyValues("management.health.flash.enabled=false")
			.run((context) -> assertThat(context).doesNotHaveBean(HealthIndicator.class));
	}

	@Test
	void absentWithoutBootHealth() {
		this.runner.withBean(FlashEngine.class, () -> ScriptedEngine.saying("Hello"))
			.withClassLoader(new FilteredClassLoader(HealthIndicator.class))
			.run((context) -> {
				assertThat(context).hasNotFailed().doesNotHaveBean("flashHealthContributor");
				assertThat(context.getBean(ChatModel.class).call("Hi")).isEqualTo("Hello");
			});
	}

	@Test
	void absentWithoutEngine() {
		new ApplicationContextRunner()
			.withConfiguration(AutoConfigurations.of(FlashAutoConfiguration.class, FlashHealthAutoConfiguration.class))
			.run((context) -> assertThat(context).hasNotFailed().doesNotHaveBean(HealthIndicator.class));
	}

	private static Status status(CompositeHealthContributor health, String engine) {
		return ((HealthIndicator) health.getContributor(engine)).health().getStatus();
	}

	private static Iterable<GenerationEvent> play(CheckpointException failure) {
		if (failure != null) {
			throw failure;
		}
		return ScriptedEngine.script("Hello");
	}

}
