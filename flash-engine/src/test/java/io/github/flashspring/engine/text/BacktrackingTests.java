package io.github.flashspring.engine.text;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Tests for {@link Backtracking}: expressions of well-known models pass, those that end
 * the process do not.
 */
class BacktrackingTests {

	@ParameterizedTest
	@ValueSource(strings = { "'(?:[sdmt]|ll|ve|re)| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
			"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
			"'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}++|\\p{N}{1,3}+| ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*+|\\s++$|\\s*[\\r\\n]|\\s+(?!\\S)|\\s",
			"[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
			"[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
			"\\p{N}{1,3}(?=(?:\\p{N}{3})*(?:\\P{N}|$))", " ?[^(\\s|[.,!?…。，、।۔،])]+", "[一-龥぀-ゟ゠-ヿ]+",
			"<\\|startoftext\\|>|<\\|endoftext\\|>|'s|'t|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+", "(a+)+", "(?>a+)+$",
			"(?:a++)+$", "\\x{61}+b", "[]a]+b", "" })
	void expressionsOfRealTokenizersPass(String regex) {
		assertThat(Backtracking.problem(regex)).isNull();
	}

	@ParameterizedTest
	@ValueSource(strings = { "(a+)+$", "(?:a|aa)+$", "(?<name>a*)*c", "((a+)){2,}", "(?:a?){40}a{40}", "(a|a){40}",
			"\\p{N}{1,3}+x", "\\s*\\s*\\s*$", ".*x.*y", "(?=(a+)+$)b", "x|(\\w+\\s?)+[.]", "(?:(?:(a)+)+)+b",
			"a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?aaaaaaaaaaaaaaaaa" })
	void expressionsThatGoBackWithoutEndDoNot(String regex) {
		assertThat(Backtracking.problem(regex)).contains(regex, "may take unbounded time");
	}

	@ParameterizedTest
	@ValueSource(strings = { "(?<x>a|b\\g<x>)", "(?~ab)", "(?(1)a|b)", "(*FAIL)", "(?x: a # )\n)" })
	void whatNoTokenizerNeedsDoesNotPass(String regex) {
		assertThat(Backtracking.problem(regex)).contains("which no tokenizer needs");
	}

	@Test
	void sizeIsBounded() {
		assertThat(Backtracking.problem("a".repeat(20_000))).contains("more than 16384 characters");
		assertThat(Backtracking.problem("(".repeat(10_000))).contains("nested deeper");
	}

}
