package io.github.flashspring.engine.generate.grammar;

import java.nio.charset.StandardCharsets;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

class GbnfTests {

	private static Program gbnf(String source) {
		Grammar grammar = new Grammar();
		GbnfParser.parse(source, grammar);
		return ProgramCompiler.compile(grammar);
	}

	private static boolean matches(String grammar, String text) {
		Automaton start = Automaton.start(gbnf(grammar));
		return start.step(text.getBytes(StandardCharsets.UTF_8)).isAccepting();
	}

	@ParameterizedTest
	@CsvSource(delimiter = '~', quoteCharacter = '`', textBlock = """
			root ::= "a" | "b"                     ~ b     ~ true
			root ::= "a" | "b"                     ~ ab    ~ false
			root ::= "ab"{2,3}                     ~ abab  ~ true
			root ::= "ab"{2,3}                     ~ ab    ~ false
			root ::= "ab"{2,3}                     ~ abababab ~ false
			root ::= [a-c]{2,}                     ~ abcabc ~ true
			root ::= [^a-c]+                       ~ xyé€😀 ~ true
			root ::= [^a-cé]+                      ~ xyé   ~ false
			root ::= [а-я]+                        ~ привет ~ true
			root ::= [😀-😂]                       ~ 😁    ~ true
			root ::= [😀-😂]                       ~ 😃    ~ false
			root ::= .                             ~ €     ~ true
			root ::= "\\x41\\u00e9\\U0001F600"     ~ Aé😀  ~ true
			root ::= [\\]\\[-]+                    ~ ]-[   ~ true
			root ::= ("x" | "y" "z")* "!"          ~ xyzx! ~ true
			root ::= ("a"*)* "b"                   ~ aab   ~ true
			root ::= ("a"?){2,4} "b"               ~ b     ~ true
			root ::= ("a"?){2,4} "b"               ~ aaaab ~ true
			root ::= ("a"?){2,4} "b"               ~ aaaaab ~ false
			root ::= "(" root ")" | ""             ~ ((())) ~ true
			root ::= "(" root ")" | ""             ~ (()   ~ false
			""")
	void grammarsMatchTheirTexts(String grammar, String text, boolean expected) {
		assertThat(matches(grammar, text)).isEqualTo(expected);
	}

	@Test
	void rulesSpanLinesAndHaveComments() {
		String grammar = """
				# arithmetic
				root  ::= term ("+" term)*  # sums
				term  ::= "x" |
				  "(" root
				  ")"
				""".replace("\"(\" root\n  \")\"", "( \"(\" root\n  \")\" )");
		assertThat(matches(grammar, "x+(x+x)")).isTrue();
		assertThat(matches(grammar, "x+(x+x")).isFalse();
	}

	@Test
	void rightRecursionDoesNotGrowTheStack() {
		String grammar = "root ::= \"a\" root | \"b\"";
		assertThat(matches(grammar, "a".repeat(100_000) + "b")).isTrue();
	}

	@Test
	void countersAreNotUnrolled() {
		Program program = gbnf("root ::= \"a\"{5000,1000000}");
		assertThat(program.code().length).isLessThan(20);
		Automaton at = Automaton.start(program).step("a".repeat(4999).getBytes(StandardCharsets.UTF_8));
		assertThat(at.isAccepting()).isFalse();
		assertThat(at.step('a').isAccepting()).isTrue();
	}

	@ParameterizedTest
	@CsvSource(delimiter = '~', quoteCharacter = '`', textBlock = """
			root ::= root "a" | "b"                ~ The rule 'root' begins with itself
			root ::= a ; a ::= b                   ~ Line 1, column 12
			root ::= undefined                     ~ the rule 'undefined' is not defined
			roots ::= "a"                          ~ no rule 'root'
			root ::= "a" root                      ~ No text matches The rule 'root'
			root ::= "a                            ~ not closed
			root ::= [a-                           ~ not closed
			root ::= "\\q"                         ~ is not an escape
			root ::= "a"{3,2}                      ~ expected them to rise
			root ::= ("a"                          ~ expected ')'
			""")
	void faultyGrammarsAreRefused(String grammar, String message) {
		assertThatExceptionOfType(GrammarException.class).isThrownBy(() -> matches(grammar, ""))
			.withMessageContaining(message);
	}

	@Test
	void ambiguityIsBounded() {
		String grammar = "root ::= s\ns ::= \"a\" | \"a\" s \"b\" | \"a\" s \"c\" s | \"a\" s s";
		assertThatExceptionOfType(GrammarException.class).isThrownBy(() -> matches(grammar, "a".repeat(200)))
			.withMessageContaining("too ambiguous");
	}

}
