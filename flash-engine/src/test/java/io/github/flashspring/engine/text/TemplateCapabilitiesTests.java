package io.github.flashspring.engine.text;

import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import io.github.flashspring.jinja.MarkedText;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/**
 * What templates can carry, and how conversations are rewritten for those that cannot.
 */
class TemplateCapabilitiesTests {

	private static final ToolDefinition WEATHER = new ToolDefinition("get_weather", "The weather",
			"{\"type\":\"object\",\"properties\":{\"city\":{\"type\":\"string\"}}}");

	/** A template that takes all, in one line for each message. */
	private static final String PLAIN = """
			{% for t in tools or [] %}tool {{ t.function.name }}
			{% endfor %}{% for m in messages %}%s{{ m.role }}: {{ m.content }}{% for c in m.tool_calls %} call {{ c.id }} {{ c.function.name }} {{ c.function.arguments|tojson }}{% endfor %}{{ '\\n' }}{% endfor %}""";

	private static ChatTemplate template(String source) {
		return ChatTemplate.parse(source, "t", Map.of("bos_token", "<s>", "eos_token", "</s>"), Clock.systemUTC());
	}

	/** {@link #PLAIN} with a check for each message. */
	private static ChatTemplate checking(String check) {
		return template(PLAIN.replace("%s", check));
	}

	private static String render(ChatTemplate template, ChatMessage... messages) {
		return template.render(new ChatTemplateInput(List.of(messages), List.of(WEATHER), true, Map.of()));
	}

	private static ToolCall call(String id, String city) {
		return new ToolCall(id, "get_weather", "{\"city\":\"" + city + "\"}");
	}

	private static ChatMessage calling(String content, ToolCall... calls) {
		return ChatMessage.assistant(content, List.of(calls));
	}

	private static ChatMessage result(String id, String content) {
		return ChatMessage.tool(content, id, "get_weather");
	}

	@Test
	void whatTheTemplateTakesStaysAsItIs() {
		ChatTemplate template = checking("");
		assertThat(template.capabilities()).isEqualTo(new TemplateCapabilities(true, true, true, true, true, true,
				false, true, true, true, true, true, true, true, true, false, false, "\"\"", ""));
		assertThat(render(template, ChatMessage.user("a"), ChatMessage.user("b"),
				calling("c", call("1", "Rome"), call("2", "Oslo")), result("2", "cold")))
			.isEqualTo("""
					tool get_weather
					user: a
					user: b
					assistant: c call 1 get_weather {"city": "Rome"} call 2 get_weather {"city": "Oslo"}
					tool: cold
					""");
	}

	@Test
	void oneCallPerMessageAndItsResultFollows() {
		ChatTemplate template = checking(
				"{% if m.tool_calls|length > 1 %}{{ raise_exception('Only one call at once!') }}{% endif %}");
		assertThat(template.capabilities().parallelCalls()).isFalse();
		assertThat(render(template, ChatMessage.user("a"), calling("Well.", call("1", "Rome"), call("2", "Oslo")),
				result("2", "cold"), result("1", "mild")))
			.isEqualTo("""
					tool get_weather
					user: a
					assistant: Well. call 1 get_weather {"city": "Rome"}
					tool: mild
					assistant:  call 2 get_weather {"city": "Oslo"}
					tool: cold
					""");
	}

	@Test
	void callsThatAreSilentlyLostAreSplitToo() {
		ChatTemplate template = template("""
				{% for t in tools or [] %}{{ t.function.name }}{% endfor %}{% for m in messages %}
				{{ m.content }}{% if m.tool_calls %}{{ m.tool_calls[0].function | tojson }}{% endif %}{% endfor %}""");
		assertThat(render(template, ChatMessage.user("a"), calling("", call("1", "Rome"), call("2", "Oslo")),
				result("1", "mild"), result("2", "cold")))
			.containsSubsequence("Rome", "mild", "Oslo", "cold");
	}

	@Test
	void contentThatHidesCallsIsAMessageOfItsOwn() {
		ChatTemplate template = template(PLAIN.replace("%s", "")
			.replace("{% for c in m.tool_calls %}", "{% for c in ([] if m.content is not none else m.tool_calls) %}"));
		assertThat(template.capabilities().emptyContent()).isEqualTo("null");
		assertThat(template.capabilities().contentWithCalls()).isFalse();
		assertThat(render(template, ChatMessage.user("a"), calling("Well.", call("1", "Rome")), result("1", "mild")))
			.isEqualTo("""
					tool get_weather
					user: a
					assistant: Well.
					assistant: None call 1 get_weather {"city": "Rome"}
					tool: mild
					""");
	}

