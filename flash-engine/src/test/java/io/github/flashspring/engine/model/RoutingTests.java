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
		new Routing(8, 2, Routing.Scoring.SOFTMAX).choose(LOGITS, 1, null, this.chosen, this.weights, 1);
		double sum = Math.exp(1) + Math.exp(2) + 1 + Math.exp(-1) + Math.exp(3) + 1 + Math.exp(2.5) + Math.exp(-5);
		assertThat(this.chosen).containsExactly(0, 4, 6);
		assertThat(this.weights[1]).isCloseTo((float) (Math.exp(3) / sum), within(1e-7f));
		assertThat(this.weights[2]).isCloseTo((float) (Math.exp(2.5) / sum), within(1e-7f));
	}

	@Test
	void normalizedWeightsAddUpToOne() {
		normalized(8, 2).choose(LOGITS, 1, null, this.chosen, this.weights, 0);
		assertThat(this.weights[0]).isCloseTo((float) (1 / (1 + Math.exp(-0.5))), within(1e-7f));
		assertThat(this.weights[0] + this.weights[1]).isCloseTo(1f, within(1e-6f));
	}

	@Test
	void tiedExpertsAreSelectedInOrder() {
		normalized(4, 3).choose(new float[] { 0, 1, 1, 0 }, 0, null, this.chosen, this.weights, 0);
		assertThat(this.chosen).containsExactly(1, 2, 0);
	}

	@Test
	void correctionBiasChangesOnlyTheSelection() {
		float[] correction = { 0, 0, 0, 5, 0, 0, 0, 4 };
		Routing routing = new Routing(8, 2, Routing.Scoring.SIGMOID).scale(2.5f);
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

	private static Routing normalized(int experts, int perToken) {
		return new Routing(experts, perToken, Routing.Scoring.SOFTMAX).weighting(Routing.Weighting.NORMALIZED);
	}

	private void route(float[] logits, Routing.GroupScore score) {
		new Routing(8, 3, Routing.Scoring.SIGMOID).groups(new Routing.Groups(4, 2, score))
			.weighting(Routing.Weighting.NORMALIZED)
			.choose(logits, 0, null, this.chosen, this.weights, 0);
	}

	@Test
	void nanLogitsSelectDistinctExperts() {
		float[] logits = new float[8];
		Arrays.fill(logits, Float.NaN);
		route(logits, Routing.GroupScore.TWO_HIGHEST);
		assertThat(this.chosen).doesNotHaveDuplicates();
		assertThat(this.weights).containsOnly(Float.NaN);
		logits[5] = 1;
		route(logits, Routing.GroupScore.HIGHEST);
		assertThat(this.chosen).doesNotHaveDuplicates().startsWith(5);
		normalized(8, 3).choose(logits, 0,
				new float[] { 0, 0, Float.NEGATIVE_INFINITY, 0, 0, 0, 0, Float.POSITIVE_INFINITY }, this.chosen,
				this.weights, 0);
		assertThat(this.chosen).doesNotHaveDuplicates();
	}

	@Test
	void inconsistentRoutingConfigIsRefused() {
		assertThatExceptionOfType(CheckpointException.class).isThrownBy(() -> normalized(8, 9).checked(CONFIG))
			.withMessageContainingAll("num_experts_per_tok", "from 1 to 8", "9");
		assertThatExceptionOfType(CheckpointException.class)
			.isThrownBy(() -> new Routing(8, 2, Routing.Scoring.SIGMOID)
				.groups(new Routing.Groups(3, 1, Routing.GroupScore.HIGHEST))
				.checked(CONFIG))
			.withMessageContaining("n_group");
		assertThatExceptionOfType(CheckpointException.class)
			.isThrownBy(() -> new Routing(8, 3, Routing.Scoring.SIGMOID)
				.groups(new Routing.Groups(4, 1, Routing.GroupScore.HIGHEST))
				.checked(CONFIG))
			.withMessageContainingAll("num_experts_per_tok", "from 1 to 2");
	}

}
