package io.github.flashspring.engine.text;

import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;

import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Answers in the formats of several families of models, whole and in pieces.
 */
class OutputParserTests {

	private static final String HERMES = "<think> </think> <tool_call>{\"name\": …, \"arguments\": …}</tool_call>";

	private static final String XML = "</think> <tool_call><function=name><parameter=x>…</function></tool_call>";

	private static final String MISTRAL = "[TOOL_CALLS] [THINK] [/THINK]";

	private static final String LLAMA = "<|start_header_id|> \"parameters\" <|python_tag|>";

	private static final String DEEPSEEK = "</think> <｜tool▁calls▁begin｜> <｜tool▁sep｜>";

	private static final String HARMONY = "<|start|>assistant<|channel|>final<|message|>";

	private static final List<ToolDefinition> TOOLS = List.of(new ToolDefinition("weather", "", """
			{"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"},
			 "exact": {"type": "boolean"}, "places": {"type": "array"}}}"""), new ToolDefinition("now", "", ""));

	@Test
	void textIsText() {
		for (String format : List.of(HERMES, XML, MISTRAL, LLAMA, DEEPSEEK, HARMONY)) {
			assertThat(parse(format, " Hello <b>world</b>\n ")).containsExactly(text(" Hello <b>world</b>\n "));
		}
		assertThat(OutputParser.plain().append(" a <think>")).containsExactly(text(" a <think>"));
	}

	@Test
	void reasoningIsToldApart() {
		assertThat(parse(HERMES, "<think>\nWell,\n\nso.\n</think>\n\nYes.")).containsExactly(reasoning("Well,\n\nso."),
				text("Yes."));
		assertThat(parse(MISTRAL, "[THINK]Hm.[/THINK]Yes.")).containsExactly(reasoning("Hm."), text("Yes."));
		assertThat(parse(HERMES, "<think>\n\n</think>\n\nYes.")).containsExactly(text("Yes."));
		assertThat(parse(HERMES, "<think>never ends </th")).containsExactly(reasoning("never ends </th"));
		assertThat(parse(HERMES, "A <think>tag</think> in text")).containsExactly(text("A <think>tag</think> in text"));
		assertThat(parse(LLAMA, "<think>not here</think>")).containsExactly(text("<think>not here</think>"));
	}

	@Test
	void reasoningMayBeginInThePrompt() {
		OutputParser parser = parser(HERMES, "<|Assistant|><think>\n", TOOLS);
		List<OutputEvent> events = new ArrayList<>(parser.append("So.</think>Yes."));
		events.addAll(parser.flush());
		assertThat(events).containsExactly(reasoning("So."), text("Yes."));
	}

	@Test
	void readsCallsOfHermesAndQwen() {
		assertThat(parse(HERMES, """
				Let me see.
				<tool_call>
				{"name": "weather", "arguments": {"city": "Paris </tool_call>", "days": 1.50}}
				</tool_call>
				<tool_call>
				{"name": "now"}
				</tool_call>""")).containsExactly(text("Let me see."),
				call(1, "weather", "{\"city\":\"Paris </tool_call>\",\"days\":1.50}"), call(2, "now", "{}"));
		assertThat(parse(HERMES, "<think>\nx\n</think>\n\n<tool_call>{\"name\":\"now\",\"arguments\":\"{}\"}"))
			.containsExactly(reasoning("x"), call(1, "now", "{}"));
	}

	@Test
	void readsCallsOfQwenCoderAndNemotron() {
		assertThat(parse(XML, """
				<tool_call>
				<function=weather>
				<parameter=city>
				12
				</parameter>
				<parameter=days>
				3
				</parameter>
				<parameter=exact>
				True
				</parameter>
				<parameter=places>
				["a", {"b": 1}]
				</parameter>
				<parameter=note>
				two
				lines "with a quote
				</parameter>
				</function>
				</tool_call>
				Done.""")).containsExactly(call(1, "weather",
				"{\"city\":\"12\",\"days\":3,\"exact\":true,\"places\":[\"a\",{\"b\":1}],\"note\":\"two\\nlines \\\"with a quote\"}"),
				text("Done."));
		assertThat(parse(XML, "<function=now>\n</function>\n</tool_call>")).containsExactly(call(1, "now", "{}"));
		assertThat(parse(XML, "<function=now></function> and more")).containsExactly(call(1, "now", "{}"),
				text("and more"));
	}

