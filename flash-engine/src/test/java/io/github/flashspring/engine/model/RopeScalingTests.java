package io.github.flashspring.engine.model;

import java.nio.file.Path;

import org.junit.jupiter.api.Test;

import io.github.flashspring.engine.checkpoint.CheckpointException;
import io.github.flashspring.engine.checkpoint.ModelConfig;
import io.github.flashspring.engine.checkpoint.RopeParameters;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.within;

/**
 * Frequencies of every kind of rotary embedding against values worked out with the
 * formulas of the papers.
 */
class RopeScalingTests {

	@Test
	void linearScalingDividesFrequencies() {
		RopeScaling scaling = scaling("{'type': 'linear', 'factor': 4}", 8, 512, 512);
		assertThat(scaling.frequencies()).containsExactly(0.25f, 0.025f, 0.0025f, 0.00025f);
		assertThat(scaling.attentionFactor()).isEqualTo(1f);
	}

	@Test
	void yarnWithWholePairs() {
		// dim 16, base 10000, 64 positions: 32 rotations at pair -0.99 → 0, 1 at 2.02 →
		// 3
		RopeScaling scaling = scaling(
				"{'rope_type': 'yarn', 'factor': 4, 'original_max_position_embeddings': 64, 'mscale': 1, 'mscale_all_dim': 1}",
				16, 256, 256);
		assertThat(scaling.attentionFactor()).isEqualTo(1f);
		assertFrequencies(scaling, 1, 0.316227766 * (1 - 0.75 / 3), 0.1 * (1 - 0.75 * 2 / 3), 0.0316227766 / 4,
				0.01 / 4, 0.00316227766 / 4, 0.001 / 4, 0.000316227766 / 4);
	}

	@Test
	void yarnBetweenPairs() {
		RopeScaling scaling = scaling(
				"{'rope_type': 'yarn', 'factor': 4, 'original_max_position_embeddings': 64, 'truncate': false}", 16,
				256, 256);
		double high = 16 * Math.log(64 / (2 * Math.PI)) / (2 * Math.log(10_000));
		assertThat(high).isBetween(2.0, 2.1);
		assertThat(scaling.attentionFactor()).isCloseTo((float) (0.1 * Math.log(4) + 1), within(1e-7f));
		assertFrequencies(scaling, 1, 0.316227766 * (1 - 0.75 / high), 0.1 * (1 - 0.75 * 2 / high), 0.0316227766 / 4,
				0.01 / 4, 0.00316227766 / 4, 0.001 / 4, 0.000316227766 / 4);
	}

	@Test
	void longropeFollowsThePlannedContext() {
		String rope = "{'type': 'su', 'short_factor': [1, 2], 'long_factor': [4, 8], 'original_max_position_embeddings': 64}";
		RopeScaling within = scaling(rope, 4, 256, 64);
		RopeScaling beyond = scaling(rope, 4, 256, 65);
		assertThat(within.frequencies()).containsExactly(1f, 0.005f);
		assertThat(beyond.frequencies()).containsExactly(0.25f, 0.00125f);
		float factor = (float) Math.sqrt(1 + Math.log(4) / Math.log(64));
		assertThat(within.attentionFactor()).isCloseTo(factor, within(1e-7f));
		assertThat(beyond.attentionFactor()).isCloseTo(factor, within(1e-7f));
	}

	@Test
	void longropeNeedsAFactorForEveryPair() {
		String rope = "{'type': 'longrope', 'short_factor': [1], 'long_factor': [4, -8], 'original_max_position_embeddings': 64}";
		assertThatExceptionOfType(CheckpointException.class).isThrownBy(() -> scaling(rope, 4, 256, 64))
			.withMessageContainingAll("short_factor", "2 numbers above 0", "[1.0]");
		assertThatExceptionOfType(CheckpointException.class).isThrownBy(() -> scaling(rope, 4, 256, 65))
			.withMessageContainingAll("long_factor", "-8.0");
	}

	@Test
	void dynamicScalingIsRefused() {
		assertThatExceptionOfType(UnsupportedArchitectureException.class)
			.isThrownBy(() -> scaling("{'type': 'dynamic', 'factor': 2}", 4, 256, 64))
			.withMessageContainingAll("config.json", "\"dynamic\"", "how long it becomes");
		assertThatExceptionOfType(UnsupportedArchitectureException.class)
			.isThrownBy(() -> scaling("{'type': 'spiral'}", 4, 256, 64))
			.withMessageContainingAll("\"spiral\"", "llama3, yarn and longrope");
	}

	private static void assertFrequencies(RopeScaling scaling, double... expected) {
		assertThat(scaling.frequencies()).hasSize(expected.length);
		for (int i = 0; i < expected.length; i++) {
			assertThat((double) scaling.frequencies()[i]).as("pair %d", i)
				.isCloseTo(expected[i], within(expected[i] * 1e-6));
		}
	}

	private static RopeScaling scaling(String rope, int dim, int positions, int context) {
		RopeParameters parameters = ModelConfig
			.parse(Path.of("config.json"), "{\"rope_theta\": 10000, \"rope_scaling\": " + rope.replace('\'', '"') + "}")
			.ropeParameters();
		return RopeScaling.of(parameters, dim, positions, context);
	}

}
