package io.github.flashspring.engine;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import io.github.flashspring.engine.generate.FinishReason;
import io.github.flashspring.engine.generate.Sampling;
import io.github.flashspring.engine.text.ChatMessage;
import io.github.flashspring.engine.text.ChatTemplateException;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/**
 * Text in, text out, with the trained story model.
 */
class TextGenerationTests {

	private static final String STORY = ", there was a little girl named Lily. She loved to play outside in the park. "
			+ "One day, she saw a big, red ball.";

	private static FlashEngine stories() throws Exception {
		return FlashEngine
			.load(FlashConfig.builder(Golden.path("models/stories260K/f32").toString()).threads(2).build());
	}

	private static void copyStories(Path folder) throws Exception {
		try (Stream<Path> files = Files.list(Golden.path("models/stories260K/f32"))) {
			for (Path file : files.toList()) {
				Files.copy(file, folder.resolve(file.getFileName()));
			}
		}
	}

	private static GenerationRequest continuation(String text, String... stops) {
		return new GenerationRequest(new GenerationRequest.Text(text), Sampling.GREEDY, 60, List.of(stops), false);
	}

	private static List<GenerationEvent> events(FlashEngine engine, GenerationRequest request) {
		List<GenerationEvent> events = new ArrayList<>();
		try (Generation generation = engine.generate(request)) {
			GenerationEvent event = generation.next();
			while (event != null) {
				events.add(event);
				event = generation.next();
			}
		}
		return events;
	}

	private static String text(List<GenerationEvent> events) {
		StringBuilder text = new StringBuilder();
		events.forEach((event) -> {
			if (event instanceof GenerationEvent.Text piece) {
				assertThat(piece.text()).isNotEmpty();
				text.append(piece.text());
			}
		});
		return text.toString();
	}

	@Test
	void textArrivesInPieces() throws Exception {
		try (FlashEngine engine = stories()) {
			List<GenerationEvent> events = events(engine, continuation("Once upon a time"));
			assertThat(text(events)).startsWith(STORY);
			assertThat(events).hasSizeGreaterThan(40);
			assertThat(events.getLast()).isInstanceOf(GenerationEvent.Finished.class);
		}
	}

	@Test
	void aContinuationKeepsItsLeadingSpace() throws Exception {
		try (FlashEngine engine = stories()) {
			assertThat(text(events(engine, continuation("Once upon a time, there was a little")))).startsWith(" girl");
		}
	}

	@Test
	void aStopSequenceEndsTheTextBeforeIt() throws Exception {
		try (FlashEngine engine = stories()) {
			List<GenerationEvent> events = events(engine, continuation("Once upon a time", "zebra", "park. One"));
			assertThat(text(events)).isEqualTo(STORY.substring(0, STORY.indexOf("park. One")));
			assertThat(((GenerationEvent.Finished) events.getLast()).reason()).isEqualTo(FinishReason.STOP);
		}
	}

	@Test
	void aStopThatIsASpecialTokenEndsTheAnswer(@TempDir Path folder) throws Exception {
		copyStories(folder);
		Path tokenizer = folder.resolve("tokenizer.json");
		Files.writeString(tokenizer,
				Files.readString(tokenizer)
					.replaceFirst("\"added_tokens\"\\s*:\\s*\\[", "\"added_tokens\": [{\"id\": 426, \"content\": \".\","
							+ " \"single_word\": false, \"lstrip\": false, \"rstrip\": false, \"normalized\": false,"
							+ " \"special\": true},"));
		try (FlashEngine engine = FlashEngine.load(FlashConfig.builder(folder.toString()).threads(2).build())) {
			List<GenerationEvent> events = events(engine, continuation("Once upon a time", "."));
			assertThat(text(events)).isEqualTo(STORY.substring(0, STORY.indexOf('.')));
			assertThat(((GenerationEvent.Finished) events.getLast()).reason()).isEqualTo(FinishReason.STOP);
		}
	}

	@Test
	void stopsDoNotEndAnswersWithinReasoning(@TempDir Path folder) throws Exception {
		copyStories(folder);
		Files.writeString(folder.resolve("chat_template.jinja"),
				"{{ bos_token }}{% for m in messages %}{{ m.content }}{% endfor %}<think>{# </think> #}");
		try (FlashEngine engine = FlashEngine.load(FlashConfig.builder(folder.toString()).threads(2).build())) {
			GenerationRequest.Chat chat = new GenerationRequest.Chat(List.of(ChatMessage.user("Once upon a time")),
					List.of(), Map.of());
			List<GenerationEvent> free = events(engine,
					new GenerationRequest(chat, Sampling.GREEDY, 40, List.of(), false));
			List<GenerationEvent> stopped = events(engine,
					new GenerationRequest(chat, Sampling.GREEDY, 40, List.of(".", "a"), false));
			assertThat(stopped.subList(0, stopped.size() - 1)).isEqualTo(free.subList(0, free.size() - 1))
				.hasOnlyElementsOfType(GenerationEvent.Reasoning.class);
		}
	}

	@Test
	void aPromptThatSurelyExceedsTheContextIsNotEncodedWhole() throws Exception {
		try (FlashEngine engine = stories()) {
			int context = engine.model().contextLength();
			// the tokenizer takes no text of this length, so that it was not asked
			assertThatExceptionOfType(FlashEngineException.class)
				.isThrownBy(() -> engine.generate(continuation("Once upon a time ".repeat(1_000_000))))
				.withMessageContainingAll("The prompt has 17000000 characters",
						"which is " + context + " tokens long and must hold the answer too",
						"Shorten the prompt or raise the context length");
		}
	}

	@Test
	void aModelWithoutChatTemplateSaysSo() throws Exception {
		try (FlashEngine engine = stories()) {
			assertThat(engine.model().chat()).isFalse();
			GenerationRequest chat = GenerationRequest
				.of(new GenerationRequest.Chat(List.of(ChatMessage.user("Hi")), List.of(), Map.of()));
			assertThatExceptionOfType(ChatTemplateException.class).isThrownBy(() -> engine.generate(chat))
				.withMessageContaining("chat template");
		}
	}

	@Test
	void aDamagedChatTemplateHarmsOnlyChats(@TempDir Path folder) throws Exception {
		copyStories(folder);
		Files.writeString(folder.resolve("chat_template.jinja"), "{% for message in %}");
		try (FlashEngine engine = FlashEngine.load(FlashConfig.builder(folder.toString()).threads(2).build())) {
			assertThat(text(events(engine, continuation("Once upon a time")))).startsWith(STORY);
			assertThat(engine.model().chat()).isTrue();
			GenerationRequest chat = GenerationRequest
				.of(new GenerationRequest.Chat(List.of(ChatMessage.user("Hi")), List.of(), Map.of()));
			assertThatExceptionOfType(ChatTemplateException.class).isThrownBy(() -> engine.generate(chat))
				.withMessageContainingAll("chat_template.jinja, line 1", "send plain text");
		}
	}

	@Test
	void aModelWithoutTokenizerTakesTokensOnly() throws Exception {
		try (FlashEngine engine = FlashEngine.load(Golden.load("golden/llama").config().build())) {
			assertThatExceptionOfType(FlashEngineException.class)
				.isThrownBy(() -> engine.generate(continuation("Hello")))
				.withMessageContaining("tokenizer.json");
		}
	}

}
