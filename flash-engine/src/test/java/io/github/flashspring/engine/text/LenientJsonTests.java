package io.github.flashspring.engine.text;

import java.util.Random;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectReader;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * JSON as models write it, against a strict parser where it is valid.
 */
class LenientJsonTests {

	private static final JsonNodeFactory NODES = ModelFiles.JSON.getNodeFactory();

	private static final ObjectReader STRICT = ModelFiles.JSON.reader()
		.with(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS);

	@Test
	void validJsonIsReadAsByAStrictParser() {
		Random random = new Random(1);
		for (int i = 0; i < 3000; i++) {
			JsonNode value = value(random, 0);
			String json = random.nextBoolean() ? value.toString() : value.toPrettyString();
			assertThat(LenientJson.parse(json)).as(json).hasToString(STRICT.readTree(json).toString());
			assertThat(pieces(json + "</tool_call>", random)).as(json).hasToString(STRICT.readTree(json).toString());
		}
	}

	@Test
	void damagedJsonIsReadTheSameInPieces() {
		Random random = new Random(2);
		for (int i = 0; i < 20_000; i++) {
			StringBuilder json = new StringBuilder(value(random, 0).toString());
			for (int j = random.nextInt(3); j >= 0 && !json.isEmpty(); j--) {
				int at = random.nextInt(json.length());
				if (random.nextBoolean()) {
					json.deleteCharAt(at);
				}
				else {
					json.insert(at, "{}[]\"',:\\ \n1t<".charAt(random.nextInt(14)));
				}
			}
			String text = json.append("</tool_call>").toString();
			assertThat(String.valueOf(pieces(text, random))).as(text)
				.isEqualTo(String.valueOf(pieces(text, new Random(1) {
					@Override
					public int nextInt(int bound) {
						return bound - 1;
					}
				})));
		}
	}

	private static @Nullable JsonNode pieces(String text, Random random) {
		LenientJson json = new LenientJson(0, "</tool_call>", "");
		int length = 0;
		while (true) {
			length = Math.min(text.length(), length + 1 + random.nextInt(text.length()));
			int end = json.read(text.substring(0, length), length == text.length());
			if (end >= 0) {
				return json.value();
			}
			if (end == LenientJson.FAILED || length == text.length()) {
				return null;
			}
		}
	}

	@ParameterizedTest
	@CsvSource(delimiter = '|', quoteCharacter = '`',
			value = { "{\"a\": \"\\d+\"} | {\"a\":\"\\\\d+\"}", "{\"a\": \"\\u00e9\\u12\"} | {\"a\":\"é\\\\u12\"}",
					"{\"a\": [1, 2,],} | {\"a\":[1,2]}", "{'a': 'it's', 'b': None} | {\"a\":\"it's\",\"b\":null}",
					"[True, False, None] | [true,false,null]", "{\"a\": 1, \"a\": 1} | {\"a\":1}", "1.50 | 1.50",
					"-0 | 0", "\"x\" | \"x\"" })
	void whatMeansOneThingIsRead(String text, String expected) {
		assertThat(LenientJson.parse(text)).hasToString(expected);
	}

	@ParameterizedTest
	@ValueSource(strings = { "", "{", "}", "[1 2]", "{\"a\" 1}", "{\"a\": 1 \"b\": 2}", "{\"a\": 1, \"a\": 2}",
			"{a: 1}", "[01]", "[1.]", "[+1]", "[NaN]", "{\"a\": \"x}", "[,]", "{\"a\": 1} x", "1e9999999999",
			"{\"a\": tru}", "{1: 2}", "/* */ 1" })
	void whatIsNoValueIsRefused(String text) {
		assertThat(LenientJson.parse(text)).isNull();
	}

	@Test
	void depthAndNumbersAreBounded() {
		assertThat(LenientJson.parse("[".repeat(100) + "]".repeat(100))).isNotNull();
		assertThat(LenientJson.parse("[".repeat(101) + "]".repeat(101))).isNull();
		assertThat(LenientJson.parse("1".repeat(1000))).isNotNull();
		assertThat(LenientJson.parse("1".repeat(1001))).isNull();
	}

	private static JsonNode value(Random random, int depth) {
		switch (random.nextInt((depth < 4) ? 7 : 5)) {
			case 0 -> {
				return NODES.stringNode(text(random));
			}
			case 1 -> {
				return NODES.numberNode(random.nextInt());
			}
			case 2 -> {
				return NODES.numberNode(java.math.BigDecimal.valueOf(random.nextInt(), random.nextInt(12)));
			}
			case 3 -> {
				return NODES.booleanNode(random.nextBoolean());
			}
			case 4 -> {
				return NODES.nullNode();
			}
			case 5 -> {
				ArrayNode array = NODES.arrayNode();
				for (int i = random.nextInt(4); i > 0; i--) {
					array.add(value(random, depth + 1));
				}
				return array;
			}
			default -> {
				ObjectNode object = NODES.objectNode();
				for (int i = random.nextInt(4); i > 0; i--) {
					object.set(text(random), value(random, depth + 1));
				}
				return object;
			}
		}
	}

	private static String text(Random random) {
		StringBuilder text = new StringBuilder();
		for (int i = random.nextInt(6); i > 0; i--) {
			text.append("aé日\"'\\\n\t {}[],:</tool_call>".charAt(random.nextInt(24)));
		}
		return text.toString();
	}

}
