package io.github.flashspring.samples.chatweb;

import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.Set;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openqa.selenium.Keys;

import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.boot.test.web.server.LocalServerPort;
import org.springframework.context.annotation.Import;

import io.github.flashspring.engine.tokenizer.ChatMessage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

/**
 * Tests the page as a visitor uses it: in a browser, with a model that answers slowly.
 */
@SpringBootTest(webEnvironment = SpringBootTest.WebEnvironment.RANDOM_PORT)
@Import(ScriptedEngineConfiguration.class)
class ChatPageTests {

	private static final Duration PATIENCE = Duration.ofSeconds(60);

	@Autowired
	private ScriptedEngine engine;

	private Browser browser;

	@BeforeEach
	void open(@LocalServerPort int port, @TempDir Path profile) {
		this.browser = Browser.open("http://localhost:" + port, profile);
		await().atMost(PATIENCE).until(() -> this.browser.title().startsWith("Scripted-1B-Instruct"));
	}

	@AfterEach
	void close() {
		if (this.browser != null) {
			this.browser.close();
		}
	}

	@Test
	void showsModelMemoryAndResidency() {
		assertThat(this.browser.texts("#model-name, #device")).containsExactly("Scripted-1B-Instruct",
				"CPU, 2 threads, 256-bit vectors");
		assertThat(this.browser.texts("#model-facts").getFirst())
			.contains("1.24B parameters, 4-bit affine, groups of 64");
		assertThat(this.browser.texts("#memory-total")).containsExactly("591 MB of 640 MB");
		assertThat(this.browser.texts("#residency .pinned")).hasSize(19);
		assertThat(this.browser.texts("#residency .streamed")).hasSize(5);
		assertThat(this.browser.texts("#suggestions button")).contains("What is the capital of France?");
		assertThat(this.browser.console()).isEmpty();
	}

	@Test
	void streamsTheAnswerAndItsFigures() {
		String words = "word ".repeat(38).strip();
		this.browser.ask(words);
		Set<String> seen = new LinkedHashSet<>();
		await().atMost(PATIENCE).pollInterval(Duration.ofMillis(20)).until(() -> {
			seen.add(this.browser.answer());
			return !this.browser.isAnswering();
		});
		assertThat(seen).as("the answer as it grew").hasSizeGreaterThan(3);
		assertThat(this.browser.answer()).isEqualTo("You said: " + words);
		assertThat(this.browser.texts("#speed, #first-token")).containsExactly("40", "25 ms");
		assertThat(this.browser.texts(".turn .note")).containsExactly("40 tokens · 40 per second · first after 25 ms");
		await().atMost(PATIENCE)
			.untilAsserted(() -> assertThat(this.browser.texts("#totals dd").get(2)).endsWith("GB"));
		assertThat(this.browser.console()).isEmpty();
	}

	@Test
	void stopButtonEndsALongAnswer() {
		this.browser.ask("count");
		await().atMost(PATIENCE).until(() -> this.browser.answer().contains("10"));
		assertThat(this.browser.texts("#speed").getFirst()).matches("\\d+(\\.\\d+)?");
		this.browser.click("#stop");
		await().atMost(PATIENCE).until(() -> !this.browser.isAnswering());
		assertThat(this.browser.texts(".turn .note")).containsExactly("Stopped");
		await().atMost(PATIENCE).until(this.engine.generations.getLast()::isCancelled);
		String stopped = this.browser.answer();
		this.browser.ask("go on");
		await().atMost(PATIENCE).until(() -> this.browser.answer().equals("You said: go on"));
		assertThat(this.engine.generations.getLast().messages).hasSize(3).contains(ChatMessage.assistant(stopped));
		assertThat(this.browser.console()).isEmpty();
	}

	@Test
	void keysSendBreakLinesAndStop() {
		this.browser.type("first", Keys.chord(Keys.SHIFT, Keys.ENTER), "second", Keys.ENTER);
		await().atMost(PATIENCE).until(() -> this.browser.answer().equals("You said: first\nsecond"));
		await().atMost(PATIENCE).until(() -> !this.browser.isAnswering());
		this.browser.ask("count");
		await().atMost(PATIENCE).until(() -> this.browser.answer().contains("3"));
		this.browser.type(Keys.ESCAPE);
		await().atMost(PATIENCE).until(() -> !this.browser.isAnswering());
		await().atMost(PATIENCE).until(this.engine.generations.getLast()::isCancelled);
	}

	@Test
	void newConversationForgets() {
		this.browser.ask("hello");
		await().atMost(PATIENCE).until(() -> this.browser.answer().equals("You said: hello"));
		this.browser.ask("count");
		await().atMost(PATIENCE).until(() -> this.browser.answer().contains("3"));
		this.browser.click("#new");
		await().atMost(PATIENCE).until(() -> this.browser.texts(".turn").isEmpty() && !this.browser.isAnswering());
		assertThat(this.browser.element("#welcome").isDisplayed()).isTrue();
		this.browser.ask("again");
		await().atMost(PATIENCE).until(() -> this.browser.answer().equals("You said: again"));
		assertThat(this.engine.generations.getLast().messages).containsExactly(ChatMessage.user("again"));
	}

	@Test
	void failureIsToldAndCanBeRetried() {
		this.browser.ask("break");
		await().atMost(PATIENCE)
			.until(() -> this.browser.texts(".failure p")
				.contains("The disk went away while reading layers.3 of model.safetensors"));
		int asked = this.engine.generations.size();
		this.browser.click(".failure button");
		await().atMost(PATIENCE).until(() -> this.engine.generations.size() == asked + 1);
		assertThat(this.engine.generations.getLast().messages).containsExactly(ChatMessage.user("break"));
		await().atMost(PATIENCE).until(() -> this.browser.texts(".failure p").size() == 1);
	}

	@Test
	void markupStaysText() {
		this.browser.ask("<img src=x onerror=alert(1)> <b>bold</b>");
		await().atMost(PATIENCE)
			.until(() -> this.browser.answer().equals("You said: <img src=x onerror=alert(1)> <b>bold</b>"));
		assertThat(this.browser.texts("#conversation img, #conversation b")).isEmpty();
		assertThat(this.browser.console()).isEmpty();
	}

	@Test
	void codeBlocksAndThoughtsAreSetApart() {
		this.browser.ask("code");
		await().atMost(PATIENCE).until(() -> this.browser.answer().endsWith("That is all."));
		assertThat(this.browser.texts(".body pre"))
			.containsExactly("String reversed = new StringBuilder(text).reverse()\n    .toString();");
		assertThat(this.browser.texts(".body code")).containsExactly("reverse");
		await().atMost(PATIENCE).until(() -> !this.browser.isAnswering());
		this.browser.ask("think");
		await().atMost(PATIENCE).until(() -> this.browser.answer().equals("Blue."));
		this.browser.click(".thinking summary");
		assertThat(this.browser.texts(".thinking div")).containsExactly("The visitor wants a colour");
	}

}
