package io.github.flashspring.engine;

import java.nio.file.Path;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

import org.junit.jupiter.api.Test;

import io.github.flashspring.engine.generate.grammar.GrammarException;
import io.github.flashspring.engine.generate.grammar.Structure;
import io.github.flashspring.engine.text.AnswerSyntax;
import io.github.flashspring.engine.text.Tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/**
 * Memory of compiled structures.
 */
class StructuresTests {

	private static final Path MODEL = Path.of("src/test/resources/models/stories260K/bf16");

	private static final long SMALL = Structures.memoryBytes(10_000);

	private static final long MEMORY = Structures.memoryBytes(4 << 20);

	/** A schema of so many values, each of which takes some 200 bytes. */
	private static Structure values(int count, String prefix) {
		return IntStream.range(0, count)
			.mapToObj((i) -> "\"" + prefix + i * 7919 + "abcdefghijklmnopqrstuvwxyz\"")
			.collect(Collectors.collectingAndThen(Collectors.joining(",", "{\"enum\":[", "]}"),
					(schema) -> new Structure.JsonSchema(schema, true, false)));
	}

	@Test
	void keptStructuresStayWithinTheirMemory() {
		try (Tokenizer tokenizer = Tokenizer.load(MODEL)) {
			Structures structures = new Structures(tokenizer, MODEL, MEMORY);
			long most = 0;
			for (int i = 0; i < 8; i++) {
				assertThat(structures.constraint(values(6_000, "p" + i), null, AnswerSyntax.PLAIN).isComplete())
					.isFalse();
				assertThat(structures.keptBytes()).isPositive().isLessThanOrEqualTo(MEMORY / 2);
				most = Math.max(most, structures.keptBytes());
			}
			assertThat(most).isGreaterThan(MEMORY / 4);
		}
	}

	@Test
	void structuresBeyondTheirMemoryAreRefused() {
		try (Tokenizer tokenizer = Tokenizer.load(MODEL)) {
			Structures structures = new Structures(tokenizer, MODEL, SMALL);
			assertThatExceptionOfType(GrammarException.class)
				.isThrownBy(() -> structures.constraint(values(10_000, "p"), null, AnswerSyntax.PLAIN))
				.withMessageStartingWith("The structure is too large: it takes ")
				.withMessageContaining("2.00 MB are planned")
				.withMessageEndingWith("Use a smaller schema, or fewer tools.");
			assertThat(structures.keptBytes()).isZero();
		}
	}

	@Test
	void oneStructureIsKeptWithASmallVocabulary() {
		try (Tokenizer tokenizer = Tokenizer.load(MODEL)) {
			Structures structures = new Structures(tokenizer, MODEL, SMALL);
			for (int i = 0; i < 3; i++) {
				structures.constraint(values(3_000, "p" + i), null, AnswerSyntax.PLAIN);
				assertThat(structures.keptBytes()).isBetween(SMALL / 2, 2L << 20);
			}
		}
	}

	@Test
	void memoryGrowsWithTheVocabulary() {
		assertThat(Structures.memoryBytes(0)).isEqualTo(64 << 10);
		assertThat(Structures.memoryBytes(32 << 20)).isEqualTo(64 << 20);
	}

}
