package io.github.flashspring.engine;

import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.CharRange;
import net.jqwik.api.constraints.StringLength;
import org.junit.jupiter.api.Test;

import io.github.flashspring.engine.text.ChatTemplate;
import io.github.flashspring.engine.text.OutputParser;
import io.github.flashspring.engine.text.TextVectors;
import io.github.flashspring.engine.text.Tokenizer;
import io.github.flashspring.engine.text.ToolDefinition;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Stop sequences in answers that also have reasoning and tool calls, token by token.
 */
class TextPipelineTests {

	private static final String HERMES = "<tool_call> </think>";

	private static final String XML = "</think> <tool_call><function=";

	private static final String HARMONY = "<|channel|><|message|>";

	private static final ToolDefinition WEATHER = new ToolDefinition("weather", "",
			"{\"type\": \"object\", \"properties\": {\"city\": {\"type\": \"string\"}}}");

	private static final String CALL = "<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"To: Rome\"}}\n</tool_call>";

	private final Tokenizer tokenizer = TextVectors.tokenizer("qwen3");

	@Test
	void stopsDoNotMatchReasoning() {
		assertThat(generate(HERMES, "", "<think>\nA.\n\nB.\n</think>\n\nYes.", "\n\n"))
			.isEqualTo("<Reasoning>A.\n\nB.<Text>Yes.");
		assertThat(generate(HERMES, "<think>\n", "A. No", "No")).isEqualTo("<Reasoning>A. No");
	}

	@Test
	void stopsDoNotMatchToolCallsAndTheirTags() {
		String called = "<ToolCalled>weather{\"city\":\"To: Rome\"}";
		for (String stop : List.of("To:", "\n", "tool_call", "{", "name")) {
			assertThat(generate(HERMES, "", CALL, stop)).isEqualTo(called);
		}
		assertThat(generate(XML, "",
				"<tool_call>\n<function=weather>\n<parameter=city>\nRome\n\nItaly\n</parameter>\n</function>\n</tool_call>",
				"\n\n"))
			.isEqualTo("<ToolCalled>weather{\"city\":\"Rome\\n\\nItaly\"}");
	}

	@Test
	void stopsDoNotMatchHarmonyHeaders() {
		String answer = "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>final<|message|>"
				+ "It is the final answer.";
		assertThat(generate(HARMONY, "<|start|>assistant", answer, "final"))
			.isEqualTo("<Reasoning>Hm.<Text>It is the ");
		assertThat(generate(HARMONY, "<|start|>assistant", answer, "analysis"))
			.isEqualTo("<Reasoning>Hm.<Text>It is the final answer.");
	}

	@Test
	void stopsMatchTheAnswerBehindReasoning() {
		assertThat(generate(HERMES, "", "<think>\nA. No.\n</think>\n\nYes. No. Never.", " No"))
			.isEqualTo("<Reasoning>A. No.<Text>Yes.");
	}

	@Test
	void noStopSpansATextAndACall() {
		assertThat(generate(HERMES, "", "Say A" + CALL + "BC", "AB"))
			.isEqualTo("<Text>Say A<ToolCalled>weather{\"city\":\"To: Rome\"}<Text>BC");
	}

	@Test
	void heldBackTextIsLookedAt() {
		assertThat(generate(HERMES, "", "one <tool", "<tool")).isEqualTo("<Text>one ");
		assertThat(generate(HERMES, "", "one\n\n", "\n\n")).isEqualTo("<Text>one");
		assertThat(generate(HERMES, "", "one <tool_call>{ two", "call>{")).isEqualTo("<Text>one <tool_");
	}

	@Test
	void aStopThatIsASpecialTokenEndsTheGeneration() {
		String answer = "Yes.<|im_end|>\n<|im_start|>user\nMore";
		assertThat(generate(OutputParser.plain(), answer, "<|im_end|>")).isEqualTo("<Text>Yes.");
		assertThat(generate(OutputParser.plain(), answer)).isEqualTo("<Text>Yes.\nuser\nMore");
		assertThat(generate(HERMES, "<think>", "Hm.<|im_end|>No.", "<|im_end|>")).isEqualTo("<Reasoning>Hm.");
		assertThat(generate(HERMES, "", "a <tool_call>{\"name\": \"weather\"}\n<|im_end|>No.", "<|im_end|>"))
			.as("what was held back comes out")
			.isEqualTo("<Text>a<ToolCalled>weather{}");
	}

	@Property(tries = 300)
	void tokensMakeNoDifference(@ForAll @StringLength(max = 30) @CharRange(from = 'a', to = 'd') String answer,
			@ForAll @StringLength(min = 1, max = 3) @CharRange(from = 'a', to = 'd') String stop) {
		int end = answer.indexOf(stop);
		String text = (end >= 0) ? answer.substring(0, end) : answer;
		assertThat(generate(HERMES, "", "<think>" + answer + "!</think>" + answer, stop))
			.isEqualTo("<Reasoning>" + answer + "!" + (text.isEmpty() ? "" : "<Text>" + text));
	}

	private String generate(String template, String prompt, String answer, String... stops) {
		return generate(OutputParser.create(
				ChatTemplate.parse("{% raw %}" + template + "{% endraw %}", "test", Map.of(), Clock.systemUTC()),
				prompt, List.of(WEATHER)), answer, stops);
	}

	private String generate(OutputParser parser, String answer, String... stops) {
		TextPipeline pipeline = new TextPipeline(this.tokenizer.streamDecoder(parser.markers()), List.of(stops),
				parser);
		List<GenerationEvent> events = new ArrayList<>();
		for (int token : this.tokenizer.encode(answer, false)) {
			events.addAll(pipeline.append(token));
			if (pipeline.isStopped()) {
				break;
			}
		}
		events.addAll(pipeline.flush());
		return describe(events);
	}

	private static String describe(List<GenerationEvent> events) {
		StringBuilder text = new StringBuilder();
		String kind = "";
		for (GenerationEvent event : events) {
			String next = event.getClass().getSimpleName();
			if (!next.equals(kind)) {
				text.append('<').append(next).append('>');
				kind = next;
			}
			switch (event) {
				case GenerationEvent.Text piece -> text.append(piece.text());
				case GenerationEvent.Reasoning piece -> text.append(piece.text());
				case GenerationEvent.ToolCalled called ->
					text.append(called.call().name()).append(called.call().argumentsJson());
				case GenerationEvent.Finished finished -> text.append(finished.reason());
			}
		}
		return text.toString();
	}

}
