package io.github.flashspring.engine;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

import io.github.flashspring.engine.generate.FinishReason;
import io.github.flashspring.engine.generate.Sampling;
import io.github.flashspring.engine.generate.grammar.GrammarException;
import io.github.flashspring.engine.generate.grammar.Structure;
import io.github.flashspring.engine.generate.grammar.UnsupportedSchemaException;
import io.github.flashspring.engine.memory.RamBudget;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/**
 * Answers of a small trained model, which knows no JSON, within structures.
 */
class StructuredGenerationTests {

	private static final Path MODEL = Path.of("src/test/resources/models/stories260K/bf16");

	/** Nearly uniform, as random weights would be. */
	private static final float RANDOM = 100;

	private static FlashEngine engine;

	@BeforeAll
	static void load() {
		engine = FlashEngine.load(FlashConfig.builder(MODEL.toString()).ramBudget(RamBudget.UNLIMITED).build());
	}

	@AfterAll
	static void close() {
		engine.close();
	}

	private static GenerationRequest request(float temperature, long seed, Structure structure) {
		return new GenerationRequest(new GenerationRequest.Text("Once upon a time"),
				new Sampling(1, 0, 0, temperature, 0, 1, 0, seed), null, List.of(), false, structure);
	}

	private static Answer answer(FlashEngine from, GenerationRequest request) {
		StringBuilder text = new StringBuilder();
		try (Generation generation = from.generate(request)) {
			for (GenerationEvent event = generation.next(); event != null; event = generation.next()) {
				switch (event) {
					case GenerationEvent.Text piece -> text.append(piece.text());
					case GenerationEvent.Finished finished -> {
						return new Answer(text.toString(), finished.reason(), finished.tokens());
					}
					default -> {
					}
				}
			}
		}
		throw new AssertionError("The generation did not finish");
	}

	@TestFactory
	Stream<DynamicTest> answersSatisfyTheirSchemas() {
		return Schemas.all().entrySet().stream().map((schema) -> DynamicTest.dynamicTest(schema.getKey(), () -> {
			for (float temperature : new float[] { 1.5f, RANDOM }) {
				for (long seed = 0; seed < 13; seed++) {
					Answer answer = answer(engine,
							request(temperature, seed, new Structure.JsonSchema(schema.getValue(), true, false)));
					if (answer.reason() == FinishReason.LENGTH) {
						assertThat(answer.text()).doesNotContainPattern("\\s{25}");
						continue;
					}
					assertThat(answer.reason()).isEqualTo(FinishReason.STOP);
					assertThat(Schemas.errors(schema.getValue(), answer.text())).as(answer.text()).isEmpty();
				}
			}
		}));
	}

	@Test
	void answersMatchTheirGrammar() {
		Structure structure = new Structure.Gbnf("root ::= (\"yes\" | \"no\") \", \" [a-z]{3,8} \".\"");
		for (long seed = 0; seed < 20; seed++) {
			Answer answer = answer(engine, request(1.5f, seed, structure));
			assertThat(answer.text()).matches("(yes|no), [a-z]{3,8}\\.");
			assertThat(answer.reason()).isEqualTo(FinishReason.STOP);
		}
	}

	@Test
	void tooFewTokensEndWithLength() {
		Structure structure = new Structure.JsonSchema("{\"type\":\"string\",\"minLength\":50}", true, false);
		GenerationRequest request = new GenerationRequest(new GenerationRequest.Text("Once"), Sampling.GREEDY, 5,
				List.of(), false, structure);
		assertThat(answer(engine, request).reason()).isEqualTo(FinishReason.LENGTH);
	}

	@Test
	void theLastTokenMayCompleteTheAnswer() {
		Structure structure = new Structure.Gbnf("root ::= [a-z]{4}");
		GenerationRequest whole = new GenerationRequest(new GenerationRequest.Text("Once"), Sampling.GREEDY, null,
				List.of(), false, structure);
		int tokens = answer(engine, whole).tokens().length;
		GenerationRequest bounded = new GenerationRequest(new GenerationRequest.Text("Once"), Sampling.GREEDY, tokens,
				List.of(), false, structure);
		assertThat(answer(engine, bounded).reason()).isEqualTo(FinishReason.STOP);
	}

	@Test
	void sameSeedGivesTheSameAnswerWhateverRunsConcurrently() {
		Structure structure = new Structure.JsonSchema(Schemas.named("list of records"), true, false);
		Answer alone = answer(engine, request(1.5f, 7, structure));
		GenerationRequest free = new GenerationRequest(new GenerationRequest.Text("There was"),
				new Sampling(1, 0, 0, 1, 0, 1, 0, 3L), 60, List.of(), false);
		Answer freeAlone = answer(engine, free);
		List<Generation> neighbours = new ArrayList<>();
		for (int i = 0; i < 3; i++) {
			neighbours.add(engine.generate(request(1.5f, i, new Structure.Gbnf("root ::= [a-z ]{40}"))));
		}
		Answer[] beside = new Answer[1];
		Thread other = Thread.ofPlatform().start(() -> beside[0] = answer(engine, free));
		assertThat(answer(engine, request(1.5f, 7, structure))).isEqualTo(alone);
		join(other);
		assertThat(beside[0]).isEqualTo(freeAlone);
		neighbours.forEach(Generation::close);
	}

	private static void join(Thread thread) {
		try {
			thread.join();
		}
		catch (InterruptedException ex) {
			throw new IllegalStateException(ex);
		}
	}

	@Test
	void unsupportedSchemasAreRefusedBeforeTheyAreQueued() {
		Structure structure = new Structure.JsonSchema("{\"properties\":{\"a\":{\"not\":{}}}}", true, false);
		assertThatExceptionOfType(UnsupportedSchemaException.class)
			.isThrownBy(() -> engine.generate(request(1, 1, structure)))
			.satisfies((ex) -> assertThat(ex.pointer()).isEqualTo("/properties/a/not"));
		assertThatExceptionOfType(GrammarException.class)
			.isThrownBy(() -> engine.generate(request(1, 1, new Structure.Gbnf("root ::= missing"))));
	}

	@Test
	void answersWithoutAGrammarAreNotChanged() {
		Map<Boolean, int[]> tokens = new HashMap<>();
		for (boolean free : new boolean[] { true, false }) {
			GenerationRequest request = new GenerationRequest(new GenerationRequest.Text("Once upon a time"),
					Sampling.GREEDY, 30, List.of(), true,
					free ? null : new Structure.Gbnf("root ::= [\\x00-\\U0010FFFF]*"));
			tokens.put(free, answer(engine, request).tokens());
		}
		assertThat(tokens.get(false)).isEqualTo(tokens.get(true));
	}

	private record Answer(String text, FinishReason reason, int[] tokens) {

		@Override
		public boolean equals(Object other) {
			return other instanceof Answer that && this.text.equals(that.text) && this.reason == that.reason
					&& Arrays.equals(this.tokens, that.tokens);
		}

		@Override
		public int hashCode() {
			return this.text.hashCode();
		}

	}

}
