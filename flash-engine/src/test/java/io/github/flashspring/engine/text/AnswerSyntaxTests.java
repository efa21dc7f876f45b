package io.github.flashspring.engine.text;

import java.time.Clock;
import java.util.Map;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

class AnswerSyntaxTests {

	private static AnswerSyntax syntax(String template, String prompt) {
		return AnswerSyntax.of(ChatTemplate.parse(template, "test", Map.of(), Clock.systemUTC()), prompt);
	}

	@Test
	void reasoningMayBeginInThePrompt() {
		String template = "{{ '<think>' }}{{ '</think>' }}";
		assertThat(syntax(template, "Hi<think>\n").thinking()).isTrue();
		assertThat(syntax(template, "Hi").thinking()).isFalse();
		assertThat(syntax(template, "Hi").thinkBegin()).isEqualTo("<think>");
		assertThat(syntax(template, "<think>\n\n</think>\n\n").thinkBegin()).isNull();
	}

	@Test
	void harmonyHasChannels() {
		String template = "<|start|>assistant<|channel|>final<|message|>";
		assertThat(syntax(template, "<|start|>assistant").kind()).isEqualTo(AnswerSyntax.Kind.HARMONY);
		assertThat(syntax(template, "<|start|>assistant<|channel|>final<|message|>")).isEqualTo(AnswerSyntax.PLAIN);
	}

	@Test
	void callsAreKnownInAllFormatsButThoseOfNestedElements() {
		assertThat(syntax("<tool_call>", "").knowsCalls()).isTrue();
		assertThat(syntax("[TOOL_CALLS]", "").knowsCalls()).isTrue();
		assertThat(syntax("<tool_call><function=", "").knowsCalls()).isTrue();
		assertThat(syntax("]<]minimax[>[", "").knowsCalls()).isFalse();
		assertThat(syntax("[TOOL_CALLS][CALL_ID][ARGS]", "").knowsCalls()).isTrue();
		assertThat(syntax("<|python_tag|>", "").knowsCalls()).as("without a marker").isTrue();
		assertThat(syntax("Hello", "").knowsCalls()).as("told by the engine itself").isTrue();
	}

}
