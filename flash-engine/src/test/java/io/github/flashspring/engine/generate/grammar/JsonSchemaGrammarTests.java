package io.github.flashspring.engine.generate.grammar;

import java.nio.charset.StandardCharsets;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import io.github.flashspring.engine.text.AnswerSyntax;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

class JsonSchemaGrammarTests {

	private static Program compile(String schema, boolean strict) {
		return ProgramCompiler.compile(
				AnswerGrammar.of(new Structure.JsonSchema(schema, strict, false), null, AnswerSyntax.PLAIN).grammar());
	}

	private static Automaton start(String schema) {
		return Automaton.start(compile(schema, true));
	}

	private static boolean admits(String schema, String text) {
		return start(schema).step(text.getBytes(StandardCharsets.UTF_8)).isAccepting();
	}

	@ParameterizedTest
	@CsvSource(delimiter = '~', quoteCharacter = '`', textBlock = """
			{"type":"integer"}                                ~ 1.0     ~ false
			{"type":"integer"}                                ~ 007     ~ false
			{"type":"integer"}                                ~ -0      ~ false
			{"type":"integer","minimum":-5,"maximum":120}     ~ 121     ~ false
			{"type":"integer","minimum":-5,"maximum":120}     ~ -5      ~ true
			{"type":"integer","minimum":-5,"maximum":120}     ~ -6      ~ false
			{"type":"integer","format":"int32"}               ~ 2147483647 ~ true
			{"type":"integer","format":"int32"}               ~ 2147483648 ~ false
			{"type":"integer","format":"int32"}               ~ -2147483648 ~ true
			{"type":"number","exclusiveMinimum":0,"maximum":1} ~ 0      ~ false
			{"type":"number","exclusiveMinimum":0,"maximum":1} ~ 0.000  ~ false
			{"type":"number","exclusiveMinimum":0,"maximum":1} ~ 0.001  ~ true
			{"type":"number","exclusiveMinimum":0,"maximum":1} ~ 1.000  ~ true
			{"type":"number","exclusiveMinimum":0,"maximum":1} ~ 1.001  ~ false
			{"type":"number","minimum":-1.5,"maximum":-0.25}  ~ -0.25   ~ true
			{"type":"number","minimum":-1.5,"maximum":-0.25}  ~ -0.2    ~ false
			{"type":"number","minimum":-1.5,"maximum":-0.25}  ~ -1.51   ~ false
			{"type":"number","multipleOf":0.01}               ~ 9.99    ~ true
			{"type":"number","multipleOf":0.01}               ~ 9.999   ~ false
			{"type":"number"}                                 ~ 6.02e23 ~ true
			{"type":["string","null"],"maxLength":2}          ~ "😀é"   ~ true
			{"type":["string","null"],"maxLength":2}          ~ "\\ud83d\\ude00\\n" ~ true
			{"type":["string","null"],"maxLength":2}          ~ "abc"   ~ false
			{"type":["string","null"],"maxLength":2}          ~ null    ~ true
			{"type":"string"}                                 ~ "\\ud83d" ~ false
			{"type":"string","pattern":"^[a-z]+$","maxLength":3} ~ "abcd" ~ false
			{"type":"string","pattern":"b"}                   ~ "abc"   ~ true
			{"type":"string","pattern":"b"}                   ~ "ac"    ~ false
			{"type":"string","pattern":"^\\"\\n$"}            ~ "\\"\\n" ~ true
			{"type":"string","format":"date"}                 ~ "2024-02-29" ~ true
			{"type":"string","format":"date"}                 ~ "2023-02-29" ~ false
			{"type":"string","format":"date-time"}            ~ "2024-02-29T03:00:28.514+00:00" ~ true
			{"type":"string","format":"date-time"}            ~ "2024-02-29T03:00:28.514-00:30" ~ true
			{"type":"string","format":"date-time"}            ~ "2024-02-29T03:00:28.514-00:00" ~ false
			{"type":"string","format":"email"}                ~ "jane.doe+x@example.org" ~ true
			{"type":"string","format":"uri"}                  ~ "https://example.org/a/b?c=d#e" ~ true
			{"type":"string","format":"uuid"}                 ~ "123e4567-e89b-12d3-a456-426614174000" ~ true
			{"type":"array","items":{"type":"boolean"},"minItems":2,"maxItems":3} ~ [true] ~ false
			{"type":"array","items":{"type":"boolean"},"minItems":2,"maxItems":3} ~ [true, false,true] ~ true
			{"type":"array","items":{"type":"boolean"},"minItems":2,"maxItems":3} ~ [true,true,true,true] ~ false
			{"enum":["a",1,null,{"x":[1]}]}                   ~ {"x":[1]} ~ true
			{"enum":["a","é"]}                                ~ "é"     ~ true
			{"type":"object","additionalProperties":{"type":"integer"},"maxProperties":2} ~ {"a":1,"b":2} ~ true
			{"type":"object","additionalProperties":{"type":"integer"},"maxProperties":2} ~ {"a":1,"b":2,"c":3} ~ false
			""")
	void valuesAreAdmittedAsTheSchemaSays(String schema, String text, boolean expected) {
		assertThat(admits(schema, text)).isEqualTo(expected);
	}

