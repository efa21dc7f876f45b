package io.github.flashspring.cli.bench;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Texts that hide a number.
 */
class PasskeyBenchTests {

	@ParameterizedTest
	@ValueSource(ints = { 0, 25, 50, 100 })
	void textsAreAsLongAsAskedAndHideTheNumberInItsDepth(int depth) {
		String text = PasskeyBench.text(12345, depth, 2000, String::length);
		assertThat(text).hasSizeBetween(1950, 2000).endsWith("The secret passkey is");
		int at = text.indexOf("The secret passkey is 12345. Remember it. ");
		assertThat(at).isBetween(depth * 18 - 60, depth * 20);
		assertThat(text.indexOf("12345", at + 30)).isEqualTo(-1);
	}

}
