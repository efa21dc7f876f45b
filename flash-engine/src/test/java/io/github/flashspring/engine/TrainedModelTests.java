package io.github.flashspring.engine;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

/**
 * Trained models continue stories as a float64 computation from the same weights does.
 */
class TrainedModelTests {

	static Stream<Arguments> variants() throws Exception {
		List<Arguments> variants = new ArrayList<>();
		for (String model : List.of("stories260K", "babyllama105")) {
			for (JsonNode prompt : golden(model).get("variants").values()) {
				assertThat(prompt.isArray()).isTrue();
			}
			golden(model).get("variants").properties().forEach((entry) -> {
				if (!entry.getKey().startsWith("gguf")) {
					variants.add(Arguments.of(model, entry.getKey()));
				}
			});
		}
		assertThat(variants).hasSize(9);
		return variants.stream();
	}

	static JsonNode golden(String model) throws Exception {
		Path file = Golden.path("models/" + model + "/golden.json");
		return new JsonMapper().readTree(Files.readAllBytes(file));
	}

	@ParameterizedTest
	@MethodSource("variants")
	void continuesAsTheReferenceDoes(String model, String variant) throws Exception {
		assertContinues(Golden.path("models/" + model + "/" + variant), golden(model).get("variants").get(variant));
	}

	/**
	 * Checks greedy tokens, logits and likelihoods.
	 * @param checkpoint a folder
	 * @param prompts what is expected, prompt by prompt
	 */
	static void assertContinues(Path checkpoint, JsonNode prompts) {
		try (FlashEngine engine = FlashEngine
			.load(FlashConfig.builder(checkpoint.toString()).threads(2).contextLength(256).build())) {
			for (JsonNode prompt : prompts) {
				int[] ids = ints(prompt.get("prompt_ids"));
				int[] greedy = ints(prompt.get("greedy_ids"));
				int sure = prompt.get("steps_before_first_gap_below_0.05").intValue();
				int[] found = Golden.generate(engine, ids, greedy.length).tokens();
				assertThat(Arrays.copyOf(found, sure)).as("prompt %s", Arrays.toString(ids))
					.isEqualTo(Arrays.copyOf(greedy, sure));
				List<float[]> logits = Golden.logits(engine, ids);
				JsonNode expected = prompt.get("first_step_logits");
				for (int i = 0; i < expected.size(); i++) {
					assertThat(logits.getLast()[i]).isCloseTo(expected.get(i).floatValue(), within(5e-5f));
				}
				if (ids.length > 1) {
					assertThat(meanNll(ids, logits)).isCloseTo(prompt.get("prompt_mean_nll").doubleValue(),
							within(1e-4));
				}
			}
		}
	}

	static double meanNll(int[] ids, List<float[]> logits) {
		return IntStream.range(1, ids.length).mapToDouble((i) -> {
			float[] row = logits.get(i - 1);
			double max = IntStream.range(0, row.length).mapToDouble((j) -> row[j]).max().orElseThrow();
			double sum = IntStream.range(0, row.length).mapToDouble((j) -> Math.exp(row[j] - max)).sum();
			return max + Math.log(sum) - row[ids[i]];
		}).average().orElseThrow();
	}

	static int[] ints(JsonNode array) {
		return IntStream.range(0, array.size()).map((i) -> array.get(i).intValue()).toArray();
	}

}