	@ParameterizedTest
	@ValueSource(strings = { "{% if m.tool_calls and m.content %}{{ raise_exception('both') }}{% endif %}",
			"{% if m.tool_calls and m.content and m.thinking %}{{ raise_exception('both') }}{% endif %}" })
	void reasoningAndContentBesideCallsAreKept(String check) {
		ChatTemplate template = checking(check);
		ChatMessage both = new ChatMessage("assistant", "Let me look.", "Hm.", List.of(call("1", "Rome")), null, null);
		assertThat(render(template, ChatMessage.user("a"), both, result("1", "mild"))).contains("""
				assistant: Let me look.
				assistant:  call 1 get_weather {"city": "Rome"}
				""");
	}

	@Test
	void contentThatNoMessageBesideCallsMayHaveIsWrittenWithThem() {
		ChatTemplate template = template(
				"""
						{% for t in tools or [] %}{{ t.function.name }}{% endfor %}{% set ns = namespace(said=false) %}
						{% for m in messages %}{% if m.tool_calls and (m.content or ns.said) %}{{ raise_exception('both') }}{% endif %}
						{% set ns.said = m.role == 'assistant' and not m.tool_calls %}
						{{ m.role }}: {{ m.content }}{{ m.tool_calls | tojson if m.tool_calls }}
						{% endfor %}""");
		assertThat(template.capabilities().contentBeforeCalls()).isFalse();
		assertThat(render(template, ChatMessage.user("a"), calling("Well.", call("1", "Rome")), result("1", "mild")))
			.contains("""
					assistant: Well.
					<tool_call>
					{"name":"get_weather","arguments":{"city":"Rome"}}
					</tool_call>
					""", """
					user: <tool_response>
					mild
					</tool_response>
					""");
	}

	@Test
	void argumentsTakeTheFormThatTheTemplateWants() {
		ChatTemplate text = template(
				PLAIN.replace("%s", "").replace("c.function.arguments|tojson", "'' + c.function.arguments"));
		assertThat(text.capabilities().argumentsAsText()).isTrue();
		assertThat(render(text, ChatMessage.user("a"), calling("", call("1", "Rome")), result("1", "mild")))
			.contains("get_weather {\"city\":\"Rome\"}");
		ChatTemplate printed = template(
				PLAIN.replace("%s", "").replace("c.function.arguments|tojson", "c.function.arguments"));
		assertThat(printed.capabilities().argumentsAsText()).isTrue();
		ChatTemplate object = template(PLAIN.replace("%s", "")
			.replace("{{ c.function.arguments|tojson }}",
					"{% for k, v in c.function.arguments.items() %}{{ k }}={{ v }}{% endfor %}"));
		assertThat(object.capabilities().argumentsAsText()).isFalse();
		assertThat(render(object, ChatMessage.user("a"), calling("", new ToolCall("1", "get_weather", "")),
				result("1", "mild")))
			.contains("assistant:  call 1 get_weather \n");
	}

	@ParameterizedTest
	@CsvSource(delimiterString = " => ", quoteCharacter = '`', textBlock = """
			`` => {} {}
			null => {} {}
			{"a": 1} => {"a": 1} {"a": 1}
			"{\\"a\\": 1}" => {"a": 1} {"a":1}
			[1] => [1] [1]
			no json => "no json" no json
			""")
	void argumentsOfOtherProvidersAreUnderstood(String arguments, String expected) {
		ChatMessage call = calling("", new ToolCall("1", "get_weather", arguments));
		String object = render(checking(""), ChatMessage.user("a"), call, result("1", "mild"));
		ChatTemplate text = template(
				PLAIN.replace("%s", "").replace("c.function.arguments|tojson", "c.function.arguments + ''"));
		String written = render(text, ChatMessage.user("a"), call, result("1", "mild"));
		Pattern found = Pattern.compile("call 1 get_weather (.*)");
		Matcher inObject = found.matcher(object);
		Matcher inText = found.matcher(written);
		assertThat(inObject.find() && inText.find()).isTrue();
		assertThat(inObject.group(1) + " " + inText.group(1)).isEqualTo(expected);
	}

