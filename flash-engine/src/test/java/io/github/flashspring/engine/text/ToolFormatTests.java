package io.github.flashspring.engine.text;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Calls in the formats of all families, rendered by published templates and by short ones
 * that write calls as these do, cut into pieces and damaged.
 */
class ToolFormatTests {

	private static final Path TEMPLATES = Path.of("src/test/resources/tool-templates");

	private static final JsonMapper JSON = JsonMapper.builder()
		.enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
		.build();

	private static final JsonNodeFactory NODES = JSON.getNodeFactory();

	private static final List<ToolDefinition> TOOLS = List.of(new ToolDefinition("get_weather", "", """
			{"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"},
			 "exact": {"type": "boolean"}, "places": {"type": "array"}, "options": {"type": "object"},
			 "limit": {"type": ["number", "null"]}, "note": {"type": "string"}}}"""), new ToolDefinition("now", "", ""),
			new ToolDefinition("files-read.v2", "", """
					{"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]}"""));

	/** Those of the templates in the test vectors that write calls as objects. */
	private static final Set<String> PUBLISHED = Set.of("qwen3", "qwen2.5", "mistral-nemo", "mistral-common-v3",
			"mistral-common-v3_spm", "mistral-common-v7", "mistral-common-v13", "Qwen/Qwen3.5-4B",
			"openbmb/MiniCPM3-4B", "zai-org/GLM-5.1", "mistralai/Mistral-7B-Instruct-v0.3 (JSON Schema)");

	/** Models of these write one call only. */
	static final Set<String> SINGLE = Set.of("gigachat3");

	private static final List<String> TEXTS = List.of("Rome", "it's", "\"quoted\"", "é", "日本", "😀", "\n", "\n\n", " ",
			"\t", "{", "}", "[x]", "</a>", "a=b", ",", "5", "true", "null", "\\d+", "C:\\new", "</parameter>",
			"</function>", "</tool_call>", "<tool_call>", "#", "`", "'", "]", ")", "]]", "${x}", "%s", "<b>", "&amp;");

	@TestFactory
	Stream<DynamicTest> callsComeBackHoweverTheyAreCut() {
		return templates().map((template) -> DynamicTest.dynamicTest(template.name(), () -> {
			Random random = new Random(1);
			for (int i = 0; i < 40; i++) {
				List<ToolCall> calls = calls(random, template, ToolFormatTests::text);
				String answer = template.answer(calls);
				assertThat(describe(template.parse(answer, (_) -> 1))).as(answer).isEqualTo(describe(calls));
				assertThat(describe(template.parse(answer, (_) -> 1 + random.nextInt(20)))).as(answer)
					.isEqualTo(describe(calls));
			}
		}));
	}

	@TestFactory
	Stream<DynamicTest> textAroundCallsIsKept() {
		return ownTemplates().map((template) -> DynamicTest.dynamicTest(template.name(), () -> {
			List<ToolCall> calls = List.of(new ToolCall("abcdefgh0", "get_weather", "{\"city\":\"Rome\"}"));
			String answer = template.answer(calls);
			List<String> expected = new ArrayList<>(List.of("says Well."));
			expected.addAll(describe(calls));
			assertThat(describe(template.parse(template.said("Well.\n") + answer, (_) -> 1)))
				.as("%s%s", template.said("Well.\n"), answer)
				.isEqualTo(expected);
		}));
	}

	@TestFactory
	Stream<DynamicTest> damagedAnswersLoseAndDoubleNoText() {
		return templates().map((template) -> DynamicTest.dynamicTest(template.name(), () -> damage(template, 250)));
	}

	@Tag("slow")
	@TestFactory
	Stream<DynamicTest> manyDamagedAnswersLoseAndDoubleNoText() {
		return templates().map((template) -> DynamicTest.dynamicTest(template.name(), () -> damage(template, 10_000)));
	}

