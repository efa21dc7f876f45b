package io.github.flashspring.engine.generate.grammar;

import java.nio.charset.StandardCharsets;
import java.util.List;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import io.github.flashspring.engine.text.AnswerSyntax;
import io.github.flashspring.engine.text.CallSyntax;
import io.github.flashspring.engine.text.ToolDefinition;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Turns as text, in which special tokens are written as {@code ⟨text⟩}.
 */
class AnswerGrammarTests {

	private static final CallSyntax HERMES = CallSyntax.json(new CallSyntax.Form("",
			"<tool_call>\n{\"name\": \"NAME\", \"arguments\": ARGUMENTS}\n</tool_call>", "\n", "", "<tool_call>", true),
			List.of("<tool_call>", "</tool_call>"));

	private static final CallSyntax MISTRAL = CallSyntax.json(new CallSyntax.Form("[TOOL_CALLS][",
			"{\"name\": \"NAME\", \"arguments\": ARGUMENTS}", ", ", "]", "[TOOL_CALLS]", true),
			List.of("[TOOL_CALLS]"));

	private static final Structure NUMBER = new Structure.JsonSchema("{\"type\":\"integer\"}", true, false);

	private static final List<ToolDefinition> TOOLS = List.of(new ToolDefinition("add", "", """
			{"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"integer"}},
			"required":["a","b"],"additionalProperties":false}"""), new ToolDefinition("now", "", ""),
			new ToolDefinition("odd", "", "{\"not\":{},\"properties\":{\"x\":{\"type\":\"null\"}}}"));

	private static Automaton after(@Nullable Structure structure, @Nullable Calls calls, AnswerSyntax syntax,
			String text) {
		Automaton at = Automaton.start(ProgramCompiler.compile(AnswerGrammar.of(structure, calls, syntax).grammar()));
		int from = 0;
		while (from < text.length()) {
			int open = text.indexOf('⟨', from);
			int end = (open < 0) ? text.length() : open;
			at = at.step(text.substring(from, end).getBytes(StandardCharsets.UTF_8));
			if (open < 0) {
				break;
			}
			from = text.indexOf('⟩', open) + 1;
			at = at.step(TokenVocabulary.specialBytes(text.substring(open + 1, from - 1)));
		}
		return at;
	}

	private static AnswerSyntax tagged(@Nullable String begin, boolean thinking, @Nullable CallSyntax calls) {
		return new AnswerSyntax(AnswerSyntax.Kind.TAGGED, begin, "</think>", thinking, calls);
	}

	@ParameterizedTest
	@CsvSource(delimiter = '~', quoteCharacter = '`', textBlock = """
			false ~ 12                                 ~ true
			false ~ <think>I see {12}</think>12        ~ true
			false ~ ⟨<think>⟩Hm.⟨</think>⟩12           ~ true
			false ~ <think>Hm. 12                      ~ false
			false ~ x12                                ~ false
			true  ~ Hm.</think>12                      ~ true
			true  ~ Hm. ⟨<|im_start|>⟩ </</think>12    ~ true
			true  ~ 12                                 ~ false
			""")
	void theStructureBeginsAfterReasoning(boolean thinking, String text, boolean whole) {
		assertThat(after(NUMBER, null, tagged("<think>", thinking, null), text).isAccepting()).isEqualTo(whole);
	}

	@Test
	void lineBreaksMayPrecedeReasoning() {
		AnswerSyntax syntax = tagged("<think>", false, null);
		assertThat(after(NUMBER, null, syntax, "\n\n⟨<think>⟩Hm.⟨</think>⟩12").isAccepting()).isTrue();
		assertThat(after(NUMBER, null, syntax, "\n12").isDead()).isTrue();
	}

	@Test
	void lineBreaksMayFollowReasoning() {
		AnswerSyntax syntax = tagged("<think>", true, null);
		assertThat(after(NUMBER, null, syntax, "Hm.</think>\n\n12").isAccepting()).isTrue();
		assertThat(after(NUMBER, null, syntax, "Hm.</think>\n\n\n").isDead()).isTrue();
	}

