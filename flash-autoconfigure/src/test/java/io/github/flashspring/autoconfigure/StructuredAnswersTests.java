package io.github.flashspring.autoconfigure;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import org.jspecify.annotations.NullUnmarked;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import org.springframework.ai.chat.client.ChatClient;
import org.springframework.ai.chat.model.ChatModel;
import org.springframework.ai.chat.prompt.Prompt;
import org.springframework.ai.model.chat.client.autoconfigure.ChatClientAutoConfiguration;
import org.springframework.ai.model.tool.autoconfigure.ToolCallingAutoConfiguration;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.test.context.ConfigDataApplicationContextInitializer;
import org.springframework.boot.test.context.assertj.AssertableApplicationContext;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.boot.test.context.runner.ContextConsumer;

import io.github.flashspring.chat.FlashChatOptions;
import io.github.flashspring.engine.FlashEngine;
import io.github.flashspring.engine.metrics.GrammarMetrics;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Structured answers of a small model, which knows no JSON, as an application sees them.
 */
@NullUnmarked
class StructuredAnswersTests {

	private static final String SCHEMA = "{\"type\":\"object\",\"properties\":{\"mood\":{\"enum\":[\"good\",\"bad\"]}},"
			+ "\"required\":[\"mood\"],\"additionalProperties\":false}";

	private static final String ANSWER = "\\{\\s*\"mood\"\\s?:\\s?\"(good|bad)\"\\s*\\}";

	@TempDir
	private static Path folder;

	@BeforeAll
	static void prepare() throws IOException {
		Path model = Files.createDirectory(folder.resolve("model"));
		try (Stream<Path> files = Files.list(Path.of(TestModels.STORIES))) {
			for (Path file : files.toList()) {
				Files.copy(file, model.resolve(file.getFileName()));
			}
		}
		Files.writeString(model.resolve("chat_template.jinja"),
				"{% for tool in tools or [] %}{{ tool | tojson }}{% endfor %}{% for message in messages %}{{ message.content }}\n{% endfor %}{# <tool_call> #}");
		Files.writeString(folder.resolve("application.yml"), """
				flash:
				  model: %s
				  chat:
				    temperature: 1.5
				    output-schema: |
				      {
				        "type": "object",
				        "properties": {"mood": {"enum": ["good", "bad"]}},
				        "required": ["mood"],
				        "additionalProperties": false
				      }
				""".formatted(model));
	}

	private static void run(ContextConsumer<AssertableApplicationContext> test, String... properties) {
		new ApplicationContextRunner()
			.withConfiguration(AutoConfigurations.of(FlashAutoConfiguration.class, ToolCallingAutoConfiguration.class,
					ChatClientAutoConfiguration.class))
			.withPropertyValues(properties)
			.withInitializer(new ConfigDataApplicationContextInitializer())
			.run(test);
	}

	@Test
	void schemaOfTheApplicationsSettingsIsEnforced() {
		run((context) -> {
			ChatClient client = context.getBean(ChatClient.Builder.class).build();
			for (long seed = 0; seed < 10; seed++) {
				assertThat(
						client.prompt("How are you?").options(FlashChatOptions.builder().seed(seed)).call().content())
					.matches(ANSWER);
			}
		}, "spring.config.location=" + folder.toUri());
	}

	@Test
	void masksAreCounted() {
		run((context) -> {
			FlashEngine engine = context.getBean(FlashEngine.class);
			SimpleMeterRegistry registry = new SimpleMeterRegistry();
			new EngineMetrics(engine).bindTo(registry);
			assertThat(engine.snapshot().grammars()).isEqualTo(GrammarMetrics.NONE);
			context.getBean(ChatModel.class)
				.call(new Prompt("How are you?", FlashChatOptions.builder().outputSchema(SCHEMA).build()));
			GrammarMetrics grammars = engine.snapshot().grammars();
			assertThat(grammars.masks()).isPositive();
			assertThat(grammars.ready()).isPositive().isLessThanOrEqualTo(grammars.masks());
			assertThat(grammars.computed()).isPositive();
			assertThat(grammars.computeNanos()).isPositive();
			assertThat(registry.get("flash.grammar.masks").functionCounter().count()).isEqualTo(grammars.masks());
			assertThat(registry.get("flash.grammar.mask.latency").functionTimer().count())
				.isEqualTo(grammars.computed());
		}, "flash.model=" + folder.resolve("model"));
	}

}
