package io.github.flashspring.jinja;

import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

import tools.jackson.core.type.TypeReference;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/**
 * Published templates, small and real ones. Where Python's Jinja2 differs from the
 * expectation of the file, Python is right.
 */
class JinjaVectorTests {

	private static final Clock CLOCK = Clock.fixed(Instant.parse("2025-07-10T12:00:00Z"), ZoneOffset.UTC);

	private static final String PYTHON_ERROR = "(?s)\\w*(?:Error|Exception): .*";

	/** Their contexts hold functions; values of this module are data only. */
	private static final Set<String> FUNCTIONS_IN_CONTEXT = Set.of("NUMBERS", "FUNCTIONS", "OBJ_METHODS",
			"IS_OPERATOR_4");

	@TestFactory
	Stream<DynamicTest> rendersWholeChatTemplates() {
		return read("jinja-e2e.json").valueStream().map((vector) -> test(vector, "chat_template", "data"));
	}

	@TestFactory
	Stream<DynamicTest> rendersSmallTemplates() {
		return read("jinja-unit.json").valueStream().map((vector) -> test(vector, "template", "context"));
	}

	private static DynamicTest test(JsonNode vector, String template, String data) {
		String name = vector.get("name").stringValue();
		return DynamicTest.dynamicTest(name, () -> {
			if (FUNCTIONS_IN_CONTEXT.contains(name)) {
				assertThatThrownBy(() -> check(vector, template, data)).isInstanceOf(Throwable.class);
			}
			else {
				check(vector, template, data);
			}
		});
	}

	private static void check(JsonNode vector, String template, String data) {
		JsonNode python = vector.path("python_jinja2_output");
		String expected = python.isString() ? python.stringValue() : vector.get("expected").stringValue();
		Map<String, Object> variables = JsonMapper.shared()
			.convertValue(vector.get(data), new TypeReference<Map<String, Object>>() {
			});
		if (python.isString() && expected.matches(PYTHON_ERROR)) {
			assertThatThrownBy(() -> render(vector.get(template).stringValue(), variables))
				.isInstanceOf(JinjaException.class);
		}
		else {
			assertThat(render(vector.get(template).stringValue(), variables)).isEqualTo(expected);
		}
	}

	private static JsonNode read(String name) {
		return JsonMapper.shared().readTree(Path.of("src/test/resources/vectors", name).toFile());
	}

	private static String render(String template, Map<String, Object> variables) {
		return JinjaTemplate.parse(template, Limits.DEFAULT).render(variables, CLOCK).string();
	}

}
