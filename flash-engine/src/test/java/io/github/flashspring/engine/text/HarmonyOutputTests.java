package io.github.flashspring.engine.text;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Scanner;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Answers of gpt-oss as OpenAI publishes them, from their tokens to what they mean, with
 * the model's own tokenizer and chat template.
 */
class HarmonyOutputTests {

	private static final Path VECTORS = Path.of("src/test/resources/vectors/harmony");

	private static final List<ToolDefinition> TOOLS = List.of(new ToolDefinition("lookup_weather", "", ""),
			new ToolDefinition("browser.search", "", ""));

	private final Tokenizer tokenizer = TextVectors.tokenizer("gpt-oss");

	private final ChatTemplate template = ChatTemplate.load(TextVectors.tokenizerFolder("gpt-oss"));

	@Test
	void readsAnAnswer() throws IOException {
		assertThat(parse(ids("test_simple_reasoning_response.txt"), TOOLS)).containsExactly(
				"thinks: User asks: \"What is 2 + 2?\" Simple arithmetic. Provide answer.", "says: 2 + 2 = 4.");
	}

	@Test
	void readsACall() throws IOException {
		assertThat(parse(ids("test_simple_tool_call.txt"), TOOLS)).containsExactly(
				"thinks: User asks: \"What is the weather in Tokyo?\" We need to use lookup_weather tool.",
				"calls: lookup_weather {\"location\":\"Tokyo\"}");
	}

	@Test
	void readsACallBehindReasoning() throws IOException {
		String published = Files.readString(VECTORS.resolve("test_streamable_parser.txt"));
		String answer = published.substring(0, published.indexOf("<|call|>"));
		List<String> events = parse(this.tokenizer.encode(answer, false), TOOLS);
		assertThat(events).hasSize(2);
		assertThat(events.getFirst()).startsWith("thinks: User asks \"Who is the current US president?\"")
			.endsWith("Let's browse to confirm.");
		assertThat(events.getLast()).isEqualTo(
				"calls: browser.search {\"query\":\"current US president July 2025\",\"topn\":10,\"source\":\"news\"}");
	}

	@Test
	void withoutToolsNothingIsACall() throws IOException {
		assertThat(parse(ids("test_simple_tool_call.txt"), List.of())).containsExactly(
				"thinks: User asks: \"What is the weather in Tokyo?\" We need to use lookup_weather tool.\n\n"
						+ "{\"location\": \"Tokyo\"}");
	}

	private List<String> parse(int[] answer, List<ToolDefinition> tools) {
		String prompt = this.template
			.render(new ChatTemplateInput(List.of(ChatMessage.user("What is the weather?")), tools, true, Map.of()));
		OutputParser parser = OutputParser.create(this.template, prompt, tools);
		StreamDecoder decoder = this.tokenizer.streamDecoder(parser.markers());
		List<OutputEvent> events = new ArrayList<>();
		for (int token : answer) {
			events.addAll(parser.append(decoder.append(token)));
		}
		events.addAll(parser.append(decoder.flush()));
		events.addAll(parser.flush());
		return describe(events);
	}

	private static List<String> describe(List<OutputEvent> events) {
		List<String> told = new ArrayList<>();
		for (OutputEvent event : events) {
			String next = switch (event) {
				case OutputEvent.Text text -> "says: " + text.text();
				case OutputEvent.Reasoning reasoning -> "thinks: " + reasoning.text();
				case OutputEvent.ToolCalled called ->
					"calls: " + called.call().name() + " " + called.call().argumentsJson();
			};
			String kind = next.substring(0, next.indexOf(' ') + 1);
			if (!told.isEmpty() && told.getLast().startsWith(kind)) {
				told.set(told.size() - 1, told.getLast() + next.substring(kind.length()));
			}
			else {
				told.add(next);
			}
		}
		return told;
	}

	private static int[] ids(String file) throws IOException {
		List<Integer> ids = new ArrayList<>();
		try (Scanner scanner = new Scanner(VECTORS.resolve(file))) {
			while (scanner.hasNextInt()) {
				ids.add(scanner.nextInt());
			}
		}
		return ids.stream().mapToInt(Integer::intValue).toArray();
	}

}