	@Test
	void readsCallsOfMistral() {
		assertThat(parse(MISTRAL,
				"[TOOL_CALLS] [{\"name\": \"weather\", \"arguments\": {\"city\": \"[x]\"}, \"id\": \"abcdefghi\"}, {\"name\": \"now\", \"arguments\": {}}]"))
			.containsExactly(call("abcdefghi", "weather", "{\"city\":\"[x]\"}"), call(1, "now", "{}"));
		assertThat(parse(MISTRAL, "[TOOL_CALLS]weather[ARGS]{\"city\": \"Paris\"}[TOOL_CALLS]now[CALL_ID]x1[ARGS]{}"))
			.containsExactly(call(1, "weather", "{\"city\":\"Paris\"}"), call("x1", "now", "{}"));
	}

	@Test
	void readsCallsOfLlama() {
		assertThat(parse(LLAMA, "<|python_tag|>{\"name\": \"now\", \"parameters\": {}}"))
			.containsExactly(call(1, "now", "{}"));
		assertThat(parse(LLAMA,
				"\n{\"name\": \"weather\", \"parameters\": {\"city\": \"}\"}}\n{\"type\": \"function\","
						+ " \"name\": \"now\", \"parameters\": {}}"))
			.containsExactly(call(1, "weather", "{\"city\":\"}\"}"), call(2, "now", "{}"));
	}

	@Test
	void readsCallsOfDeepSeek() {
		assertThat(parse(DEEPSEEK, """
				Let me see.<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>weather
				```json
				{"city": "Paris"}
				```<｜tool▁call▁end｜>
				<｜tool▁call▁begin｜>function<｜tool▁sep｜>now
				```json
				{}
				```<｜tool▁call▁end｜><｜tool▁calls▁end｜>""")).containsExactly(text("Let me see."),
				call(1, "weather", "{\"city\":\"Paris\"}"), call(2, "now", "{}"));
		assertThat(parse(DEEPSEEK,
				"<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>weather<｜tool▁sep｜>{\"city\": \"Paris\"}<｜tool▁call▁end｜>"
						+ "<｜tool▁call▁begin｜>now<｜tool▁sep｜>{}<｜tool▁call▁end｜><｜tool▁calls▁end｜>"))
			.as("as of version 3.1")
			.containsExactly(call(1, "weather", "{\"city\":\"Paris\"}"), call(2, "now", "{}"));
		assertThat(parse(DEEPSEEK, "<think>Hm.</think><｜tool▁calls▁begin｜><｜tool▁call▁begin｜>now<｜tool▁sep｜>{}"))
			.as("ended by an end-of-turn token")
			.containsExactly(reasoning("Hm."), call(1, "now", "{}"));
		String broken = "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>now<｜tool▁sep｜>{<｜tool▁call▁end｜><｜tool▁calls▁end｜>";
		assertThat(parse(DEEPSEEK, broken)).containsExactly(text(broken));
	}

	@Test
	void readsChannelsOfHarmony() {
		assertThat(parse(HARMONY,
				"<|channel|>analysis<|message|>Easy.<|end|><|start|>assistant<|channel|>final<|message|>2 + 2 = <4>.<|return|>"))
			.containsExactly(reasoning("Easy."), text("2 + 2 = <4>."));
		assertThat(parse(HARMONY,
				"<|channel|>analysis<|message|>One.<|end|><|start|>assistant<|channel|>commentary<|message|>Two.<|end|>"
						+ "<|start|>assistant<|channel|>final<|message|>Three."))
			.containsExactly(reasoning("One.\n\nTwo."), text("Three."));
		assertThat(parse(HARMONY, "<|channel|>analysis<|message|>never ends <|e"))
			.containsExactly(reasoning("never ends <|e"));
	}

	@Test
	void readsCallsOfHarmony() {
		assertThat(parse(HARMONY,
				"<|channel|>analysis<|message|>The user asks.<|end|><|start|>assistant<|channel|>commentary to=functions.weather"
						+ " <|constrain|>json<|message|>{\"city\": \"Paris\"}<|call|>"))
			.containsExactly(reasoning("The user asks."), call(1, "weather", "{\"city\":\"Paris\"}"));
		assertThat(parse(HARMONY,
				" to=functions.weather<|channel|>commentary json<|message|>{\"city\": \"Paris\"}<|end|>"
						+ "<|start|>assistant to=now<|channel|>analysis code<|message|>{}"))
			.containsExactly(call(1, "weather", "{\"city\":\"Paris\"}"), call(2, "now", "{}"));
		String broken = "<|channel|>commentary to=functions.now <|constrain|>json<|message|>{";
		assertThat(parse(HARMONY, broken)).containsExactly(text(broken));
	}