	@ParameterizedTest
	@CsvSource(delimiter = '~', quoteCharacter = '`', textBlock = """
			⟨<|channel|>⟩final⟨<|message|>⟩12          ~ true
			⟨<|channel|>⟩final ⟨<|constrain|>⟩json⟨<|message|>⟩12 ~ true
			⟨<|channel|>⟩analysis⟨<|message|>⟩Hm.⟨<|end|>⟩⟨<|start|>⟩assistant⟨<|channel|>⟩final⟨<|message|>⟩12 ~ true
			⟨<|channel|>⟩analysis⟨<|message|>⟩<|channel|>final<|message|>12 ~ false
			⟨<|channel|>⟩final⟨<|message|>⟩x           ~ false
			⟨<|channel|>⟩commentary to=functions.add ⟨<|constrain|>⟩json⟨<|message|>⟩{"a":1,"b":2} ~ true
			. to=functions.now⟨<|channel|>⟩commentary json⟨<|message|>⟩{} ~ true
			⟨<|channel|>⟩commentary to=functions.add ⟨<|constrain|>⟩json⟨<|message|>⟩{"a":1} ~ false
			⟨<|channel|>⟩commentary to=functions.sub   ~ false
			⟨<|channel|>⟩commentary to=functions.nowjson⟨<|message|>⟩{} ~ false
			""")
	void harmonyEndsWithTheAnswerOrACall(String text, boolean whole) {
		AnswerSyntax syntax = new AnswerSyntax(AnswerSyntax.Kind.HARMONY, null, "", false, null);
		// a point keeps the space behind it
		String said = text.startsWith(".") ? text.substring(1) : text;
		assertThat(after(NUMBER, new Calls(TOOLS, false, true), syntax, said).isAccepting()).isEqualTo(whole);
	}

	@ParameterizedTest
	@CsvSource(delimiter = '~', quoteCharacter = '`',
			textBlock = """
							Hello                                      ~ true
							Hello <tool_                               ~ true
							<tool_call>                                ~ false
							<tool_call>\\n{"name": "add", "arguments": {"a": 1, "b": 2}}\\n</tool_call> ~ true
							Well: ⟨<tool_call>⟩{"name":"add","arguments":{"a":1,"b":2}}⟨</tool_call>⟩ ~ true
							<tool_call>{"name": "now", "arguments": {"x": [1]}}</tool_call>\\n<tool_call>{"name": "odd", "arguments": {}}</tool_call> ~ true
							<tool_call>{"name": "add", "arguments": {"a": 1}}</tool_call> ~ false
							<tool_call>{"name": "sub", "arguments": {}}</tool_call> ~ false
					<tool_call>{"name": "odd", "arguments": 1}</tool_call> ~ false
					<tool_call>{"name": "odd", "arguments": {"x": 1}}</tool_call> ~ false
							<tool_call>{"name": "now", "arguments": {}}</tool_call> so ~ false
							""")
	void callsAreForcedFromTheirMarkerOn(String text, boolean whole) {
		Automaton at = after(null, new Calls(TOOLS, false, true), tagged(null, false, HERMES),
				text.replace("\\n", "\n"));
		assertThat(at.isAccepting()).isEqualTo(whole);
	}

	@Test
	void requiredCallsBeginAtOnce() {
		Calls calls = new Calls(TOOLS.subList(1, 2), true, false);
		AnswerSyntax syntax = tagged("<think>", false, MISTRAL);
		assertThat(after(null, calls, syntax, "Hello").isDead()).isTrue();
		assertThat(
				after(null, calls, syntax, "<think>Hm.</think>⟨[TOOL_CALLS]⟩[{\"name\": \"now\", \"arguments\": {}}]")
					.isComplete())
			.isTrue();
		assertThat(after(null, calls, syntax, "[TOOL_CALLS][{\"name\": \"now\", \"arguments\": {}},").isDead())
			.isTrue();
	}

	@Test
	void structureAndToolsExcludeEachOtherInATurn() {
		Calls calls = new Calls(TOOLS, false, true);
		AnswerSyntax syntax = tagged(null, false, HERMES);
		assertThat(after(NUMBER, calls, syntax, "12").isAccepting()).isTrue();
		assertThat(after(NUMBER, calls, syntax, "<tool_call>{\"name\":\"now\",\"arguments\":{}}</tool_call>")
			.isAccepting()).isTrue();
		assertThat(after(NUMBER, calls, syntax, "12<").isDead()).isTrue();
		assertThat(after(NUMBER, calls, syntax, "Well").isDead()).isTrue();
	}

}