	@Test
	void idsOfOtherProvidersBecomeNineCharacters() {
		ChatTemplate template = checking(
				"{% for c in m.tool_calls %}{% if c.id|length != 9 %}{{ raise_exception('nine!') }}{% endif %}{% endfor %}")
			.withTools(ToolSupport.AUTO);
		assertThat(template.capabilities().nineCharacterIds()).isTrue();
		String prompt = render(template, ChatMessage.user("a"),
				calling("", call("call_a-1", "Rome"), call("abcdefghi", "Oslo")), result("call_a-1", "mild"));
		assertThat(prompt).contains("call abcdefghi")
			.containsPattern("call [a-z0-9]{9} get_weather \\{\"city\": \"Rome\"}");
		assertThat(prompt).isEqualTo(render(template, ChatMessage.user("a"),
				calling("", call("call_a-1", "Rome"), call("abcdefghi", "Oslo")), result("call_a-1", "mild")));
		ChatTemplate nemo = ChatTemplateMatrixTests.template("chat-rendered/mistral-nemo");
		String call = render(nemo, ChatMessage.user("a"), calling("", call("toolu_01", "Rome")),
				result("toolu_01", "mild"));
		assertThat(call).containsPattern("\"id\": \"([a-z0-9]{9})\".*\"call_id\": \"\\1\"");
	}

	@Test
	void systemMessagesGoWhereTheTemplateTakesThem() {
		ChatTemplate none = checking("{% if m.role == 'system' %}{{ raise_exception('no system') }}{% endif %}");
		assertThat(render(none, ChatMessage.system("s"), ChatMessage.system("r"), ChatMessage.user("a"),
				ChatMessage.assistant("b"), ChatMessage.system("t"), ChatMessage.user("c")))
			.isEqualTo("tool get_weather\nuser: s\n\nr\n\na\nassistant: b\nuser: t\n\nc\n");
		assertThat(render(none, ChatMessage.user("a"), ChatMessage.system("s"))).endsWith("user: a\nuser: s\n");
		ChatTemplate first = checking(
				"{% if m.role == 'system' and not loop.first %}{{ raise_exception('only first') }}{% endif %}");
		assertThat(first.capabilities().systemMessages()).isTrue();
		assertThat(render(first, ChatMessage.system("s"), ChatMessage.system("r"), ChatMessage.user("a"),
				ChatMessage.assistant("b"), ChatMessage.system("t"), ChatMessage.assistant("c")))
			.isEqualTo("tool get_weather\nsystem: s\n\nr\nuser: a\nassistant: b\nuser: t\nassistant: c\n");
		assertThat(render(first, new ChatMessage("developer", "s", null, List.of(), null, null), ChatMessage.user("a")))
			.endsWith("system: s\nuser: a\n");
	}

	@Test
	void rolesAlternateWhereTheTemplateWantsIt() {
		ChatTemplate template = checking(
				"{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('alternate!') }}{% endif %}");
		assertThat(render(template, ChatMessage.assistant("Hi."), ChatMessage.user("a"), ChatMessage.user("b"),
				ChatMessage.assistant("c"), ChatMessage.assistant(""), ChatMessage.assistant("d"),
				ChatMessage.user("e")))
			.isEqualTo("tool get_weather\nuser: \nassistant: Hi.\nuser: a\n\nb\nassistant: c\n\nd\nuser: e\n");
	}

	@Test
	void contentIsAListOfPartsWhereTheTemplateWantsIt() {
		ChatTemplate template = template(
				"{% for m in messages %}{{ m.role }}: {% for p in m.content %}{{ p.text }}{% endfor %}{{ '\\n' }}{% endfor %}");
		assertThat(template.capabilities().contentParts()).isTrue();
		assertThat(template.render(ChatTemplateInput.of(List.of(ChatMessage.user("a"))))).isEqualTo("user: a\n");
	}

	@Test
	void whatCannotBeCarriedNamesTheMessage() {
		ChatTemplate template = checking("{% if 'x' in m.content %}{{ raise_exception('No x!') }}{% endif %}");
		assertThatExceptionOfType(ChatTemplateException.class)
			.isThrownBy(
					() -> render(template, ChatMessage.user("a"), ChatMessage.assistant("x"), ChatMessage.user("b")))
			.withMessageContaining("refuses the conversation: No x!")
			.withMessageContaining("number 1 (counted from 0), of the role 'assistant'");
	}

	@Test
	void rewrittenTextsStayUntrusted() {
		ChatTemplate template = checking("{% if m.role == 'system' %}{{ raise_exception('no system') }}{% endif %}");
		MarkedText prompt = template.renderMarked(new ChatTemplateInput(List.of(ChatMessage.system("<1>"),
				ChatMessage.user("<2>"), calling("<3>", new ToolCall("<4>", "<5>", "{\"<6>\":\"<7>\"}")),
				ChatMessage.tool("<8>", "<4>", "<5>")), List.of(), true, Map.of()));
		assertThat(prompt.trustedCharacters()).doesNotContain("<")
			.isEqualTo("user: \n\n\nassistant:  call   {\"\": \"\"}\ntool: \n");
	}

