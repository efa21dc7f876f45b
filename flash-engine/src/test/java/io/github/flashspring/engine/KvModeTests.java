package io.github.flashspring.engine;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.Arguments;

import io.github.flashspring.engine.cache.KvPrecision;
import io.github.flashspring.engine.cache.KvPrecision.Mode;
import io.github.flashspring.engine.generate.Sampling;
import io.github.flashspring.engine.memory.RamBudget;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

/**
 * Each precision of keys and values has one set of bits, whatever the budget, threads,
 * chunks, page sizes and other sequences, for all kinds of architectures.
 */
class KvModeTests {

	private static final int TOKENS = 230;

	static Stream<Arguments> models() {
		return Stream.of("llama", "gemma3_text", "gpt_oss", "deepseek_v3", "mamba2", "nemotron_h")
			.flatMap((name) -> Stream.of(Mode.F16, Mode.HYBRID).map((mode) -> Arguments.of(name, mode)));
	}

	@ParameterizedTest
	@MethodSource("models")
	void logitsOfAModeHaveTheSameBitsEverywhere(String name, Mode mode) throws Exception {
		Golden golden = Golden.load("golden/" + name);
		// with a window of one tile, most of the tokens before are read in 8 bits
		KvPrecision precision = new KvPrecision(mode, 64, 8);
		int[] text = text(golden);
		List<float[]> expected;
		try (FlashEngine engine = FlashEngine.load(config(golden, precision).build())) {
			expected = Golden.logits(engine, text);
		}
		for (FlashConfig config : List.of(config(golden, precision).threads(1).prefillChunk(7).build(),
				config(golden, precision).threads(3).prefillChunk(100).ramBudget(RamBudget.MINIMUM).build(),
				config(golden, precision).contextLength(300).build(),
				config(golden, precision).contextLength(300).prefillChunk(1).build())) {
			try (FlashEngine engine = FlashEngine.load(config)) {
				List<float[]> found = Golden.logits(engine, text);
				assertThat(found).as("%s", config).usingRecursiveComparison().isEqualTo(expected);
			}
		}
	}

	@ParameterizedTest
	@MethodSource("models")
	void sequencesDoNotChangeEachOther(String name, Mode mode) throws Exception {
		Golden golden = Golden.load("golden/" + name);
		KvPrecision precision = new KvPrecision(mode, 64, 8);
		int[] text = text(golden);
		int[] other = IntStream.range(20, 180).map((i) -> text[i]).toArray();
		List<int[]> alone = new ArrayList<>();
		try (FlashEngine engine = FlashEngine.load(config(golden, precision).contextLength(300).build())) {
			alone.add(Golden.generate(engine, text, 40).tokens());
			alone.add(Golden.generate(engine, other, 100).tokens());
		}
		// the pages of one context for three sequences: some lose theirs
		try (FlashEngine engine = FlashEngine
			.load(config(golden, precision).contextLength(300).parallel(3).ramBudget(RamBudget.MINIMUM).build())) {
			List<Generation> running = List.of(start(engine, text, 40), start(engine, other, 100),
					start(engine, text, 40));
			List<int[]> together = running.stream().map((generation) -> Golden.finish(generation).tokens()).toList();
			assertThat(together.get(0)).isEqualTo(alone.get(0));
			assertThat(together.get(1)).isEqualTo(alone.get(1));
			assertThat(together.get(2)).isEqualTo(alone.get(0));
		}
	}

	private static Generation start(FlashEngine engine, int[] prompt, int tokens) {
		return engine.generate(
				new GenerationRequest(new GenerationRequest.Tokens(prompt), Sampling.GREEDY, tokens, List.of(), true));
	}

	@ParameterizedTest
	@EnumSource(names = { "F16", "HYBRID" })
	void modesChangeLogitsALittle(Mode mode) throws Exception {
		Golden golden = Golden.load("golden/llama");
		try (FlashEngine exact = FlashEngine.load(config(golden, KvPrecision.F32).build());
				FlashEngine engine = FlashEngine.load(config(golden, new KvPrecision(mode, 0, 8)).build())) {
			float[] expected = Golden.logits(exact, text(golden)).getLast();
			float[] found = Golden.logits(engine, text(golden)).getLast();
			assertThat(found).isNotEqualTo(expected);
			for (int i = 0; i < found.length; i++) {
				assertThat(found[i]).isCloseTo(expected[i], within(0.05f));
			}
		}
	}

	@ParameterizedTest
	@CsvSource({ "stories260K, f32", "babyllama105, f32" })
	void trainedModelsAreAsSureOfTextsInHybridMode(String model, String variant) throws Exception {
		String folder = Golden.path("models/" + model + "/" + variant).toString();
		FlashConfig.Builder config = FlashConfig.builder(folder).threads(2).contextLength(256).parallel(1);
		try (FlashEngine exact = FlashEngine.load(config.build());
				FlashEngine hybrid = FlashEngine.load(config.kv(new KvPrecision(Mode.HYBRID, 0, 8)).build())) {
			int[] start = TrainedModelTests
				.ints(TrainedModelTests.golden(model).get("variants").get(variant).get(0).get("prompt_ids"));
			int[] answer = Golden.generate(exact, start, 200).tokens();
			int[] text = IntStream.concat(IntStream.of(start), IntStream.of(answer)).toArray();
			double expected = TrainedModelTests.meanNll(text, Golden.logits(exact, text));
			assertThat(TrainedModelTests.meanNll(text, Golden.logits(hybrid, text))).isCloseTo(expected,
					within(0.002 * expected));
		}
	}

	@Test
	void plansHalfOfTheMemoryForHalvesAndLessForCodes() throws Exception {
		FlashConfig.Builder config = FlashConfig.builder(Golden.path("models/stories260K/f32").toString())
			.contextLength(512)
			.parallel(1);
		long exact = FlashEngine.plan(config.build()).kvBytes();
		assertThat(FlashEngine.plan(config.kv(new KvPrecision(Mode.F16)).build()).kvBytes()).isEqualTo(exact / 2);
		assertThat(FlashEngine.plan(config.kv(new KvPrecision(Mode.HYBRID, 0, 8)).build()).kvBytes())
			.isBetween(exact / 4, exact / 2);
	}

	private static FlashConfig.Builder config(Golden golden, KvPrecision precision) {
		return golden.config().contextLength(TOKENS + 1).kv(precision);
	}

	/** The prompt again and again, shifted so that no two rounds are equal. */
	private static int[] text(Golden golden) {
		int[] prompt = golden.prompt();
		return IntStream.range(0, TOKENS)
			.map((i) -> (prompt[i % prompt.length] + 7 * (i / prompt.length)) % 200)
			.toArray();
	}

}
