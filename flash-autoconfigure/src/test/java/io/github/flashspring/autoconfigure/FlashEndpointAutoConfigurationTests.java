package io.github.flashspring.autoconfigure;

import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;

import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import org.springframework.ai.chat.model.ChatModel;
import org.springframework.boot.actuate.endpoint.InvalidEndpointRequestException;
import org.springframework.boot.actuate.endpoint.annotation.Endpoint;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.availability.ApplicationAvailability;
import org.springframework.boot.availability.ApplicationAvailabilityBean;
import org.springframework.boot.availability.LivenessState;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.boot.health.contributor.Status;
import org.springframework.boot.test.context.FilteredClassLoader;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;

import io.github.flashspring.chat.ScriptedEngine;
import io.github.flashspring.engine.FlashEngine;
import io.github.flashspring.engine.checkpoint.CheckpointException;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

class FlashEndpointAutoConfigurationTests {

	private final ApplicationContextRunner runner = new ApplicationContextRunner()
		.withConfiguration(AutoConfigurations.of(FlashAutoConfiguration.class, FlashEndpointAutoConfiguration.class))
		.withPropertyValues("spring.ai.model.chat=flash", "management.endpoints.web.exposure.include=flash");

	private final ApplicationContextRunner scripted = this.runner.withBean(FlashEngine.class,
			() -> ScriptedEngine.saying("Hello"));

	@Test
	void showsModelAndWork() {
		this.scripted.run((context) -> {
			JsonNode json = JsonMapper.shared().valueToTree(context.getBean(FlashEndpoint.class).flash());
			assertThat(json.at("/state").asString()).isEqualTo("READY");
			assertThat(json.at("/model/id").asString()).isEqualTo("scripted");
			assertThat(json.at("/now/device").asString()).isEqualTo("scripted device");
			assertThat(json.at("/now/units/1/name").asString()).isEqualTo("layers.1");
			assertThat(json.at("/now/units/1/pinned").asBoolean()).isFalse();
			assertThat(json.at("/now/units/1/bytesRead").asLong()).isEqualTo(3000);
			assertThat(json.at("/now/units/1/pinnedBytes").asLong()).isEqualTo(250);
			assertThat(json.at("/now/units/1/stallNanos").asLong()).isEqualTo(1_500_000_000L);
			assertThat(json.at("/now/io/reads").asLong()).isEqualTo(3);
			assertThat(json.at("/now/lastPasses/0/bytesRead").asLong()).isEqualTo(1000);
			assertThat(json.at("/plan").isNull()).isTrue();
			assertThat(json.at("/now/work/generatedTokens").asLong()).isEqualTo(30);
		});
	}

	@Test
	void showsThePlanAndTheLastPasses() {
		this.runner.withPropertyValues("flash.model=" + TestModels.STORIES, "flash.ram-budget-gb=0.0015")
			.run((context) -> {
				context.getBean(ChatModel.class).call("Once upon a time");
				JsonNode json = JsonMapper.shared().valueToTree(context.getBean(FlashEndpoint.class).flash());
				assertThat(json.at("/plan/budgetBytes").asLong()).isEqualTo((long) (0.0015 * (1 << 30)));
				long streamed = json.at("/plan/streamedBytesPerToken").asLong();
				assertThat(streamed).isPositive();
				assertThat(json.at("/plan/units/0/name").asString()).isEqualTo("layers.0");
				JsonNode passes = json.at("/now/lastPasses");
				assertThat(passes.size()).isEqualTo(16);
				assertThat(passes.valueStream().mapToLong((pass) -> pass.path("nanos").asLong()))
					.allMatch((nanos) -> nanos > 0);
				double mean = passes.valueStream()
					.mapToLong((pass) -> pass.path("bytesRead").asLong())
					.average()
					.orElseThrow();
				assertThat(mean).isBetween(0.5 * streamed, 1.6 * streamed);
			});
	}

	@Test
	void changesTheBudget() {
		this.runner
			.withPropertyValues("flash.model=" + TestModels.STORIES, "flash.chat.temperature=0",
					"flash.chat.max-tokens=64")
			.run((context) -> {
				FlashEndpoint endpoint = context.getBean(FlashEndpoint.class);
				ChatModel model = context.getBean(ChatModel.class);
				String story = model.call("Once upon a time");
				JsonNode small = JsonMapper.shared().valueToTree(endpoint.change(0.006, null));
				assertThat(small.at("/plan/budgetBytes").asLong()).isEqualTo((long) (0.006 * (1 << 30)));
				assertThat(model.call("Once upon a time")).isEqualTo(story);
				for (double refused : new double[] { 0, -1, Double.NaN, 1e-9 }) {
					assertThatExceptionOfType(InvalidEndpointRequestException.class)
						.isThrownBy(() -> endpoint.change(refused, null))
						.withMessageContaining("Cannot change the budget: ");
				}
				JsonNode kept = JsonMapper.shared().valueToTree(endpoint.flash());
				assertThat(kept.at("/plan")).isEqualTo(small.at("/plan"));
				JsonNode whole = JsonMapper.shared().valueToTree(endpoint.change("unlimited", null));
				assertThat(whole.at("/plan/budgetBytes").isNull()).isTrue();
				assertThat(whole.at("/plan/streamedBytesPerToken").asLong()).isZero();
			});
		this.scripted.run((context) -> assertThatExceptionOfType(InvalidEndpointRequestException.class)
			.isThrownBy(() -> context.getBean(FlashEndpoint.class).change(1.0, null))
			.withMessageContaining("no budget"));
	}