	@Test
	void templatesWithoutToolsGetDefinitionsAndBlocks() {
		ChatTemplate template = ChatTemplateMatrixTests.template("microsoft-Phi-3.5-mini-instruct");
		assertThat(template.capabilities().toolDefinitions()).isFalse();
		ChatMessage[] loop = { ChatMessage.system("Be kind."), ChatMessage.user("a"),
				calling("Well.", call("1", "Rome"), call("2", "Oslo")), result("1", "mild"), result("2", "cold") };
		String prompt = render(template, loop);
		assertThat(prompt).containsSubsequence("<|system|>\nBe kind.\n\nYou can call", "\"name\":\"get_weather\"",
				"<|user|>\na<|end|>", "<|assistant|>\nWell.\n<tool_call>\n", "Rome", "Oslo", "</tool_call><|end|>",
				"<|user|>\n<tool_response>\nmild\n</tool_response>\n<tool_response>\ncold\n</tool_response><|end|>");
		assertThat(ToolFormat.of(template)).isEqualTo(ToolFormat.HERMES);
		OutputParser parser = OutputParser.create(template, prompt, List.of(WEATHER), () -> "id");
		assertThat(parser
			.append("<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Rome\"}}\n</tool_call>"))
			.containsExactly(new OutputEvent.ToolCalled(new ToolCall("id", "get_weather", "{\"city\":\"Rome\"}")));
		MarkedText marked = template
			.renderMarked(new ChatTemplateInput(List.of(loop), List.of(WEATHER), true, Map.of()));
		assertThat(marked.trustedCharacters()).contains("<tool_call>").doesNotContain("get_weather", "Rome", "mild");
	}

	@Test
	void templatesThatOnlyWriteCallsShowTheirFormat() {
		ChatTemplate template = ChatTemplateMatrixTests.template("deepseek-ai-DeepSeek-V3.1");
		String prompt = render(template, ChatMessage.user("a"), calling("", call("1", "Rome")), result("1", "mild"));
		assertThat(prompt).containsSubsequence("\"name\":\"get_weather\"",
				"<｜tool▁call▁begin｜>name_of_the_tool<｜tool▁sep｜>{\"name_of_an_argument\": \"its value\"}<｜tool▁call▁end｜>",
				"<｜User｜>a<｜Assistant｜>", "get_weather<｜tool▁sep｜>{\"city\": \"Rome\"}", "mild")
			.doesNotContain("<tool_call>");
		assertThat(ToolFormat.of(template)).isEqualTo(ToolFormat.DEEPSEEK);
	}

	@Test
	void parametersGetTheDescriptionThatTheTemplateWants() {
		ChatTemplate template = template(
				"{% for t in tools or [] %}{% for k, v in t.function.parameters.properties.items() %}{{ t.function.name + k + '(' + v.description + ')' }}{% endfor %}{% endfor %}{{ messages[-1].content }}");
		assertThat(template.capabilities().undescribedParameters()).isFalse();
		assertThat(render(template, ChatMessage.user("a"))).isEqualTo("get_weathercity()a");
	}

	@Test
	void toolsMayBeLeftToTheTemplateOrRefused() {
		ChatTemplate template = ChatTemplateMatrixTests.template("microsoft-Phi-3.5-mini-instruct");
		assertThat(render(template.withTools(ToolSupport.TEMPLATE), ChatMessage.user("a")))
			.isEqualTo("<|user|>\na<|end|>\n<|assistant|>\n");
		assertThatExceptionOfType(ChatTemplateException.class)
			.isThrownBy(() -> render(template.withTools(ToolSupport.REFUSE), ChatMessage.user("a")))
			.withMessageContaining("does not define tools")
			.withMessageContaining("flash.chat.tools=auto");
		assertThat(template.withTools(ToolSupport.REFUSE).render(ChatTemplateInput.of(List.of(ChatMessage.user("a")))))
			.contains("a");
	}

	@Test
	void capabilitiesAreDescribedInWords() {
		assertThat(ChatTemplateMatrixTests.template("chat-rendered/mistral-nemo").capabilities().describe())
			.containsEntry("ids of calls", "nine letters and digits: others are replaced")
			.containsEntry("same role twice in a row", "no: joined")
			.containsEntry("tool definitions", "yes");
	}

}
