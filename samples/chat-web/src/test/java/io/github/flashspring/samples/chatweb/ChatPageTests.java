package io.github.flashspring.samples.chatweb;

import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openqa.selenium.Keys;
import org.openqa.selenium.Platform;
import org.openqa.selenium.Rectangle;
import org.openqa.selenium.WebElement;

import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.boot.test.web.server.LocalServerPort;
import org.springframework.context.annotation.Import;

import io.github.flashspring.engine.text.ChatMessage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

/**
 * Tests the page as a visitor uses it: in a browser, with a model that answers slowly.
 */
@SpringBootTest(webEnvironment = SpringBootTest.WebEnvironment.RANDOM_PORT)
@Import(ScriptedEngineConfiguration.class)
class ChatPageTests {

	private static final Duration PATIENCE = Duration.ofSeconds(60);

	private static final String PASTE = Keys.chord(Platform.getCurrent().is(Platform.MAC) ? Keys.COMMAND : Keys.CONTROL,
			"v");

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
		assertThat(this.browser.texts("#model-name, #model-size, #model-memory"))
			.containsExactly("Scripted-1B-Instruct", "1.24 billion parameters", "591 MB of 640 MB memory");
		assertThat(this.browser.texts("#model-facts dd")).containsExactly("CPU, 2 threads, 256-bit vectors",
				"4-bit affine, groups of 64, 678 MB", "4,096 tokens");
		assertThat(this.browser.texts("#memory-owners dt")).startsWith("Pinned weights", "Streamed weights");
		assertThat(this.browser.texts("#memory-total")).containsExactly("591 MB of 640 MB");
		assertThat(this.browser.texts("#residency-total")).containsExactly("79 % of the weights in memory");
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
		assertThat(this.browser.texts(".turn .note").getFirst()).matches(
				"Stopped after \\d\\d+ tokens and [\\d.]+\\s(ms|s) · [\\d.]+ per second · first after [\\d.]+\\sm?s");
		await().atMost(PATIENCE).until(this.engine.generations.getLast()::isCancelled);
		String stopped = this.browser.answer();
		this.browser.ask("go on");
		await().atMost(PATIENCE).until(() -> this.browser.answer().equals("You said: go on"));
		assertThat(this.engine.generations.getLast().messages).hasSize(3)
			.contains(ChatMessage.assistant(" " + stopped));
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
		await().atMost(PATIENCE).until(() -> !this.browser.texts(".failure p").isEmpty());
		int asked = this.engine.generations.size();
		assertThat(this.browser.texts(".failure button")).containsExactly("Try again");
		this.browser.click(".failure button");
		await().atMost(PATIENCE).until(() -> this.engine.generations.size() == asked + 1);
		assertThat(this.engine.generations.getLast().messages).containsExactly(ChatMessage.user("break"));
		await().atMost(PATIENCE).until(() -> this.browser.texts(".failure p").size() == 1);
	}

	@Test
	void refusedMessageIsEditedOrAskedAnew() {
		this.browser.ask("hello");
		await().atMost(PATIENCE).until(() -> !this.browser.texts(".turn .note").isEmpty());
		this.browser.ask("too long");
		await().atMost(PATIENCE).until(() -> !this.browser.texts(".failure p").isEmpty());
		assertThat(this.browser.texts(".failure button")).containsExactly("Edit message", "Ask in a new conversation");
		this.browser.click(".failure button");
		assertThat(this.browser.prompt()).isEqualTo("too long");
		assertThat(this.browser.texts(".turn .user")).containsExactly("hello");
		this.browser.type(Keys.ENTER);
		await().atMost(PATIENCE).until(() -> !this.browser.texts(".failure p").isEmpty());
		this.browser.click(".failure button:last-child");
		assertThat(this.browser.prompt()).isEqualTo("too long");
		assertThat(this.browser.texts(".turn")).isEmpty();
	}

	@Test
	void messageTooLongForTheServerIsExplained() {
		this.browser.paste("word ".repeat(60_000));
		this.browser.click("#send");
		await().atMost(PATIENCE).until(() -> !this.browser.texts(".failure p").isEmpty());
		assertThat(this.browser.texts(".failure p").getFirst()).startsWith("The conversation is too long");
		assertThat(this.browser.texts(".failure button")).containsExactly("Edit message");
	}

	@Test
	void markdownIsRendered() {
		this.browser.ask("markdown");
		await().atMost(PATIENCE).until(() -> !this.browser.texts(".turn .note").isEmpty());
		assertThat(this.browser.texts(".body h3, .body strong, .body li code")).containsExactly("Colours", "bright",
				"#f00");
		assertThat(this.browser.texts(".body > ol > li")).containsExactly("Red, as #f00", "Green\nof grass");
		assertThat(this.browser.texts(".body th, .body td")).containsExactly("Colour", "Length", "Red",
				"700 nm\nor more");
		assertThat(this.browser.element(".body td:last-child").getCssValue("text-align")).isIn("right", "end");
		assertThat(this.browser.texts(".body .code figcaption span, .body pre")).containsExactly("java",
				"int red = 0xff0000;");
		assertThat(this.browser.element(".body a").getDomAttribute("href")).isEqualTo("https://example.org/sea");
		assertThat(this.browser.element(".body a").getDomAttribute("rel")).contains("noopener");
		assertThat(this.browser.console()).isEmpty();
	}

	@Test
	void blocksHaveTheDirectionOfTheirText() {
		this.browser.ask("right to left");
		await().atMost(PATIENCE).until(() -> !this.browser.texts(".turn .note").isEmpty());
		assertThat(this.browser.elements(".body > *, .body li, .body table")
			.stream()
			.map((element) -> element.getTagName() + " " + element.getCssValue("direction")))
			.containsExactly("p rtl", "ul rtl", "li rtl", "li rtl", "div rtl", "table rtl", "p ltr");
		assertThat(this.browser.element(".turn .user").getCssValue("direction")).isEqualTo("ltr");
		this.browser.ask("שלום");
		await().atMost(PATIENCE).until(() -> this.browser.texts(".turn .note").size() == 2);
		assertThat(this.browser.element(".turn:last-child .user").getCssValue("direction")).isEqualTo("rtl");
		assertThat(this.browser.console()).isEmpty();
	}

	@Test
	void hostileMarkdownIsInert() {
		this.browser.ask("attack");
		await().atMost(PATIENCE).until(() -> !this.browser.texts(".turn .note").isEmpty());
		assertThat(this.browser.answer()).startsWith("<script>document.title = 'attacked'</script>\n<img src=\"x\"")
			.contains("<a href=\"javascript:document.title = 'attacked'\">raw</a>", "</code></pre><script>")
			.endsWith("Nothing happened.");
		assertThat(this.browser.count(".body :is(script, img, iframe, style, [onerror], [style], [id])")).isZero();
		List<String> links = this.browser.elements(".body a[href]")
			.stream()
			.map((link) -> link.getDomAttribute("href"))
			.toList();
		assertThat(links).containsExactly("https://example.org/visited.png");
		assertThat(this.browser.title()).startsWith("Scripted-1B-Instruct");
		assertThat(this.browser.console()).isEmpty();
	}

	@Test
	void longLanguageOfCodeLeavesRoomForItsButton() {
		this.browser.resize(390, 844);
		this.browser.ask("attack");
		await().atMost(PATIENCE).until(() -> !this.browser.texts(".turn .note").isEmpty());
		Rectangle block = this.browser.element(".code").getRect();
		Rectangle copy = this.browser.element(".code .copy").getRect();
		assertThat(copy.x + copy.width).isLessThan(block.x + block.width);
	}

	@Test
	void emptyAnswerHasNoFirstToken() {
		this.browser.ask("nothing");
		await().atMost(PATIENCE).until(() -> !this.browser.texts(".turn .note").isEmpty());
		assertThat(this.browser.texts(".turn .note")).containsExactly("0 tokens · the model had nothing to say");
	}

	@Test
	void codeAndAnswersAreCopied() {
		this.browser.ask("markdown");
		await().atMost(PATIENCE).until(() -> !this.browser.texts(".turn .note").isEmpty());
		this.browser.click(".code .copy");
		await().atMost(PATIENCE).until(() -> this.browser.count(".code .copied") == 1);
		this.browser.type(PASTE);
		assertThat(this.browser.prompt()).isEqualTo("int red = 0xff0000;\n");
		this.browser.element("#prompt").clear();
		this.browser.click(".foot .tool.copy");
		await().atMost(PATIENCE).until(() -> this.browser.count(".foot .copied") == 1);
		this.browser.type(PASTE);
		assertThat(this.browser.prompt())
			.startsWith("## Colours\n\nAll of them are **bright**:\n\n1. Red, as `#f00`\n");
	}

	@Test
	void lastAnswerIsGeneratedAgain() {
		this.browser.ask("first");
		await().atMost(PATIENCE).until(() -> !this.browser.texts(".turn .note").isEmpty());
		this.browser.ask("second");
		await().atMost(PATIENCE).until(() -> this.browser.texts(".turn .note").size() == 2);
		int asked = this.engine.generations.size();
		assertThat(this.browser.elements(".again").stream().filter(WebElement::isDisplayed)).hasSize(1);
		this.browser.click(".turn:last-child .again");
		await().atMost(PATIENCE).until(() -> this.engine.generations.size() == asked + 1);
		assertThat(this.engine.generations.getLast().messages).containsExactly(ChatMessage.user("first"),
				ChatMessage.assistant("You said: first"), ChatMessage.user("second"));
		await().atMost(PATIENCE).until(() -> this.browser.texts(".turn .note").size() == 2);
		assertThat(this.browser.texts(".turn .user")).containsExactly("first", "second");
	}

	@Test
	void columnStaysWhenTheScrollbarComes() {
		this.browser.ask("hello");
		await().atMost(PATIENCE).until(() -> !this.browser.texts(".turn .note").isEmpty());
		int column = this.browser.element(".turn").getRect().x;
		for (int answers = 2; answers < 5; answers++) {
			int count = answers;
			this.browser.ask("markdown");
			await().atMost(PATIENCE).until(() -> this.browser.texts(".turn .note").size() == count);
		}
		assertThat(this.browser.element("#conversation").getDomProperty("scrollTop")).isNotEqualTo("0");
		assertThat(this.browser.element(".turn").getRect().x).isEqualTo(column);
		assertThat(this.browser.element("#composer").getRect().x).isEqualTo(column);
	}

	@Test
	void openLivePanelLeavesTwoThirdsOfAPhone() {
		this.browser.resize(390, 844);
		this.browser.click("#live summary");
		await().atMost(PATIENCE).until(() -> this.browser.element("#memory-bar").isDisplayed());
		int screen = this.browser.element("html").getSize().height;
		assertThat(this.browser.element("aside").getSize().height).isLessThan(screen / 3);
		assertThat(this.browser.element("main").getSize().height).isGreaterThan(screen / 2);
	}

	@Test
	void screenReaderHearsTheCompleteAnswerOnce() {
		this.browser.ask("hello");
		await().atMost(PATIENCE).until(() -> !this.browser.texts(".turn .note").isEmpty());
		assertThat(this.browser.element("#announcement").getDomProperty("textContent"))
			.isEqualTo("Answer: You said: hello");
		assertThat(this.browser.element("#conversation").getDomAttribute("aria-live")).isEqualTo("off");
		assertThat(this.browser.element(".message.model").getDomAttribute("aria-busy")).isNull();
	}

	@Test
	void codeBlocksAndThoughtsAreSetApart() {
		this.browser.ask("code");
		await().atMost(PATIENCE).until(() -> this.browser.answer().endsWith("That is all."));
		assertThat(this.browser.texts(".body pre"))
			.containsExactly("String reversed = new StringBuilder(text).reverse()\n    .toString();");
		assertThat(this.browser.texts(".body p code")).containsExactly("reverse");
		await().atMost(PATIENCE).until(() -> !this.browser.isAnswering());
		this.browser.ask("think");
		await().atMost(PATIENCE).until(() -> this.browser.answer().equals("Blue."));
		this.browser.click(".thinking summary");
		assertThat(this.browser.texts(".thinking div")).containsExactly("The visitor wants a colour");
	}

}