	@Test
	void propertiesComeInTheOrderOfTheSchema() {
		String schema = """
				{"type":"object","properties":{"b":{"type":"integer"},"a":{"type":"integer"},"c":{"type":"integer"}},
				"required":["b","c"],"additionalProperties":false}""";
		assertThat(admits(schema, "{\"b\":1,\"c\":2}")).isTrue();
		assertThat(admits(schema, "{\"b\":1,\"a\":3,\"c\":2}")).isTrue();
		assertThat(admits(schema, "{\"c\":2,\"b\":1}")).isFalse();
		assertThat(admits(schema, "{\"b\":1,\"a\":3}")).isFalse();
	}

	@Test
	void optionalPropertiesRespectTheirMaximum() {
		String schema = """
				{"type":"object","properties":{"a":{"const":1},"b":{"const":1},"c":{"const":1}},
				"required":["c"],"maxProperties":2,"additionalProperties":false}""";
		assertThat(admits(schema, "{\"a\":1,\"c\":1}")).isTrue();
		assertThat(admits(schema, "{\"b\":1,\"c\":1}")).isTrue();
		assertThat(start(schema).step("{\"a\":1,\"b".getBytes(StandardCharsets.UTF_8)).isDead()).isTrue();
	}

	@Test
	void whiteSpaceIsBounded() {
		String schema = "{\"type\":\"array\",\"items\":{\"type\":\"integer\"}}";
		assertThat(admits(schema, "[\n    1,\n    2\n]")).isTrue();
		assertThat(admits(schema, "[ 1, 2 ]")).isTrue();
		assertThat(admits(schema, "[  1]")).isFalse();
		assertThat(admits(schema, "[\n\n1]")).isFalse();
		assertThat(admits(schema, " [1]")).isFalse();
		assertThat(start(schema).step("[1]".getBytes(StandardCharsets.UTF_8)).isComplete()).isTrue();
	}

	@Test
	void recursiveSchemasNestToAnyDepth() {
		String schema = """
				{"$ref":"#/$defs/node","$defs":{"node":{"type":"object","properties":{"next":
				{"anyOf":[{"$ref":"#/$defs/node"},{"type":"null"}]}},"required":["next"],"additionalProperties":false}}}""";
		int depth = 400;
		assertThat(admits(schema, "{\"next\":".repeat(depth) + "null" + "}".repeat(depth))).isTrue();
	}

	@ParameterizedTest
	@CsvSource(delimiter = '~', quoteCharacter = '`', textBlock = """
			{"properties":{"a":{"not":{}}}}                   ~ 'not' at '/properties/a/not'
			{"items":{"type":"array","uniqueItems":true}}     ~ 'uniqueItems' at '/items/uniqueItems'
			{"properties":{"a/b":{"type":"string","format":"color"}}} ~ 'format' at '/properties/a~1b/format'
			{"type":"string","pattern":"(?=a)b"}              ~ look-around is not supported
			{"type":"string","minLength":"2"}                 ~ Expected a whole number
			{"$ref":"#/$defs/missing"}                        ~ there is no such schema
			{"$ref":"https://example.org/x"}                  ~ another document
			{"$ref":"#"}                                      ~ refers to itself
			{"oneOf":[{"type":"string"},{"minLength":2}]}     ~ 'oneOf' at '/oneOf'
			{"type":"text"}                                   ~ 'type' at '/type'
			{"type":"number","multipleOf":7}                  ~ 'multipleOf' at '/multipleOf'
			{"type":"string","minLength":3,"maxLength":2}     ~ No text matches
			{"type":"array","items":{"$ref":"#"},"minItems":1} ~ No text matches
			{"type":"object"                                  ~ not valid JSON
			""")
	void whatCannotBeEnforcedIsRefusedWithItsPlace(String schema, String message) {
		assertThatExceptionOfType(GrammarException.class).isThrownBy(() -> start(schema))
			.withMessageContaining(message);
	}

