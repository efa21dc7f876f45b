package io.github.flashspring.engine.text;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;

import com.networknt.schema.InputFormat;
import com.networknt.schema.Schema;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

import io.github.flashspring.engine.generate.Constraint;
import io.github.flashspring.engine.generate.grammar.Calls;
import io.github.flashspring.engine.generate.grammar.CompiledGrammar;
import io.github.flashspring.engine.generate.grammar.MaskCounters;
import io.github.flashspring.engine.generate.grammar.TokenVocabulary;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Calls that are forced in the formats of all families: tokens chosen at random from
 * those that are admitted always make calls that are read, with arguments that satisfy
 * the tools' schemas; and all that templates write is admitted.
 */
class ForcedFormatTests {

	private static final JsonMapper JSON = JsonMapper.shared();

	private static final SchemaRegistry REGISTRY = SchemaRegistry
		.withDefaultDialect(SpecificationVersion.DRAFT_2020_12);

	private static final String NESTED = """
			{"type":"object","properties":{"depth":{"type":["integer","null"]},"name":{"type":"string"},"tags":{"type":"array","items":{"type":"string"},
			"maxItems":3}},"required":["name"],"additionalProperties":false}""";

	/** Properties in alphabetical order, as some templates sort them. */
	private static final List<ToolDefinition> TOOLS = List.of(new ToolDefinition("get_weather", "",
			"""
					{"type":"object","properties":{"city":{"type":"string","minLength":1,"maxLength":12},
					"days":{"type":"integer","minimum":1,"maximum":14},"exact":{"type":"boolean"},"limit":{"type":["number","null"]},
					"note":{"type":"string"},"unit":{"enum":["celsius","fahrenheit"]}},"required":["city","days"]}"""),
			new ToolDefinition("now", "", "{\"type\":\"object\",\"properties\":{}}"),
			new ToolDefinition("files-read.v2", "",
					"""
							{"type":"object","properties":{"code":{"type":"string","pattern":"^[A-Z]{2}-[0-9]+$"},
							"either":{"anyOf":[{"type":"string"},{"type":"integer","maximum":9}]},
							"mixed":{"enum":["a","5",5,null,true]},"only":{"const":"true"},
							"or":{"anyOf":[{"type":"string","maxLength":5},{"type":"array","items":{"type":"integer"},"maxItems":2}]},
							"tree":%s,"when":{"type":["string","null"],"format":"date"}},
							"required":["tree"],"additionalProperties":false}"""
						.formatted(NESTED)));

	/**
	 * The tools without undeclared arguments, of which one that comes twice, with another
	 * value, is admitted but not read.
	 */
	private static final List<ToolDefinition> CLOSED = TOOLS.stream().map(ForcedFormatTests::closed).toList();

	/** Bytes of text. */
	private static final int BYTES = 255;

	private static final String[] PIECES = { "\",", "\":", "\": \"", "{\"", "\"}", "}]", "],", "true", "null", "\n  ",
			"12", "0.5", "ab", "é", "-01", "\\\"", "</parameter>", "</", "<", "parameter", "=", "('", "')", ", ", "😀",
			"None" };

	private static final List<String> TEXTS = List.of("Rome", "it's", "\"quoted\"", "é", "日本", "😀", "\n", " ", "\t",
			"{", "[x]", "</a>", "a=b", "5", "true", "null", "\\d+", "C:\\new", "<b>", "&amp;", "#", "`", "${x}", "]]",
			")");

	private static final int ANSWERS = 6;

	/** Answers that templates write. */
	private static final int WRITTEN = 20;

	/** Answers after which each tool was called, if it can be. */
	private static final int MANY_ANSWERS = 200;

	@TestFactory
	Stream<DynamicTest> randomTokensMakeValidCalls() {
		return templates().map((template) -> DynamicTest.dynamicTest(template.name(), () -> {
			List<byte @Nullable []> tokens = tokens(template);
			AnswerSyntax syntax = AnswerSyntax.of(template.template(), template.prompt());
			CompiledGrammar required = grammar(syntax, new Calls(CLOSED, true, true), tokens);
			CompiledGrammar single = grammar(syntax, new Calls(CLOSED, true, false), tokens);
			Set<String> called = new HashSet<>();
			Random random = new Random(5);
			for (int i = 0; i < ANSWERS || called.size() < CLOSED.size() && i < MANY_ANSWERS; i++) {
				boolean parallel = i % 2 == 0;
				String answer = walk((parallel ? required : single).constraint(), tokens, random);
				List<ToolCall> calls = valid(template, answer);
				assertThat(calls.size()).as(answer).isBetween(1, parallel ? Integer.MAX_VALUE : 1);
				calls.forEach((call) -> called.add(call.name()));
			}
			assertThat(called).hasSize(CLOSED.size());
		}));
	}

