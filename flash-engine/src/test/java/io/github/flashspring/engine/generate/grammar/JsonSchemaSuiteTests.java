package io.github.flashspring.engine.generate.grammar;

import java.io.IOException;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import io.github.flashspring.engine.text.AnswerSyntax;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * The official test suite of JSON Schema: a value is valid if and only if its text is
 * admitted, where a text is one that the grammar spells: integers without fraction, and
 * properties in one order or another.
 *
 * @see <a href=
 * "https://github.com/json-schema-org/JSON-Schema-Test-Suite">JSON-Schema-Test-Suite</a>,
 * commit 44401e0c, draft 2020-12 (MIT)
 */
class JsonSchemaSuiteTests {

	private static final Path SUITE = Path.of("src/test/resources/json-schema-suite");

	/** Keywords that may be refused. */
	private static final Set<String> REFUSED = Set.of("not", "if", "then", "else", "dependentRequired",
			"dependentSchemas", "contains", "minContains", "maxContains", "unevaluatedProperties", "unevaluatedItems",
			"$dynamicRef", "uniqueItems", "$id", "$ref", "multipleOf", "minProperties", "oneOf", "format", "pattern",
			"patternProperties", "propertyNames");

	private static final JsonMapper JSON = JsonMapper.builder()
		.enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
		.enable(DeserializationFeature.USE_BIG_INTEGER_FOR_INTS)
		.build();

	private static Program compile(String schema, boolean strict) {
		return ProgramCompiler.compile(
				AnswerGrammar.of(new Structure.JsonSchema(schema, strict, false), null, AnswerSyntax.PLAIN).grammar());
	}

	@TestFactory
	Stream<DynamicTest> valuesAreAdmittedIfAndOnlyIfTheyAreValid() throws IOException {
		try (Stream<Path> files = Files.walk(SUITE)) {
			return files.filter((file) -> file.toString().endsWith(".json"))
				.sorted()
				.toList()
				.stream()
				.map((file) -> DynamicTest.dynamicTest(SUITE.relativize(file).toString(), () -> check(file)));
		}
	}

	private static void check(Path file) throws IOException {
		List<String> wrong = new ArrayList<>();
		for (JsonNode group : JSON.readTree(Files.readString(file))) {
			Program program;
			String name = file.getFileName() + ": " + group.get("description").stringValue();
			try {
				program = compile(group.get("schema").toString(), true);
			}
			catch (UnsupportedSchemaException ex) {
				if (!REFUSED.contains(ex.keyword()) || group.get("schema").at(ex.pointer()).isMissingNode()) {
					wrong.add(name + ": refused: " + ex.getMessage());
				}
				continue;
			}
			catch (GrammarException ex) {
				boolean none = group.get("tests").valueStream().noneMatch((test) -> test.get("valid").booleanValue());
				if (!none) {
					wrong.add(name + ": refused: " + ex.getMessage());
				}
				continue;
			}
			Automaton start = Automaton.start(program);
			for (JsonNode test : group.get("tests")) {
				boolean admitted = texts(test.get("data")).stream()
					.anyMatch((text) -> start.step(text.getBytes(StandardCharsets.UTF_8)).isAccepting());
				boolean valid = test.get("valid").booleanValue();
				// Formats leave rare forms out, such as leap seconds and quoted local
				// parts.
				if (admitted != valid && (admitted || !file.startsWith(SUITE.resolve("format")))) {
					wrong.add(name + ": " + test.get("description").stringValue() + ": " + test.get("data")
							+ " should be " + (valid ? "valid" : "invalid"));
				}
			}
		}
		assertThat(wrong).as(String.join("\n", wrong)).isEmpty();
	}

	/** The texts of a value: one for each order of its properties, for small ones. */
	private static List<String> texts(JsonNode value) {
		if (value.isNumber()) {
			BigDecimal number = value.decimalValue();
			return List.of((number.signum() == 0) ? "0" : number.stripTrailingZeros().toPlainString());
		}
		if (value.isArray()) {
			List<String> texts = List.of("[");
			for (int i = 0; i < value.size(); i++) {
				texts = join(texts, (i == 0) ? "" : ",", texts(value.get(i)));
			}
			return join(texts, "]", List.of(""));
		}
		if (value.isObject()) {
			List<String> texts = new ArrayList<>();
			orders(List.copyOf(value.propertyNames()), List.of()).forEach((order) -> {
				List<String> each = List.of("{");
				for (int i = 0; i < order.size(); i++) {
					each = join(each, ((i == 0) ? "" : ",") + JSON.writeValueAsString(order.get(i)) + ":",
							texts(value.get(order.get(i))));
				}
				texts.addAll(join(each, "}", List.of("")));
			});
			return texts;
		}
		return List.of(value.toString());
	}

	private static List<String> join(List<String> left, String middle, List<String> right) {
		return left.stream().flatMap((a) -> right.stream().map((b) -> a + middle + b)).toList();
	}

	private static List<List<String>> orders(List<String> names, List<String> begun) {
		if (begun.size() == names.size()) {
			return List.of(begun);
		}
		if (names.size() > 5) {
			return List.of(names);
		}
		return names.stream()
			.filter((name) -> !begun.contains(name))
			.flatMap((name) -> orders(names, Stream.concat(begun.stream(), Stream.of(name)).toList()).stream())
			.toList();
	}

}
