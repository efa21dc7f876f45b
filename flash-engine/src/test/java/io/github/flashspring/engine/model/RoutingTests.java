package io.github.flashspring.engine.model;

import java.nio.file.Path;
import java.util.Arrays;

import org.junit.jupiter.api.Test;

import io.github.flashspring.engine.checkpoint.CheckpointException;
import io.github.flashspring.engine.checkpoint.ModelConfig;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.within;

/**
 * Tests for {@link Routing}.
 */
class RoutingTests {

	private static final ModelConfig CONFIG = ModelConfig.parse(Path.of("config.json"), "{}");

	private static final float[] LOGITS = { 9, 1, 2, 0, -1, 3, 0, 2.5f, -5 };

	private final int[] chosen = new int[3];

	private final float[] weights = new float[3];

	@Test
	void softmaxOverAllExperts() {
		Routing.plain(CONFIG, 8, 2, Routing.Scoring.SOFTMAX, false)
			.choose(LOGITS, 1, null, this.chosen, this.weights, 1);
		double sum = Math.exp(1) + Math.exp(2) + 1 + Math.exp(-1) + Math.exp(3) + 1 + Math.exp(2.5) + Math.exp(-5);
		assertThat(this.chosen).containsExactly(0, 4, 6);
		assertThat(this.weights[1]).isCloseTo((float) (Math.exp(3) / sum), within(1e-7f));
		assertThat(this.weights[2]).isCloseTo((float) (Math.exp(2.5) / sum), within(1e-7f));
	}

	@Test
	void normalizedWeightsAddUpToOne() {
		Routing.plain(CONFIG, 8, 2, Routing.Scoring.SOFTMAX, true)
			.choose(LOGITS, 1, null, this.chosen, this.weights, 0);
		assertThat(this.weights[0]).isCloseTo((float) (1 / (1 + Math.exp(-0.5))), within(1e-7f));
		assertThat(this.weights[0] + this.weights[1]).isCloseTo(1f, within(1e-6f));
	}

	@Test
	void theFirstOfEqualExpertsWins() {
		Routing.plain(CONFIG, 4, 3, Routing.Scoring.SOFTMAX, true)
			.choose(new float[] { 0, 1, 1, 0 }, 0, null, this.chosen, this.weights, 0);
		assertThat(this.chosen).containsExactly(1, 2, 0);
	}

	@Test
	void correctionChangesTheChoiceAlone() {
		float[] correction = { 0, 0, 0, 5, 0, 0, 0, 4 };
		Routing routing = Routing.grouped(CONFIG,
				new Routing(8, 2, Routing.Scoring.SIGMOID, 1, 1, Routing.GroupScore.TWO_HIGHEST, false, 2.5f));
		routing.choose(LOGITS, 1, correction, this.chosen, this.weights, 0);
		assertThat(this.chosen).startsWith(3, 7);
		assertThat(this.weights[0]).isCloseTo((float) (2.5 / (1 + Math.exp(1))), within(1e-6f));
		assertThat(this.weights[1]).isCloseTo((float) (2.5 / (1 + Math.exp(5))), within(1e-6f));
	}

	@Test
	void expertsComeFromTheBestGroups() {
		// pairs (1, 2), (0, -1), (3, 0), (2.5, -5): by the highest 3 and 2.5, by the sum
		// of two sigmoids the first and the third
		float[] logits = { 1, 2, 0, -1, 3, 0, 2.5f, -5 };
		route(logits, Routing.GroupScore.HIGHEST);
		assertThat(this.chosen).containsExactly(4, 6, 5);
		route(logits, Routing.GroupScore.TWO_HIGHEST);
		assertThat(this.chosen).containsExactly(4, 1, 0);
	}

	private void route(float[] logits, Routing.GroupScore score) {
		Routing.grouped(CONFIG, new Routing(8, 3, Routing.Scoring.SIGMOID, 4, 2, score, true, 1f))
			.choose(logits, 0, null, this.chosen, this.weights, 0);
	}

	@Test
	void logitsThatAreNoNumbersChooseAsManyExperts() {
		float[] logits = new float[8];
		Arrays.fill(logits, Float.NaN);
		route(logits, Routing.GroupScore.TWO_HIGHEST);
		assertThat(this.chosen).doesNotHaveDuplicates();
		assertThat(this.weights).containsOnly(Float.NaN);
		logits[5] = 1;
		route(logits, Routing.GroupScore.HIGHEST);
		assertThat(this.chosen).doesNotHaveDuplicates().startsWith(5);
		Routing.plain(CONFIG, 8, 3, Routing.Scoring.SOFTMAX, true)
			.choose(logits, 0, new float[] { 0, 0, Float.NEGATIVE_INFINITY, 0, 0, 0, 0, Float.POSITIVE_INFINITY },
					this.chosen, this.weights, 0);
		assertThat(this.chosen).doesNotHaveDuplicates();
	}

	@Test
	void impossibleNumbersAreRefused() {
		assertThatExceptionOfType(CheckpointException.class)
			.isThrownBy(() -> Routing.plain(CONFIG, 8, 9, Routing.Scoring.SOFTMAX, true))
			.withMessageContainingAll("num_experts_per_tok", "from 1 to 8", "9");
		assertThatExceptionOfType(CheckpointException.class)
			.isThrownBy(() -> Routing.grouped(CONFIG,
					new Routing(8, 2, Routing.Scoring.SIGMOID, 3, 1, Routing.GroupScore.HIGHEST, true, 1f)))
			.withMessageContaining("n_group");
		assertThatExceptionOfType(CheckpointException.class)
			.isThrownBy(() -> Routing.grouped(CONFIG,
					new Routing(8, 3, Routing.Scoring.SIGMOID, 4, 1, Routing.GroupScore.HIGHEST, true, 1f)))
			.withMessageContainingAll("num_experts_per_tok", "from 1 to 2");
	}

}