	@Test
	void harmonyMayBeginInThePrompt() {
		OutputParser parser = parser(HARMONY,
				"<|start|>user<|message|>Hi<|end|><|start|>assistant<|channel|>analysis<|message|>", TOOLS);
		List<OutputEvent> events = new ArrayList<>(parser.append("So.<|end|><|start|>assistant<|message|>Yes."));
		events.addAll(parser.flush());
		assertThat(events).containsExactly(reasoning("So."), text("Yes."));
	}

	@Test
	void reasoningOfHarmonyIsToldAsItComes() {
		OutputParser parser = parser(HARMONY, "<|start|>assistant", TOOLS);
		assertThat(parser.append("<|channel|>analysis<|message|>a <")).containsExactly(reasoning("a "));
		assertThat(parser.append("b")).containsExactly(reasoning("<b"));
		assertThat(parser.append("<|end|><|start|>assistant<|channel|>final<|message|>c")).containsExactly(text("c"));
	}

	@Test
	void aBareObjectThatIsNoCallIsText() {
		for (String answer : List.of("{\"answer\": 42}", "{\"name\": \"Paris\", \"parameters\": {}}",
				"{\"name\": \"now\"}", "{1}", "{", "{\"na", "{\"name\": \"now\", ",
				"Call {\"name\": \"now\", \"parameters\": {}}")) {
			assertThat(parse(LLAMA, answer)).containsExactly(text(answer));
		}
		OutputParser parser = parser(LLAMA, "", TOOLS);
		assertThat(merge(parser.append("{\"answer\":"))).as("told as soon as the first key is no call's")
			.isEqualTo(List.of(text("{\"answer\":")));
	}

	@Test
	void severalCallsOfLlamaAreReadHoweverTheyAreSeparated() {
		String weather = "{\"name\": \"weather\", \"parameters\": {\"city\": \"Rome\"}}";
		for (String answer : List.of("{\"name\": \"now\", \"parameters\": {}}; " + weather,
				"{\"name\": \"now\", \"parameters\": {}}, " + weather,
				"<|python_tag|>{\"name\": \"now\", \"parameters\": {}}; " + weather,
				"<|python_tag|>{\"name\": \"now\", \"parameters\": {}}\n" + weather,
				"[{\"name\": \"now\", \"parameters\": {}}, " + weather + "]")) {
			assertThat(parse(LLAMA, answer)).containsExactly(call(1, "now", "{}"),
					call(2, "weather", "{\"city\":\"Rome\"}"));
		}
	}

	@Test
	void aBareCallIsReadBehindTextIfItIsTheLastThing() {
		String call = "{\"name\": \"now\", \"parameters\": {}}";
		for (String format : List.of(LLAMA, HERMES, MISTRAL, DEEPSEEK, "no tools")) {
			assertThat(parse(format, "Sure!\n\n" + call)).containsExactly(text("Sure!"), call(1, "now", "{}"));
			assertThat(parse(format, "```json\n" + call + "\n```")).containsExactly(call(1, "now", "{}"));
			for (String text : List.of("Sure! " + call, call + "\nis how to ask for the time.",
					"```json\n" + call + "\n```\nis how to ask.", "```java\n" + call + "\n```",
					"{\"name\": \"unknown\", \"parameters\": {}}")) {
				assertThat(parse(format, text)).containsExactly(text(text));
			}
		}
	}

	@Test
	void aBareCallAtTheEndOfACutAnswerIsText() {
		OutputParser parser = parser(LLAMA, "", TOOLS);
		String answer = "{\"name\": \"now\", \"parameters\": {}}";
		List<OutputEvent> events = new ArrayList<>(parser.append(answer));
		events.addAll(parser.cut());
		assertThat(merge(events)).containsExactly(text(answer));
	}

	@Test
	void gemmasBlocksOfToolCodeAreCalls() {
		assertThat(parse("no tools", "```tool_code\nnow()\nweather(city='Rome', days=3)\n```"))
			.containsExactly(call(1, "now", "{}"), call(2, "weather", "{\"city\":\"Rome\",\"days\":3}"));
		for (String text : List.of("```tool_code\nprint(1)\n```", "```tool_code\nweather(1 + 2)\n```",
				"```tool_code\nweather(\"Rome\", 3)\n```", "```python\nnow()\n```")) {
			assertThat(parse("no tools", text)).containsExactly(text(text));
		}
	}