	/** Words that occur once in an answer must occur once in what is told. */
	private static void damage(Template template, int tries) {
		Random random = new Random(2);
		for (int i = 0; i < tries; i++) {
			int[] words = { 0 };
			List<ToolCall> calls = calls(random, template, (_) -> word(words[0]++) + TEXTS.get(random.nextInt(20)));
			String answer = mutate(template.said(word(900) + "\n") + template.answer(calls) + "\n" + word(901), random,
					template);
			List<OutputEvent> whole = template.parse(answer, (_) -> answer.length());
			assertThat(describe(template.parse(answer, (_) -> 1 + random.nextInt(9)))).as(answer)
				.isEqualTo(describe(whole));
			String told = String.join("\n", describe(whole));
			String spoken = template.format()
				.silent()
				.stream()
				.reduce(answer, (text, silent) -> text.replace(silent, ""));
			Matcher word = Pattern.compile("Q(\\d+)x\\1Q").matcher(answer);
			while (word.find()) {
				if (isOnce(word.group(), answer) && isOnce(word.group(), spoken)) {
					assertThat(isOnce(word.group(), told)).as("%s in%n%s%nof%n%s", word.group(), told, answer).isTrue();
				}
			}
		}
	}

	private static boolean isOnce(String word, String text) {
		return text.contains(word) && text.indexOf(word) == text.lastIndexOf(word);
	}

	private static String word(int number) {
		return "Q" + number + "x" + number + "Q";
	}

	private static String mutate(String answer, Random random, Template template) {
		List<String> parts = new ArrayList<>(List.of("{", "}", "[", "]", "\"", "'", ",", ":", "\\", "\n", " ", "<", ">",
				"```", "```json\n", "<think>", "</think>", "null", "1", "(", ")", "="));
		parts.addAll(template.markers());
		StringBuilder text = new StringBuilder(answer);
		for (int i = random.nextInt(4); i >= 0 && !text.isEmpty(); i--) {
			int at = random.nextInt(text.length());
			int end = Math.min(text.length(), at + 1 + random.nextInt(random.nextBoolean() ? 2 : 20));
			String part = parts.get(random.nextInt(parts.size()));
			switch (random.nextInt(6)) {
				case 0 -> text.delete(at, end);
				case 1 -> text.insert(at, text.substring(at, end));
				case 2 -> text.insert(at, part);
				case 3 -> text.replace(at, end, part);
				case 4 -> text.setLength(end);
				default -> {
					int marker = text.indexOf(part, at);
					text.delete(Math.max(marker, 0), Math.max(marker, 0) + ((marker < 0) ? 0 : part.length()));
				}
			}
		}
		return text.toString();
	}

	@TestFactory
	Stream<DynamicTest> aMissingTagNeverChangesArguments() {
		return templates().map((template) -> DynamicTest.dynamicTest(template.name(), () -> {
			List<ToolCall> calls = new ArrayList<>(List.of(
					new ToolCall("abcdefgh0", "get_weather", "{\"city\":\"Rome\",\"days\":3,\"note\":\"two\\nlines\"}"),
					new ToolCall("abcdefgh1", "files-read.v2", "{\"path\":\"a/b\"}")));
			calls = SINGLE.contains(template.name()) ? calls.subList(0, 1) : calls;
			String answer = template.answer(calls);
			List<String> expected = describe(calls);
			for (String marker : template.markers()) {
				for (int at = answer.indexOf(marker); at >= 0; at = answer.indexOf(marker, at + 1)) {
					String damaged = answer.substring(0, at) + answer.substring(at + marker.length());
					assertThat(describe(template.parse(damaged, (_) -> damaged.length()))).as(damaged)
						.filteredOn(ToolFormatTests::isKnownCall)
						.allMatch(expected::contains);
				}
			}
			for (int length = 0; length < answer.length(); length++) {
				String beginning = answer.substring(0, length);
				OutputParser parser = OutputParser.create(template.template(), template.prompt(), TOOLS);
				List<OutputEvent> events = new ArrayList<>(parser.append(beginning));
				events.addAll(parser.cut());
				assertThat(describe(events)).as(beginning)
					.filteredOn(ToolFormatTests::isKnownCall)
					.allMatch(expected::contains);
			}
		}));
	}