	@Test
	void lenientSchemasIgnoreWhatCannotBeEnforced() {
		String schema = "{\"type\":\"string\",\"not\":{\"const\":\"a\"},\"format\":\"color\"}";
		Program program = compile(schema, false);
		assertThat(Automaton.start(program).step("\"a\"".getBytes(StandardCharsets.UTF_8)).isAccepting()).isTrue();
	}

	@Test
	void disjointAlternativesOfOneOfAreEnforced() {
		String schema = """
				{"oneOf":[{"type":"object","properties":{"kind":{"const":"a"},"x":{"type":"integer"}},"required":["kind","x"]},
				{"type":"object","properties":{"kind":{"const":"b"},"y":{"type":"string"}},"required":["kind"]},{"type":"null"}]}""";
		assertThat(admits(schema, "{\"kind\":\"a\",\"x\":1}")).isTrue();
		assertThat(admits(schema, "{\"kind\":\"b\"}")).isTrue();
		assertThat(admits(schema, "{\"kind\":\"a\",\"x\":\"\"}")).isFalse();
	}

	@Test
	void largeEnumsCompileToAnAutomatonOfTheirSize() {
		String values = IntStream.range(0, 20_000)
			.mapToObj((i) -> "\"value-" + i + "\"")
			.collect(Collectors.joining(","));
		String schema = "{\"enum\":[" + values + "]}";
		Program program = compile(schema, true);
		assertThat(program.code().length).isLessThan(200_000);
		Automaton at = Automaton.start(program);
		assertThat(at.step("\"value-19999\"".getBytes(StandardCharsets.UTF_8)).isComplete()).isTrue();
		assertThat(at.step("\"value-20000\"".getBytes(StandardCharsets.UTF_8)).isDead()).isTrue();
	}

	@Test
	void lengthsAreCountedAndNotUnrolled() {
		String schema = "{\"type\":\"array\",\"items\":{\"type\":\"string\",\"minLength\":100000,\"maxLength\":1000000},\"maxItems\":1000000}";
		assertThat(compile(schema, true).code().length).isLessThan(2000);
	}

	@Test
	void hostilePatternsAreRefused() {
		for (String pattern : new String[] { "(a|b)*a(a|b){18}", "((a{1,1000}){1,1000}){1,1000}",
				"(((((((((()*)*)*)*)*)*)*)*)*){10000}",
				"^(.*a.*b.*c.*d.*e.*f.*g.*h.*i.*j.*k.*l.*m.*n.*o.*p.*q.*r){3}$" }) {
			String schema = "{\"type\":\"string\",\"pattern\":\"" + pattern + "\"}";
			try {
				assertThat(start(schema).isDead()).as(pattern).isFalse();
			}
			catch (GrammarException ex) {
				assertThat(ex).as(pattern).hasMessageContaining("/pattern").hasMessageContaining("too");
			}
		}
	}

	@Test
	void hostileCombinationsAreRefused() {
		StringBuilder all = new StringBuilder();
		for (int i = 0; i < 10; i++) {
			String each = IntStream.range(i * 50, i * 50 + 50)
				.mapToObj((n) -> "{\"required\":[\"p" + n + "\"]}")
				.collect(Collectors.joining(","));
			all.append((i > 0) ? "," : "").append("{\"anyOf\":[").append(each).append("]}");
		}
		assertThatExceptionOfType(UnsupportedSchemaException.class)
			.isThrownBy(() -> start("{\"type\":\"object\",\"allOf\":[" + all + "]}"))
			.withMessageContaining("too many alternatives");
	}

	@Test
	void deeplyNestedSchemasAreRefused() {
		String schema = "{\"items\":".repeat(5000) + "{}" + "}".repeat(5000);
		assertThatExceptionOfType(GrammarException.class).isThrownBy(() -> start(schema))
			.withMessageContaining("not valid JSON");
	}

}