	@Test
	void unboundedBudgetIsAbsent() {
		this.runner.withPropertyValues("flash.model=" + TestModels.STORIES, "flash.context-length=64")
			.run((context) -> {
				JsonNode json = JsonMapper.shared().valueToTree(context.getBean(FlashEndpoint.class).flash());
				assertThat(json.at("/now/budgetBytes").isNull()).isTrue();
				assertThat(json.at("/model/id").asString()).isEqualTo("f32");
				assertThat(json.toString()).doesNotContain("resources");
			});
	}

	@Test
	void reloadsAModelWhoseFileWasRestored(@TempDir Path folder) throws Exception {
		for (String name : List.of("config.json", "model.safetensors", "tokenizer.json")) {
			Files.copy(Path.of(TestModels.STORIES, name), folder.resolve(name));
		}
		Path weights = folder.resolve("model.safetensors");
		byte[] content = Files.readAllBytes(weights);
		Files.setLastModifiedTime(weights, FileTime.fromMillis(1_000_000_000_000L));
		this.runner
			.withPropertyValues("flash.model=" + folder, "flash.io.map=true", "flash.warm-up=false",
					"flash.chat.temperature=0", "flash.chat.max-tokens=8")
			.withConfiguration(AutoConfigurations.of(FlashHealthAutoConfiguration.class))
			.withBean(ApplicationAvailabilityBean.class)
			.run((context) -> {
				FlashEndpoint endpoint = context.getBean(FlashEndpoint.class);
				ChatModel model = context.getBean(ChatModel.class);
				HealthIndicator health = context.getBean(HealthIndicator.class);
				ApplicationAvailability availability = context.getBean(ApplicationAvailability.class);
				String story = model.call("Once upon a time");
				try (FileChannel channel = FileChannel.open(weights, StandardOpenOption.WRITE)) {
					channel.truncate(0);
				}
				assertThatExceptionOfType(CheckpointException.class).isThrownBy(() -> model.call("Once upon a time"))
					.withMessageContaining(weights.toString());
				Health down = Objects.requireNonNull(health.health());
				assertThat(down.getStatus()).isEqualTo(Status.DOWN);
				assertThat(down.getDetails().get("error")).asString().contains(weights.toString());
				assertThat(availability.getLivenessState()).isEqualTo(LivenessState.BROKEN);
				assertThat(state(endpoint)).isEqualTo(FlashEndpoint.State.FAILED);
				assertThatExceptionOfType(InvalidEndpointRequestException.class)
					.isThrownBy(() -> endpoint.change(null, true))
					.withMessageContaining("Cannot load the model again: ");
				Files.write(weights, content);
				assertThat(endpoint.change(null, true).state()).isEqualTo(FlashEndpoint.State.READY);
				assertThat(Objects.requireNonNull(health.health()).getStatus()).isEqualTo(Status.UP);
				assertThat(model.call("Once upon a time")).isEqualTo(story);
				assertThat(availability.getLivenessState()).isEqualTo(LivenessState.CORRECT);
			});
	}

	@Test
	void eachOfSeveralEnginesIsShownByName() {
		this.scripted.withBean("second", FlashEngine.class, () -> ScriptedEngine.saying("Hello")).run((context) -> {
			String first = context.getBeanNamesForType(FlashEngine.class)[0];
			FlashEndpoint endpoint = context.getBean(FlashEndpoint.class);
			JsonNode json = JsonMapper.shared().valueToTree(endpoint.flash());
			assertThat(json.path("engines").propertyNames())
				.containsExactlyInAnyOrder(context.getBeanNamesForType(FlashEngine.class));
			assertThat(json.at("/engines/second/model/id").asString()).isEqualTo("scripted");
			assertThat(endpoint.engine("second")).isNotNull();
			assertThat(endpoint.engine("third")).isNull();
			assertThatExceptionOfType(InvalidEndpointRequestException.class)
				.isThrownBy(() -> endpoint.change(1.0, null))
				.withMessageContaining("Name one in the path: ")
				.withMessageContaining(first);
			assertThatExceptionOfType(InvalidEndpointRequestException.class)
				.isThrownBy(() -> endpoint.changeEngine("third", 1.0, null))
				.withMessageContaining("no engine 'third'");
		});
	}

	@Test
	void showsHowLoadingStands() {
		CompletableFuture<FlashEngine> loading = new CompletableFuture<>();
		this.runner.withPropertyValues("flash.model=some/model")
			.withBean(FlashEngine.class, () -> new BackgroundFlashEngine("some/model", loading::join))
			.run((context) -> {
				FlashEndpoint endpoint = context.getBean(FlashEndpoint.class);
				assertThat(endpoint.flash())
					.isEqualTo(new FlashEndpoint.FlashDescriptor(FlashEndpoint.State.LOADING, null, null, null, null));
				loading.completeExceptionally(new IllegalStateException("no such file"));
				Awaitility.await().until(() -> state(endpoint) == FlashEndpoint.State.FAILED);
				assertThat(((FlashEndpoint.FlashDescriptor) endpoint.flash()).error()).contains("no such file");
			});
	}

	@Test
	void absentUnlessExposed() {
		this.scripted.withPropertyValues("management.endpoints.web.exposure.include=health")
			.run((context) -> assertThat(context).doesNotHaveBean(FlashEndpoint.class));
	}

	@Test
	void absentWithoutActuator() {
		this.scripted.withClassLoader(new FilteredClassLoader(Endpoint.class))
			.run((context) -> assertThat(context).hasNotFailed().doesNotHaveBean("flashEndpoint"));
	}

	private static FlashEndpoint.State state(FlashEndpoint endpoint) {
		return ((FlashEndpoint.FlashDescriptor) endpoint.flash()).state();
	}

}