	@TestFactory
	Stream<DynamicTest> aCutCallLeavesNoTextBesideWholeOnes() {
		return templates().filter((template) -> !SINGLE.contains(template.name()))
			.map((template) -> DynamicTest.dynamicTest(template.name(), () -> {
				String answer = template.answer(List.of(
						new ToolCall("abcdefgh0", "get_weather",
								"{\"city\":\"Rome\",\"days\":3,\"note\":\"two\\nlines\"}"),
						new ToolCall("abcdefgh1", "files-read.v2", "{\"path\":\"a/b\"}")));
				for (int length = 0; length < answer.length(); length++) {
					OutputParser parser = OutputParser.create(template.template(), template.prompt(), TOOLS);
					List<OutputEvent> events = new ArrayList<>(parser.append(answer.substring(0, length)));
					events.addAll(parser.cut());
					if (events.stream().anyMatch(OutputEvent.ToolCalled.class::isInstance)) {
						assertThat(events).as(answer.substring(0, length))
							.noneMatch(OutputEvent.Text.class::isInstance);
					}
				}
			}));
	}

	private static boolean isKnownCall(String told) {
		return TOOLS.stream().anyMatch((tool) -> told.startsWith("calls " + tool.name() + " "));
	}

	@TestFactory
	Stream<DynamicTest> callsAreReadAsTheFormatWritesThem() {
		return Stream.of(ToolFormat.values())
			.filter((format) -> format != ToolFormat.NONE)
			.map((format) -> DynamicTest.dynamicTest(format.name(), () -> {
				Random random = new Random(3);
				for (int i = 0; i < 40; i++) {
					List<ToolCall> calls = calls(random, null,
							(each) -> List.of("Rome", "two words", "é", "日本", "").get(each.nextInt(5)));
					calls = (format == ToolFormat.GIGACHAT) ? calls.subList(0, 1) : calls;
					String answer = write(format.writing(), calls);
					OutputParser parser = new TaggedOutput(format, true, new ToolCallReader(TOOLS, () -> "id"), "",
							null, "");
					List<OutputEvent> events = new ArrayList<>(parser.append(answer));
					events.addAll(parser.flush());
					assertThat(describe(events)).as(answer).isEqualTo(describe(calls));
					assertThat(answer).startsWith(format.writing().opening());
				}
			}));
	}

	@Test
	void eachTemplateIsRecognised() {
		assertThat(ownTemplates().filter((template) -> template.format() == ToolFormat.GENERIC))
			.extracting(Template::name)
			.containsExactly("gpt-oss");
		assertThat(templates().map(Template::format)).contains(Stream.of(ToolFormat.values())
			.filter((format) -> format != ToolFormat.NONE)
			.toArray(ToolFormat[]::new));
	}

	@Test
	void nestedElementsBecomeObjectsAndArrays() {
		ChatTemplate template = ChatTemplate.parse("]<]minimax[>[ <mm:think></mm:think>", "m3", Map.of(),
				Clock.systemUTC());
		ToolDefinition plan = new ToolDefinition("plan", "",
				"""
						{"type": "object", "properties": {"stops": {"type": "array", "items": {"type": "object", "properties":
						{"city": {"type": "string"}, "nights": {"type": "integer"}}}}, "notes": {"type": "array", "items": {"type": "string"}},
						"none": {"type": "array"}, "extra": {}}}""");
		String call = """
				]<]minimax[>[<tool_call>
				]<]minimax[>[<invoke name="plan">]<]minimax[>[<stops>]<]minimax[>[<item>]<]minimax[>[<city>5]<]minimax[>[</city>\
				]<]minimax[>[<nights>2]<]minimax[>[</nights>]<]minimax[>[</item>
				]<]minimax[>[<item>]<]minimax[>[<city>a < b
				]<]minimax[>[</city>]<]minimax[>[</item>]<]minimax[>[</stops>]<]minimax[>[<notes>]<]minimax[>[<item>7]<]minimax[>[</item>\
				]<]minimax[>[</notes>]<]minimax[>[<none>]<]minimax[>[</none>]<]minimax[>[<extra>]<]minimax[>[<a>1]<]minimax[>[</a>\
				]<]minimax[>[<b>]<]minimax[>[<item>x]<]minimax[>[</item>]<]minimax[>[</b>]<]minimax[>[</extra>]<]minimax[>[</invoke>
				]<]minimax[>[</tool_call>""";
		for (String before : List.of("", "</mm:think>", "<mm:think>Hm.</mm:think>")) {
			OutputParser parser = OutputParser.create(template, "", List.of(plan));
			List<OutputEvent> events = new ArrayList<>(parser.append(before + call));
			events.addAll(parser.flush());
			assertThat(describe(events)).last()
				.isEqualTo("calls plan {\"extra\":{\"a\":1,\"b\":[\"x\"]},\"none\":[],\"notes\":[\"7\"],"
						+ "\"stops\":[{\"city\":\"5\",\"nights\":2},{\"city\":\"a < b\\n\"}]}");
			assertThat(events).hasSize(before.startsWith("<") && before.contains("Hm") ? 2 : 1);
		}
	}