	@Test
	void aListOfCallsMayStandBetweenTags() {
		assertThat(parse("<TOOLCALL>", "<TOOLCALL>[{\"name\": \"now\", \"arguments\": {}}]</TOOLCALL>"))
			.containsExactly(call(1, "now", "{}"));
		assertThat(parse("<|tool_call|>", "<|tool_call|>[{\"name\": \"now\", \"arguments\": {}}]"))
			.containsExactly(call(1, "now", "{}"));
		assertThat(parse("<|tool_call|>", "[{\"name\": \"now\", \"arguments\": {}}]")).as("the tag has no text")
			.containsExactly(call(1, "now", "{}"));
		assertThat(parse(HERMES, "<tool_call>[{\"name\": \"now\", \"arguments\": {}}]"))
			.containsExactly(call(1, "now", "{}"));
	}

	@Test
	void callsInReasoningThatNeverEndsAreCalls() {
		String call = "<tool_call>\n{\"name\": \"now\", \"arguments\": {}}\n</tool_call>";
		assertThat(parse(HERMES, "<think>\nI need it.\n" + call)).containsExactly(reasoning("I need it."),
				call(1, "now", "{}"));
		assertThat(parse(HERMES, "<think>\nI need it.\n" + call + "\n" + call + "\n"))
			.containsExactly(reasoning("I need it."), call(1, "now", "{}"), call(2, "now", "{}"));
		assertThat(parse(XML, "<think>\nI need it.\n<tool_call>\n<function=now>\n</function>\n</tool_call>"))
			.containsExactly(reasoning("I need it."), call(1, "now", "{}"));
		for (String quoted : List.of("Shall I " + call + "? No.", call, "First " + call + ", then " + call)) {
			assertThat(parse(HERMES, "<think>\n" + quoted + "\n</think>\n\nHello.")).containsExactly(reasoning(quoted),
					text("Hello."));
		}
		String undecided = "Shall I " + call + "? Let me think";
		assertThat(parse(HERMES, "<think>\n" + undecided)).containsExactly(reasoning(undecided));
		OutputParser parser = parser(HERMES, "<think>", TOOLS);
		assertThat(parser.append(call)).isEmpty();
		assertThat(parser.cut()).as("cut off").containsExactly(reasoning(call));
	}

	@ParameterizedTest
	@ValueSource(strings = { "{\"name\": \"weather\", \"arguments\": {\"city\": \"Rio\nBranco\"}}",
			"{\"name\": \"weather\", \"arguments\": {\"city\": \"Rio\\nBranco\"}",
			"{\"name\": \"weather\", \"arguments\": {\"city\": \"Rio\\nBranco\"",
			"{\"name\": \"weather\", \"arguments\": {\"city\": \"Rio\\nBranco\"}}}",
			"{\"name\": \"weather\", \"arguments\": {\"city\": \"Rio\\nBranco\",}}",
			"{'name': 'weather', 'arguments': {'city': 'Rio\\nBranco'}}",
			"```json\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Rio\\nBranco\"}}\n```",
			"{\"name\": \"weather\", \"arguments\": \"{\\\"city\\\": \\\"Rio\\\\nBranco\\\"}\"}",
			"{\"type\": \"function\", \"function\": {\"name\": \"weather\", \"arguments\": {\"city\": \"Rio\\nBranco\"}}}" })
	void damagedJsonThatMeansOneThingIsACall(String json) {
		assertThat(parse(HERMES, "<tool_call>\n" + json + "\n</tool_call>"))
			.containsExactly(call(1, "weather", "{\"city\":\"Rio\\nBranco\"}"));
	}

	@Test
	void damagedJsonIsReadInEachFormat() {
		String raw = "{\"city\": \"\\d+\tRio\nBranco\"}";
		OutputEvent expected = call(1, "weather", "{\"city\":\"\\\\d+\\tRio\\nBranco\"}");
		assertThat(parse(DEEPSEEK, "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>weather<｜tool▁sep｜>" + raw
				+ "<｜tool▁call▁end｜><｜tool▁calls▁end｜>"))
			.containsExactly(expected);
		assertThat(parse(MISTRAL, "[TOOL_CALLS][{\"name\": \"weather\", \"arguments\": " + raw + "}]"))
			.containsExactly(expected);
		assertThat(parse(LLAMA, "{\"name\": \"weather\", \"parameters\": " + raw + "}")).containsExactly(expected);
		assertThat(parse(HARMONY,
				"<|channel|>commentary to=functions.weather <|constrain|>json<|message|>" + raw + "<|call|>"))
			.containsExactly(expected);
	}

