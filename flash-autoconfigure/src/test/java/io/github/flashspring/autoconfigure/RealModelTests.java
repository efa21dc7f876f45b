package io.github.flashspring.autoconfigure;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import org.awaitility.Awaitility;
import org.jspecify.annotations.NullUnmarked;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.publisher.Flux;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import org.springframework.ai.chat.client.ChatClient;
import org.springframework.ai.chat.model.ChatModel;
import org.springframework.ai.chat.model.ChatResponse;
import org.springframework.ai.chat.prompt.Prompt;
import org.springframework.ai.model.chat.client.autoconfigure.ChatClientAutoConfiguration;
import org.springframework.ai.model.tool.autoconfigure.ToolCallingAutoConfiguration;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.boot.health.contributor.Status;
import org.springframework.boot.micrometer.metrics.autoconfigure.MetricsAutoConfiguration;
import org.springframework.boot.test.context.assertj.AssertableApplicationContext;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;

import io.github.flashspring.chat.FlashChatModel;
import io.github.flashspring.chat.FlashChatOptions;
import io.github.flashspring.engine.FlashEngine;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * An application with the trained story model, from its properties to the text: the
 * expected one was computed by other software.
 */
@NullUnmarked
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class RealModelTests {

	private static final String BEGINNING = "Once upon a time";

	private final ApplicationContextRunner runner = new ApplicationContextRunner()
		.withConfiguration(AutoConfigurations.of(FlashAutoConfiguration.class, FlashHealthAutoConfiguration.class,
				FlashMetricsAutoConfiguration.class, MetricsAutoConfiguration.class, ToolCallingAutoConfiguration.class,
				ChatClientAutoConfiguration.class))
		.withBean(MeterRegistry.class, SimpleMeterRegistry::new)
		.withPropertyValues("flash.model=" + TestModels.STORIES, "flash.chat.temperature=0", "flash.chat.max-tokens=64",
				"flash.threads=2");

	@Test
	void chatClientTellsTheExpectedStory() {
		this.runner.run((context) -> {
			String story = client(context).prompt(BEGINNING).call().content();
			assertThat(story).hasSizeGreaterThan(100);
			assertThat(expected()).startsWith(story);
		});
	}

	@Test
	void streamTellsTheSameStoryAndItsFigures() {
		this.runner.run((context) -> {
			List<ChatResponse> chunks = client(context).prompt(BEGINNING)
				.stream()
				.chatResponse()
				.collectList()
				.block(Duration.ofMinutes(2));
			String story = chunks.stream()
				.map((chunk) -> chunk.getResult().getOutput().getText())
				.reduce("", String::concat);
			assertThat(story).isEqualTo(client(context).prompt(BEGINNING).call().content());
			ChatResponse last = chunks.getLast();
			assertThat(last.getResult().getMetadata().getFinishReason()).isEqualTo("length");
			assertThat(last.getMetadata().getUsage().getPromptTokens()).isEqualTo(5);
			assertThat(last.getMetadata().getUsage().getCompletionTokens()).isEqualTo(64);
			assertThat(last.getMetadata().<Duration>get(FlashChatModel.TIME_TO_FIRST_TOKEN)).isPositive();
			assertThat(last.getMetadata().<Double>get(FlashChatModel.TOKENS_PER_SECOND)).isPositive();
		});
	}

	@Test
	void smallBudgetTellsTheSameStoryAndReadsForIt() {
		this.runner.withPropertyValues("flash.ram-budget-gb=0.0015").run((context) -> {
			String story = client(context).prompt(BEGINNING).call().content();
			assertThat(expected()).startsWith(story);
			MeterRegistry registry = context.getBean(MeterRegistry.class);
			assertThat(registry.get("flash.memory.budget").gauge().value()).isLessThan(1.7e6);
			assertThat(registry.get("flash.memory.used").gauges().stream().mapToDouble((gauge) -> gauge.value()).sum())
				.isLessThanOrEqualTo(registry.get("flash.memory.budget").gauge().value());
			assertThat(registry.get("flash.io.read.bytes").functionCounter().count()).isGreaterThan(1e6);
			// The engine counts a pass after its last token was read.
			Awaitility.await()
				.untilAsserted(() -> assertThat(
						registry.get("flash.tokens").tag("type", "generated").functionCounter().count())
					.isEqualTo(64));
			assertThat(registry.get("flash.tokens").tag("type", "prompt").functionCounter().count()).isEqualTo(5);
			assertThat(registry.get("flash.time.to.first.token").timer().count()).isEqualTo(1);
		});
	}

	@Test
	void seedRepeatsAnAnswer() {
		this.runner.run((context) -> {
			ChatModel model = context.getBean(ChatModel.class);
			Prompt prompt = new Prompt(BEGINNING, FlashChatOptions.builder().temperature(1.0).seed(5L).build());
			String first = model.call(prompt).getResult().getOutput().getText();
			assertThat(model.call(prompt).getResult().getOutput().getText()).isEqualTo(first);
			assertThat(expected()).doesNotStartWith(first);
		});
	}

	@Test
	void stopSequenceEndsTheStory() {
		this.runner.run((context) -> {
			ChatResponse response = context.getBean(ChatModel.class)
				.call(new Prompt(BEGINNING, FlashChatOptions.builder().stopSequences(List.of(" Lily")).build()));
			assertThat(response.getResult().getOutput().getText()).isEqualTo(", there was a little girl named");
			assertThat(response.getResult().getMetadata().getFinishReason()).isEqualTo("stop");
		});
	}

	@Test
	void cancelledStreamFreesTheEngine() {
		this.runner.withPropertyValues("flash.chat.max-tokens=500", "flash.parallel=1").run((context) -> {
			FlashEngine engine = context.getBean(FlashEngine.class);
			context.getBean(ChatModel.class).stream(new Prompt(BEGINNING)).take(3).blockLast(Duration.ofMinutes(1));
			Awaitility.await().until(() -> engine.snapshot().work().activeRequests() == 0);
			assertThat(engine.snapshot().work().generatedTokens()).isLessThan(100);
		});
	}

	@Test
	void requestsBesideEachOtherDoNotChangeEachOther() {
		this.runner.run((context) -> {
			ChatModel model = context.getBean(ChatModel.class);
			List<String> beginnings = List.of(BEGINNING, "One day, Tom and his dog Max went to the park.",
					"Lily said, \"I want to", "The sun");
			List<String> alone = beginnings.stream().map(model::call).toList();
			List<String> together = Flux.fromIterable(beginnings)
				.flatMapSequential((beginning) -> model.stream(new Prompt(beginning))
					.map((chunk) -> chunk.getResult().getOutput().getText())
					.reduce("", String::concat))
				.collectList()
				.block(Duration.ofMinutes(2));
			assertThat(together).isEqualTo(alone);
		});
	}

	@Test
	void healthIsUp() {
		this.runner.withPropertyValues("flash.warm-up=false")
			.run((context) -> assertThat(context.getBean(HealthIndicator.class).health()).satisfies((health) -> {
				assertThat(health.getStatus()).isEqualTo(Status.UP);
				assertThat(health.getDetails()).containsEntry("model", "f32")
					.containsEntry("architecture", "llama")
					.containsEntry("precision", "F32");
			}));
	}

	private static ChatClient client(AssertableApplicationContext context) {
		return context.getBean(ChatClient.Builder.class).build();
	}

	/** The beginning's most likely continuation. */
	private static String expected() throws IOException {
		JsonNode golden = JsonMapper.shared()
			.readTree(Files.readString(Path.of(TestModels.STORIES).resolveSibling("golden.json")));
		return golden.at("/variants/f32/0/greedy_text").asString();
	}

}