	@Test
	void museSpeaksToItselfToolsAndTheUser() {
		ChatTemplate template = ChatTemplate.parse("<|start|>assistant<atem:function_calls>", "muse", Map.of(),
				Clock.systemUTC());
		String answer = " to=self<|message|>Hm.<|eom|><|start|>assistant to=user<|message|>It is to=5.<|eom|>"
				+ "<|start|>assistant to=self<|message|>And now?<|eom|><|start|>assistant to=now<|message|>"
				+ "<atem:function_calls>\n<atem:invoke name=\"now\">\n</atem:invoke>\n</atem:function_calls>";
		for (int length = 1; length < 40; length++) {
			OutputParser parser = OutputParser.create(template, "<|start|>assistant", TOOLS);
			List<OutputEvent> events = new ArrayList<>();
			for (int begin = 0; begin < answer.length(); begin += length) {
				events.addAll(parser.append(answer.substring(begin, Math.min(answer.length(), begin + length))));
			}
			events.addAll(parser.flush());
			assertThat(describe(events)).containsExactly("thinks Hm.", "says It is to=5.", "thinks And now?",
					"calls now {}");
		}
		OutputParser parser = OutputParser.create(template, "<|start|>assistant", List.of());
		List<OutputEvent> events = new ArrayList<>(parser.append(" to=user<|message|>Hello <|eom|>"));
		events.addAll(parser.flush());
		assertThat(describe(events)).hasSize(1).first().asString().startsWith("says Hello");
	}

	private static String write(ToolWriting writing, List<ToolCall> calls) {
		StringBuilder text = new StringBuilder(writing.begin());
		for (int i = 0; i < calls.size(); i++) {
			JsonNode arguments = JSON.readTree(calls.get(i).argumentsJson());
			text.append((i > 0) ? writing.separator() : "")
				.append(writing.call()
					.replace("INDEX", String.valueOf(i))
					.replaceFirst("(?<!CALL_)ID", calls.get(i).id())
					.replace("NAME", calls.get(i).name())
					.replace("ARGUMENTS",
							writing.parameter().isEmpty() ? arguments.toString() : parameters(writing, arguments)));
		}
		return text.append(writing.end()).toString();
	}

	private static String parameters(ToolWriting writing, JsonNode arguments) {
		List<String> written = new ArrayList<>();
		arguments.propertyStream().forEach((argument) -> {
			JsonNode value = argument.getValue();
			String quote = writing.parameter().startsWith("NAME:") ? "<|\"|>"
					: writing.parameter().startsWith("NAME=") ? "\"" : "";
			String text = value.isString() ? quote + value.stringValue() + quote : value.toString();
			text = quote.startsWith("<") && !value.isString() ? text.replace("\"", quote) : text;
			written.add(writing.parameter()
				.replace("ISSTRING", String.valueOf(value.isString()))
				.replace("TYPE", value.isString() ? "string" : "other")
				.replace("NAME", argument.getKey())
				.replace("VALUE", text));
		});
		return String.join(writing.parameterSeparator(), written);
	}