	@TestFactory
	Stream<DynamicTest> whatTemplatesWriteIsAdmitted() {
		return templates().map((template) -> DynamicTest.dynamicTest(template.name(), () -> {
			AnswerSyntax syntax = AnswerSyntax.of(template.template(), template.prompt());
			boolean harmony = syntax.kind() == AnswerSyntax.Kind.HARMONY;
			List<byte @Nullable []> tokens = bytes();
			List<String> special = harmony ? List.copyOf(template.markers()) : List.of();
			special.forEach((marker) -> tokens.add(TokenVocabulary.specialBytes(marker)));
			CompiledGrammar required = grammar(syntax, new Calls(TOOLS, true, true), tokens);
			CompiledGrammar auto = grammar(syntax, new Calls(TOOLS, false, true), tokens);
			Random random = new Random(6);
			for (int i = 0; i < WRITTEN; i++) {
				boolean one = harmony || ToolFormatTests.SINGLE.contains(template.name());
				List<ToolCall> calls = calls(random, one ? 1 : 3);
				// the end of the turn is no part of the answer
				String answer = template.answer(calls).strip().replaceFirst("<\\|call\\|>$", "");
				assertThat(admitted(required.constraint(), answer, special)).isEqualTo(answer);
				assertThat(admitted(auto.constraint(), answer, special)).isEqualTo(answer);
			}
		}));
	}

	@Test
	void undeclaredArgumentsAreAdmittedWhereTheSchemaLeavesThemOpen() {
		ToolFormatTests.Template template = templates().filter((each) -> each.name().equals("hermes"))
			.findFirst()
			.orElseThrow();
		AnswerSyntax syntax = AnswerSyntax.of(template.template(), template.prompt());
		String answer = template.answer(List.of(new ToolCall("id", "now", "{\"zone\":\"UTC\"}"))).strip();
		CompiledGrammar open = grammar(syntax, new Calls(TOOLS, true, true), bytes());
		CompiledGrammar closed = grammar(syntax, new Calls(CLOSED, true, true), bytes());
		assertThat(admitted(open.constraint(), answer, List.of())).isEqualTo(answer);
		assertThat(admitted(closed.constraint(), answer, List.of())).endsWith("\"arguments\": {");
	}

	/** As much of a text as is admitted, with some texts as special tokens. */
	private static String admitted(Constraint constraint, String text, List<String> special) {
		byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
		for (int i = 0; i < bytes.length;) {
			int token = bytes[i] & 0xff;
			int length = 1;
			for (int each = 0; each < special.size(); each++) {
				byte[] marker = special.get(each).getBytes(StandardCharsets.UTF_8);
				if (marker.length <= bytes.length - i
						&& Arrays.equals(marker, 0, marker.length, bytes, i, i + marker.length)) {
					token = BYTES + each;
					length = marker.length;
				}
			}
			if (!BitSet.valueOf(constraint.admitted()).get(token)) {
				return new String(bytes, 0, i, StandardCharsets.UTF_8);
			}
			constraint.advance(token);
			i += length;
		}
		return text + (constraint.mayEnd() ? "" : " without an end");
	}

	private static List<byte @Nullable []> bytes() {
		List<byte @Nullable []> tokens = new ArrayList<>();
		for (int value = 0; value < BYTES; value++) {
			tokens.add(new byte[] { (byte) value });
		}
		return tokens;
	}

	private static List<ToolCall> calls(Random random, int most) {
		List<ToolCall> calls = new ArrayList<>();
		for (int i = 1 + random.nextInt(most); i > 0; i--) {
			ObjectNode arguments = JSON.createObjectNode();
			String name = TOOLS.get(random.nextInt(3)).name();
			if (name.equals("get_weather")) {
				arguments.put("city", text(random));
				arguments.put("days", 1 + random.nextInt(14));
				maybe(random, () -> arguments.put("exact", random.nextBoolean()));
				maybe(random, () -> arguments.put("limit", random.nextInt(100) / 4.0));
				maybe(random, () -> arguments.put("note", text(random) + "\n" + text(random)));
				maybe(random, () -> arguments.put("unit", "celsius"));
			}
			else if (name.startsWith("files")) {
				maybe(random, () -> arguments.put("code", "RM-" + random.nextInt(1000)));
				maybe(random, () -> arguments.put("either", "Rome"));
				maybe(random, () -> arguments.put("mixed", 5));
				maybe(random, () -> arguments.put("only", "true"));
				maybe(random, () -> arguments.set("or", JSON.createArrayNode().add(1).add(-7)));
				ObjectNode tree = arguments.putObject("tree");
				maybe(random, () -> tree.putNull("depth"));
				tree.put("name", text(random));
				maybe(random, () -> tree.putArray("tags").add(text(random)).add(""));
				maybe(random, () -> arguments.put("when", "2026-11-30"));
			}
			calls.add(new ToolCall("abcdefgh" + i, name, arguments.toString()));
		}
		return calls;
	}