	@ParameterizedTest
	@ValueSource(strings = { "{\"name\": \"weather\", \"city\": \"Rome\"}",
			"{\"name\": \"weather\", \"arguments\": {\"city\": \"Rome\"}, \"days\": 3}",
			"{\"name\": \"weather\", \"arguments\": {\"city\": \"Rome\", \"city\": \"Oslo\"}}",
			"{\"name\": \"weather\", \"arguments\": {\"city\": \"Rome}}",
			"{\"name\": \"weather\", \"arguments\": {\"city\": \"the \"old\" town\"}}",
			"{\"name\": \"weather\", \"arguments\": {\"city\": Rome}}",
			"{\"name\": \"weather\", \"arguments\": {\"city\": \"Rome\"}, \"parameters\": {\"city\": \"Oslo\"}}",
			"{\"name\": \"weather\", \"arguments\": {\"city\": \"Rome\"}} or {\"name\": \"now\"}",
			"{\"name\": \"weather\" \"arguments\": {}}" })
	void jsonThatMayMeanSeveralThingsIsText(String json) {
		String answer = "<tool_call>" + json + "</tool_call>";
		assertThat(parse(HERMES, answer)).containsExactly(text(answer));
	}

	@Test
	void severalCallsMayStandInOneTag() {
		for (String separator : List.of("\n", "", ", ", ";\n")) {
			assertThat(parse(HERMES,
					"<tool_call>\n{\"name\": \"now\", \"arguments\": {}}" + separator
							+ "{\"name\": \"weather\", \"arguments\": {\"city\": \"Rio\"}}\n</tool_call>"))
				.containsExactly(call(1, "now", "{}"), call(2, "weather", "{\"city\":\"Rio\"}"));
		}
		assertThat(parse(XML,
				"<tool_call>\n<function=now>\n</function>\n<function=weather>\n<parameter=city>\nRio\n</parameter>\n"
						+ "</function>\n</tool_call>"))
			.containsExactly(call(1, "now", "{}"), call(2, "weather", "{\"city\":\"Rio\"}"));
	}

	@ParameterizedTest
	@ValueSource(strings = { "a </tool_call> b", "a </function> b", "a </parameter> b", "</parameter>",
			"see <parameter=x>", "a </function>\n</tool_call>", "<parameter=days>\n3\n</parameter>", "<tool_call>",
			"a\n</parameter>\nb" })
	void valuesOfXmlMayContainTags(String value) {
		String function = "<function=weather>\n<parameter=city>\n" + value + "\n</parameter>\n</function>";
		OutputEvent expected = new OutputEvent.ToolCalled(
				new ToolCall("id1", "weather", ModelFiles.JSON.createObjectNode().put("city", value).toString()));
		assertThat(parse(XML, "<tool_call>\n" + function + "\n</tool_call>")).containsExactly(expected);
		assertThat(parse(XML, function)).containsExactly(expected);
	}

	@Test
	void anXmlParameterWithoutEndTagIsReadWhereThatMeansOneThing() {
		assertThat(parse(XML,
				"<tool_call>\n<function=weather>\n<parameter=city>\nRome\n<parameter=days>\n3\n</parameter>\n"
						+ "</function>\n</tool_call>"))
			.containsExactly(call(1, "weather", "{\"city\":\"Rome\",\"days\":3}"));
		assertThat(parse(XML, "<tool_call>\n<function=weather>\n<parameter=city>\nRome\n</function>\n</tool_call>"))
			.containsExactly(call(1, "weather", "{\"city\":\"Rome\"}"));
	}