	private static List<ToolCall> calls(Random random, @Nullable Template template, Function<Random, String> texts) {
		List<ToolCall> calls = new ArrayList<>();
		int count = (template != null && SINGLE.contains(template.name())) ? 1 : 1 + random.nextInt(3);
		for (int i = 0; i < count; i++) {
			ObjectNode arguments = NODES.objectNode();
			int tool = random.nextInt(6);
			if (tool == 0) {
				arguments.put("path", texts.apply(random));
			}
			else if (tool > 1) {
				JSON.readTree(TOOLS.getFirst().parametersJsonSchema())
					.get("properties")
					.propertyStream()
					.filter((property) -> random.nextBoolean()
							&& (template == null || template.format() != ToolFormat.MINIMAX_M3
									|| property.getValue().get("type").isString() && !Set.of("array", "object")
										.contains(property.getValue().get("type").stringValue())))
					.forEach((property) -> arguments.set(property.getKey(),
							value(random, property.getValue().get("type"), texts, 0)));
			}
			String name = switch (tool) {
				case 0 -> "files-read.v2";
				case 1 -> "now";
				default -> "get_weather";
			};
			calls.add(new ToolCall("abcdefgh" + i, name, arguments.toString()));
		}
		return calls;
	}

	private static JsonNode value(Random random, JsonNode type, Function<Random, String> texts, int depth) {
		if (type.isArray()) {
			return value(random, type.get(random.nextInt(type.size())), texts, depth);
		}
		List<String> any = List.of("string", "integer", "boolean", "null", "number", "array", "object");
		JsonNode inner = NODES.stringNode(any.get(random.nextInt((depth < 2) ? 7 : 5)));
		return switch (type.stringValue()) {
			case "string" -> NODES.stringNode(texts.apply(random));
			case "integer" -> NODES.numberNode((random.nextInt(4) == 0) ? random.nextLong() : random.nextInt(100) - 50);
			case "boolean" -> NODES.booleanNode(random.nextBoolean());
			case "number" -> NODES.numberNode(new BigDecimal(random.nextInt(1000) + ".25"));
			case "null" -> NODES.nullNode();
			case "array" -> {
				ArrayNode array = NODES.arrayNode();
				for (int i = random.nextInt(3); i > 0; i--) {
					array.add(value(random, inner, texts, depth + 1));
				}
				yield array;
			}
			default -> {
				ObjectNode object = NODES.objectNode();
				for (int i = random.nextInt(3); i > 0; i--) {
					object.set("k" + i, value(random, inner, texts, depth + 1));
				}
				yield object;
			}
		};
	}

	private static String text(Random random) {
		StringBuilder text = new StringBuilder();
		for (int i = random.nextInt(5); i > 0; i--) {
			text.append(TEXTS.get(random.nextInt(TEXTS.size())));
		}
		return text.toString();
	}

	private static List<String> describe(List<?> events) {
		List<String> told = new ArrayList<>();
		for (Object event : events) {
			String next = switch (event) {
				case OutputEvent.Text text -> "says " + text.text();
				case OutputEvent.Reasoning reasoning -> "thinks " + reasoning.text();
				case OutputEvent.ToolCalled called -> describe(called.call());
				case ToolCall call -> describe(call);
				default -> throw new IllegalArgumentException(event.toString());
			};
			String kind = next.substring(0, next.indexOf(' ') + 1);
			if (!kind.equals("calls ") && !told.isEmpty() && told.getLast().startsWith(kind)) {
				told.set(told.size() - 1, told.getLast() + next.substring(kind.length()));
			}
			else {
				told.add(next);
			}
		}
		return told;
	}

	/** With sorted keys, since some templates sort them, and numbers by their values. */
	private static String describe(ToolCall call) {
		return "calls " + call.name() + " " + sorted(JSON.readTree(call.argumentsJson()));
	}

	private static JsonNode sorted(JsonNode node) {
		if (node.isNumber()) {
			return NODES.numberNode(node.decimalValue().stripTrailingZeros());
		}
		if (node.isArray()) {
			ArrayNode array = NODES.arrayNode();
			node.values().forEach((value) -> array.add(sorted(value)));
			return array;
		}
		if (node.isObject()) {
			ObjectNode object = NODES.objectNode();
			new TreeSet<>(node.propertyNames()).forEach((key) -> object.set(key, sorted(node.get(key))));
			return object;
		}
		return node;
	}