	private static ToolDefinition closed(ToolDefinition tool) {
		ObjectNode schema = (ObjectNode) JSON.readTree(tool.parametersJsonSchema());
		return new ToolDefinition(tool.name(), tool.description(),
				schema.put("additionalProperties", false).toString());
	}

	private static void maybe(Random random, Runnable action) {
		if (random.nextBoolean()) {
			action.run();
		}
	}

	private static String text(Random random) {
		return TEXTS.get(random.nextInt(TEXTS.size()));
	}

	/** Reads an answer that must be nothing but valid calls, behind reasoning. */
	private static List<ToolCall> valid(ToolFormatTests.Template template, String answer) {
		List<ToolCall> calls = new ArrayList<>();
		for (OutputEvent event : read(template, answer)) {
			if (event instanceof OutputEvent.Reasoning) {
				continue;
			}
			assertThat(event).as(answer).isInstanceOf(OutputEvent.ToolCalled.class);
			calls.add(((OutputEvent.ToolCalled) event).call());
		}
		for (ToolCall call : calls) {
			ToolDefinition tool = CLOSED.stream()
				.filter((each) -> each.name().equals(call.name()))
				.findFirst()
				.orElseThrow();
			assertThat(schema(tool).validate(call.argumentsJson(), InputFormat.JSON,
					(context) -> context.executionConfig((config) -> config.formatAssertionsEnabled(true))))
				.as("%s in%n%s", call.argumentsJson(), answer)
				.isEmpty();
		}
		return calls;
	}

	private static Schema schema(ToolDefinition tool) {
		return REGISTRY.getSchema(tool.parametersJsonSchema());
	}

	private static List<OutputEvent> read(ToolFormatTests.Template template, String answer) {
		OutputParser parser = OutputParser.create(template.template(), template.prompt(), TOOLS, () -> "id");
		List<OutputEvent> events = new ArrayList<>(parser.append(answer));
		events.addAll(parser.flush());
		return events;
	}

	/** Chooses among the admitted tokens, likelier those that end something. */
	private static String walk(Constraint constraint, List<byte @Nullable []> tokens, Random random) {
		StringBuilder bytes = new StringBuilder();
		while (!constraint.isComplete()) {
			int[] admitted = BitSet.valueOf(constraint.admitted()).stream().toArray();
			assertThat(admitted.length > 0 || constraint.mayEnd()).as("dead end behind " + text(bytes)).isTrue();
			if (constraint.mayEnd() && (admitted.length == 0 || random.nextInt(3) > 0)) {
				break;
			}
			int token = admitted[random.nextInt(admitted.length)];
			byte[] written = tokens.get(token);
			for (int i = (written[0] == (byte) 0xff) ? 1 : 0; i < written.length; i++) {
				bytes.append((char) (written[i] & 0xff));
			}
			constraint.advance(token);
			assertThat(bytes.length()).as("no end").isLessThan(1_000_000);
		}
		return text(bytes);
	}

	private static String text(StringBuilder bytes) {
		return new String(bytes.toString().getBytes(StandardCharsets.ISO_8859_1), StandardCharsets.UTF_8);
	}

	private static CompiledGrammar grammar(AnswerSyntax syntax, Calls calls, List<byte @Nullable []> tokens) {
		CompiledGrammar grammar = CompiledGrammar.of(null, calls, syntax, new TokenVocabulary(tokens), 1 << 20,
				new MaskCounters());
		assertThat(grammar.ignored()).isEmpty();
		return grammar;
	}

	/**
	 * Bytes, some pieces, and the markers of the format, as text and as special tokens.
	 * Those of harmony are special tokens in all models.
	 */
	private static List<byte @Nullable []> tokens(ToolFormatTests.Template template) {
		List<byte @Nullable []> tokens = bytes();
		boolean harmony = AnswerSyntax.of(template.template(), template.prompt()).kind() == AnswerSyntax.Kind.HARMONY;
		for (String piece : PIECES) {
			tokens.add(piece.getBytes(StandardCharsets.UTF_8));
		}
		for (String marker : template.markers()) {
			if (!harmony) {
				tokens.add(marker.getBytes(StandardCharsets.UTF_8));
			}
			tokens.add(TokenVocabulary.specialBytes(marker));
		}
		return tokens;
	}

	private static Stream<ToolFormatTests.Template> templates() {
		return ToolFormatTests.templates()
			.filter((template) -> AnswerSyntax.of(template.template(), template.prompt()).knowsCalls());
	}

}