	@ParameterizedTest
	@ValueSource(strings = {
			"<tool_call>\n<function=weather>\n<parameter=city>\nRome <parameter=days>3</parameter>\n</function>\n</tool_call>",
			"<tool_call>\n<function=weather>\n<parameter=city>\nRome\n<parameter=unknown>\n3\n</parameter>\n</function>\n</tool_call>",
			"<tool_call>\n<function=weather>\n<parameter=city>\nRome\n<parameter=city>\nOslo\n</parameter>\n</function>\n</tool_call>",
			"<tool_call>\n<function=weather>\n<parameter=city>\nRome\n</function>\n</tool_call>\n<tool_call>\n"
					+ "<function=weather>\n<parameter=city>\nOslo\n</parameter>\n</function>\n</tool_call>",
			"<tool_call>\n<function=weather>\n<parameter=city>\nRome\n</function>\n</tool_call>\nThat is all.",
			"<tool_call>\n<function=weather>\n<parameter=city>\nRome\n</parameter>\n",
			"<tool_call>\n<function=weather>\n<parameter=city>\nRome",
			"<tool_call>\n<function=weather>\ncity=Rome\n</function>\n</tool_call>" })
	void anXmlCallThatMayMeanSeveralThingsIsText(String answer) {
		assertThat(parse(XML, answer)).containsExactly(text(answer));
	}

	@Test
	void anEmptyBodyIsACallWithoutArguments() {
		assertThat(parse(DEEPSEEK,
				"<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>now<｜tool▁sep｜><｜tool▁call▁end｜><｜tool▁calls▁end｜>"))
			.containsExactly(call(1, "now", "{}"));
		assertThat(parse(HARMONY, "<|channel|>commentary to=functions.now<|message|><|call|>"))
			.containsExactly(call(1, "now", "{}"));
		assertThat(parse("<function=", "<function=now></function>")).containsExactly(call(1, "now", "{}"));
		for (String arguments : List.of("null", "\"\"", "{}")) {
			assertThat(parse(HERMES, "<tool_call>{\"name\": \"now\", \"arguments\": " + arguments + "}</tool_call>"))
				.containsExactly(call(1, "now", "{}"));
		}
		OutputParser parser = parser(HARMONY, "<|start|>assistant", TOOLS);
		parser.append("<|channel|>commentary to=functions.now<|message|>");
		assertThat(parser.cut()).as("cut off").allMatch((event) -> event instanceof OutputEvent.Text);
	}

	@Test
	void argumentsHaveTheTypesOfTheSchema() {
		ToolDefinition tool = new ToolDefinition("types", "", """
				{"type": "object", "$defs": {"level": {"type": "integer"}}, "properties": {
				 "text": {"type": "string"}, "count": {"type": "integer"}, "both": {"type": ["string", "integer"]},
				 "none": {"type": ["string", "null"]}, "any": {}, "level": {"$ref": "#/$defs/level"},
				 "either": {"anyOf": [{"type": "boolean"}, {"type": "null"}]}, "choice": {"enum": ["1", "2"]},
				 "list": {"type": "array", "items": {"type": "integer"}}, "broken": {"$ref": "no pointer"}}}""");
		String xml = """
				<tool_call>
				<function=types>
				<parameter=text>
				5
				</parameter>
				<parameter=count>
				5
				</parameter>
				<parameter=both>
				5
				</parameter>
				<parameter=none>
				null
				</parameter>
				<parameter=any>
				[1]
				</parameter>
				<parameter=level>
				7
				</parameter>
				<parameter=either>
				True
				</parameter>
				<parameter=choice>
				2
				</parameter>
				<parameter=list>
				["1", 2]
				</parameter>
				<parameter=broken>
				1.50
				</parameter>
				</function>
				</tool_call>""";
		assertThat(calls(XML, tool, xml)).isEqualTo("{\"text\":\"5\",\"count\":5,\"both\":5,\"none\":null,\"any\":[1],"
				+ "\"level\":7,\"either\":true,\"choice\":\"2\",\"list\":[1,2],\"broken\":1.50}");
		assertThat(calls(HERMES, tool, "<tool_call>{\"name\": \"types\", \"arguments\": {\"text\": 5, \"count\": \"5\","
				+ " \"both\": \"5\", \"none\": \"null\", \"any\": \"5\", \"level\": \"x\", \"list\": \"[1]\"}}</tool_call>"))
			.isEqualTo(
					"{\"text\":\"5\",\"count\":5,\"both\":\"5\",\"none\":\"null\",\"any\":\"5\",\"level\":\"x\",\"list\":[1]}");
	}

	private static String calls(String format, ToolDefinition tool, String answer) {
		OutputParser parser = parser(format, "", List.of(tool));
		List<OutputEvent> events = new ArrayList<>(parser.append(answer));
		events.addAll(parser.flush());
		return ((OutputEvent.ToolCalled) events.getFirst()).call().argumentsJson();
	}

