package io.github.flashspring.engine;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

import io.github.flashspring.engine.generate.Constraint;
import io.github.flashspring.engine.generate.grammar.CompiledGrammar;
import io.github.flashspring.engine.generate.grammar.MaskCounters;
import io.github.flashspring.engine.generate.grammar.Structure;
import io.github.flashspring.engine.generate.grammar.TokenVocabulary;
import io.github.flashspring.engine.text.AnswerSyntax;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Admitted tokens chosen at random, with single bytes and common pieces as the
 * vocabulary: an admitted beginning can always be completed, and what is complete is
 * valid.
 */
class RandomAnswerTests {

	private static final String[] PIECES = { "\",", "\":", "\": \"", "{\"", "\"}", "}]", "],", "true", "null", "\n  ",
			"12", "0.5", "ab", "é", "-01", "T0", "\\\"", "\\u00e9" };

	private static final int ANSWERS = 50;

	@TestFactory
	Stream<DynamicTest> admittedBeginningsCanBeCompleted() {
		List<byte @Nullable []> tokens = new ArrayList<>();
		for (int value = 0; value < 256; value++) {
			tokens.add(new byte[] { (byte) value });
		}
		for (String piece : PIECES) {
			tokens.add(piece.getBytes(StandardCharsets.UTF_8));
		}
		TokenVocabulary vocabulary = new TokenVocabulary(tokens);
		return Schemas.all()
			.entrySet()
			.stream()
			.map((schema) -> DynamicTest.dynamicTest(schema.getKey(),
					() -> check(
							CompiledGrammar.of(new Structure.JsonSchema(schema.getValue(), true, false), null,
									AnswerSyntax.PLAIN, vocabulary, 1 << 20, new MaskCounters()),
							tokens, schema.getValue())));
	}

	private static void check(CompiledGrammar grammar, List<byte @Nullable []> tokens, String schema) {
		Random random = new Random(7);
		for (int i = 0; i < ANSWERS; i++) {
			Constraint constraint = grammar.constraint();
			ByteArrayOutputStream text = new ByteArrayOutputStream();
			while (!constraint.isComplete() && text.size() < 100_000) {
				int[] admitted = BitSet.valueOf(constraint.admitted()).stream().toArray();
				assertThat(admitted.length > 0 || constraint.mayEnd()).as("dead end behind " + text).isTrue();
				int choice = random.nextInt(admitted.length + (constraint.mayEnd() ? 1 : 0));
				if (choice == admitted.length) {
					break;
				}
				byte[] token = tokens.get(admitted[choice]);
				if (token != null) {
					text.writeBytes(token);
				}
				constraint.advance(admitted[choice]);
			}
			assertThat(Schemas.errors(schema, text.toString(StandardCharsets.UTF_8))).as(text.toString()).isEmpty();
		}
	}

}