	static Stream<Template> templates() {
		Stream<Template> rendered = TextVectors.read("chat-rendered.json")
			.get("templates")
			.propertyStream()
			.filter((entry) -> PUBLISHED.contains(entry.getKey()))
			.map((entry) -> Template.read(entry.getKey() + " (published)",
					entry.getValue().get("template").stringValue()));
		Stream<Template> others = TextVectors.jinjaTemplates()
			.valueStream()
			.filter((entry) -> PUBLISHED.contains(entry.get("name").stringValue()))
			.map((entry) -> Template.read(entry.get("name").stringValue() + " (published)",
					entry.get("chat_template").stringValue()));
		return Stream.of(ownTemplates(), rendered, others).flatMap(Function.identity());
	}

	private static Stream<Template> ownTemplates() {
		try (Stream<Path> files = Files.list(TEMPLATES)) {
			return files.sorted().toList().stream().map((file) -> {
				try {
					return Template.read(file.getFileName().toString().replace(".jinja", ""), Files.readString(file));
				}
				catch (IOException ex) {
					throw new UncheckedIOException(ex);
				}
			});
		}
		catch (IOException ex) {
			throw new UncheckedIOException(ex);
		}
	}

	/**
	 * A template, and how to get from it what a model answers.
	 */
	record Template(String name, ChatTemplate template, ToolFormat format, String prompt) {

		private static final String QUESTION = "Well?";

		static Template read(String name, String source) {
			ChatTemplate template = ChatTemplate.parse(source, name, Map.of("bos_token", "<s>", "eos_token", "</s>"),
					Clock.systemUTC());
			List<ChatMessage> messages = List.of(ChatMessage.user(QUESTION));
			String prompt = template.render(new ChatTemplateInput(messages, TOOLS, true, Map.of()));
			String text = render(template, List.of(new ToolCall("abcdefgh0", "now", "{}")));
			int common = 0;
			while (common < prompt.length() && prompt.charAt(common) == text.charAt(common)) {
				common++;
			}
			// a tag that was cut belongs to the answer
			int tag = prompt.lastIndexOf('<', common - 1);
			boolean cut = common < prompt.length() && prompt.substring(tag, common).indexOf('>') < 0;
			return new Template(name, template, ToolFormat.of(template), prompt.substring(0, cut ? tag : common));
		}

		private static String render(ChatTemplate template, List<ToolCall> calls) {
			List<ChatMessage> messages = List.of(ChatMessage.user(QUESTION), ChatMessage.assistant("", calls));
			return template.render(new ChatTemplateInput(messages, TOOLS, false, Map.of()));
		}

		String answer(List<ToolCall> calls) {
			String text = render(this.template, calls);
			assertThat(text).startsWith(this.prompt);
			String answer = text.substring(this.prompt.length());
			return this.name.endsWith("(published)") ? answer.replaceFirst("(?:<\\|im_end\\|>|</s>|\\s)+$", "")
					: answer;
		}

		/** Text before the calls, as the format has it. */
		String said(String text) {
			return switch (this.name) {
				case "functionary-3.2" -> "all\n" + text + ">>>";
				case "functionary-2" -> "all\n<|content|>" + text + "<|from|>assistant\n<|recipient|>";
				case "muse-glimmer" -> " to=user<|message|>" + text.strip() + "<|eom|><|start|>assistant";
				case "gpt-oss" -> "<|channel|>final<|message|>" + text.strip() + "<|end|><|start|>assistant";
				default -> text;
			};
		}

		Set<String> markers() {
			return OutputParser.create(this.template, this.prompt, TOOLS).markers();
		}

		List<OutputEvent> parse(String answer, Function<Integer, Integer> lengths) {
			OutputParser parser = OutputParser.create(this.template, this.prompt, TOOLS, () -> "id");
			List<OutputEvent> events = new ArrayList<>();
			for (int begin = 0; begin < answer.length();) {
				int end = Math.min(answer.length(), begin + Math.max(1, lengths.apply(begin)));
				events.addAll(parser.append(answer.substring(begin, end)));
				begin = end;
			}
			events.addAll(parser.flush());
			return events;
		}

	}

}