	@Test
	void hostileAnswersAreReadInLinearTime() {
		int many = 20_000;
		for (String answer : List.of("<tool_call>".repeat(many), "{\"name\":".repeat(many), "[".repeat(many),
				"<tool_call>\n<function=weather>\n<parameter=city>\n" + "</parameter> ".repeat(many),
				"<tool_call>\n<function=weather>\n<parameter=city>\n" + "</function>".repeat(many),
				"<tool_call>\n<function=weather>\n<parameter=city>\n" + "<parameter=days>\n".repeat(many)
						+ "</parameter></function></tool_call>",
				"\n".repeat(many), "```json\n".repeat(many), "<tool_call>{\"name\": \"" + "\\".repeat(many),
				"a\n{".repeat(many))) {
			assertThat(parse(XML, answer)).as(answer.substring(0, 60)).isNotEmpty();
			assertThat(parse(HERMES, answer)).as(answer.substring(0, 60)).isNotEmpty();
			assertThat(parse(LLAMA, answer)).as(answer.substring(0, 60)).isNotEmpty();
		}
	}

	@Test
	void withoutToolsCallsAreText() {
		String answer = "<tool_call>{\"name\": \"now\"}</tool_call>";
		OutputParser parser = parser(HERMES, "", List.of());
		assertThat(parser.append(answer)).containsExactly(text(answer));
	}

	@ParameterizedTest
	@ValueSource(strings = { "<tool_call>", "<tool_call>no json</tool_call>", "<tool_call>{\"name\": 1}</tool_call>",
			"a <tool_call>{\"name\": \"now\", \"arguments\": 3}</tool_call> b", "<tool_call>[]</tool_call>", "<tool_",
			"<tool_call>{\"name\": \"now\"", "<tool_call>{\"name\": \"now\"} {}</tool_call>" })
	void whatDoesNotReadAsACallIsText(String answer) {
		assertThat(parse(HERMES, answer)).containsExactly(text(answer));
	}

	@ParameterizedTest
	@ValueSource(strings = { "[TOOL_CALLS]", "[TOOL_CALLS] none, sorry", "[TOOL_CALLS] [1, 2]", "[TOOL_CALLS] []",
			"[TOOL_CALLS] [{\"name\": \"now\"}", "[TOOL_CALLS] [}", "[TOOL_CALLS]now[ARGS]",
			"[TOOL_CALLS]now {\"a\"}" })
	void whatMistralDoesNotReadAsACallIsText(String answer) {
		assertThat(parse(MISTRAL, answer)).containsExactly(text(answer));
	}

	@ParameterizedTest
	@ValueSource(strings = { "<|start|>", "<|channel|>analysis", "<|start|>assistant<|channel|>", "<|start|>user: hi",
			"<|start|><|start|><|channel|><|channel|>", "<|channel|>final<|message|><|channel|>" })
	void whatHarmonyDoesNotReadAsAHeaderIsText(String answer) {
		assertThat(parse(HARMONY, answer)).containsExactly(text(answer.replace("<|channel|>final<|message|>", "")));
	}

	@Test
	void aTagIsHeldBackOnlyWhileItMayBecomeOne() {
		OutputParser parser = parser(HERMES, "", TOOLS);
		assertThat(parser.append("a <")).containsExactly(text("a"));
		assertThat(parser.append("tool")).isEmpty();
		assertThat(parser.append("box")).containsExactly(text(" <toolbox"));
		assertThat(parser.flush()).isEmpty();
	}

	@Test
	void idsAreNineLettersAndDigits() {
		OutputParser parser = OutputParser.create(template(HERMES), "", TOOLS);
		assertThat(parser.append("<tool_call>{\"name\": \"now\"}</tool_call>")).singleElement()
			.satisfies((event) -> assertThat(((OutputEvent.ToolCalled) event).call().id()).matches("[A-Za-z0-9]{9}"));
	}

	@Test
	void longArgumentsAreReadInLinearTime() {
		OutputParser parser = parser(MISTRAL, "", TOOLS);
		parser.append("[TOOL_CALLS][{\"name\": \"weather\", \"arguments\": {\"city\": \"");
		for (int i = 0; i < 200_000; i++) {
			assertThat(parser.append("word ")).isEmpty();
		}
		assertThat(parser.append("\"}}]")).hasSize(1);
	}

	@Property(tries = 3000)
	void piecesDoNotChangeWhatComesOut(@ForAll("answers") String answer, @ForAll("formats") String format,
			@ForAll long seed) {
		List<OutputEvent> whole = parse(format, answer);
		Random random = new Random(seed);
		OutputParser parser = parser(format, "", TOOLS);
		List<OutputEvent> events = new ArrayList<>();
		for (int begin = 0; begin < answer.length();) {
			int end = Math.min(answer.length(), begin + 1 + random.nextInt(random.nextBoolean() ? 2 : 12));
			events.addAll(parser.append(answer.substring(begin, end)));
			begin = end;
		}
		events.addAll(parser.flush());
		assertThat(merge(events)).isEqualTo(whole);
		assertThat(events).allSatisfy((event) -> assertThat(event).isNotEqualTo(text("")).isNotEqualTo(reasoning("")));
	}

	@Property(tries = 1000)
	void answersWithoutCallsAreTextWhole(@ForAll("answers") String answer) {
		List<OutputEvent> events = parse(HERMES, answer);
		// some models end reasoning that they did not begin
		boolean thinks = answer.contains("<think>") || answer.strip().startsWith("</think>");
		if (!thinks && events.stream().allMatch((event) -> event instanceof OutputEvent.Text)) {
			assertThat(events).isEqualTo(answer.isEmpty() ? List.of() : List.of(text(answer)));
		}
	}

	@Provide
	Arbitrary<String> answers() {
		return Arbitraries
			.of("a", " ", "\n", "<", "</", "word", "<think>", "</think>", "[THINK]", "[/THINK]", "<tool_call>",
					"</tool_call>", "<function=now>", "</function>", "<parameter=x>", "1", "</parameter>",
					"[TOOL_CALLS]", "now", "[ARGS]", "[CALL_ID]", "[", "]", "{", "}", "{}", "\"", "\\", ",", ":",
					"<|python_tag|>", "<|", "{\"name\": \"now\", \"arguments\": {}}",
					"{\"name\": \"now\", \"parameters\": {\"x\": \"</tool_call>\"}}", "{\"a\": 1}",
					"[{\"name\": \"now\"}]", "<tool", "\"name\"", "{\"name\"", "<func", "<|channel|>", "<|message|>",
					"<|end|>", "<|start|>", "<|call|>", "assistant", "analysis", "final", " to=functions.now",
					" to=now", "<|channel|>analysis<|message|>", "<|channel|>final<|message|>", "<｜tool▁calls▁begin｜>",
					"<｜tool▁call▁begin｜>now<｜tool▁sep｜>", "<｜tool▁call▁end｜>", "<｜tool▁calls▁end｜>")
			.list()
			.ofMaxSize(12)
			.map((list) -> String.join("", list));
	}

	@Provide
	Arbitrary<String> formats() {
		return Arbitraries.of(HERMES, XML, MISTRAL, LLAMA, DEEPSEEK, HARMONY);
	}

	private static ChatTemplate template(String source) {
		return ChatTemplate.parse("{% raw %}" + source + "{% endraw %}", "test", Map.of(), Clock.systemUTC());
	}

	private static OutputParser parser(String format, String prompt, List<ToolDefinition> tools) {
		AtomicInteger ids = new AtomicInteger();
		return OutputParser.create(template(format), prompt, tools, () -> "id" + ids.incrementAndGet());
	}

	private static List<OutputEvent> parse(String format, String answer) {
		OutputParser parser = parser(format, "", TOOLS);
		List<OutputEvent> events = new ArrayList<>(parser.append(answer));
		events.addAll(parser.flush());
		return merge(events);
	}

	private static List<OutputEvent> merge(List<OutputEvent> events) {
		List<OutputEvent> merged = new ArrayList<>();
		for (OutputEvent event : events) {
			OutputEvent before = merged.isEmpty() ? null : merged.getLast();
			if (event instanceof OutputEvent.Text b && before instanceof OutputEvent.Text a) {
				merged.set(merged.size() - 1, text(a.text() + b.text()));
			}
			else if (event instanceof OutputEvent.Reasoning b && before instanceof OutputEvent.Reasoning a) {
				merged.set(merged.size() - 1, reasoning(a.text() + b.text()));
			}
			else {
				merged.add(event);
			}
		}
		return merged;
	}

	private static OutputEvent text(String text) {
		return new OutputEvent.Text(text);
	}

	private static OutputEvent reasoning(String text) {
		return new OutputEvent.Reasoning(text);
	}

	private static OutputEvent call(int id, String name, String arguments) {
		return call("id" + id, name, arguments);
	}

	private static OutputEvent call(String id, String name, String arguments) {
		return new OutputEvent.ToolCalled(new ToolCall(id, name, arguments));
	}

}
