package io.github.flashspring.engine.generate;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.within;

class SamplerTests {

	private static final int[] NO_PROMPT = {};

	private static Sampling sampling(float temperature, int topK, float topP, float minP) {
		return new Sampling(1, 0, 0, temperature, topK, topP, minP, 7L);
	}

	/** How often each token is drawn from logits whose probabilities are given. */
	private static double[] frequencies(Sampling sampling, double... probabilities) {
		Sampler sampler = new Sampler(sampling, NO_PROMPT);
		int draws = 20_000;
		double[] counts = new double[probabilities.length];
		for (int i = 0; i < draws; i++) {
			counts[sampler.next(logits(probabilities))] += 1.0 / draws;
		}
		return counts;
	}

	private static float[] logits(double... probabilities) {
		float[] logits = new float[probabilities.length];
		for (int i = 0; i < logits.length; i++) {
			logits[i] = (float) Math.log(probabilities[i]);
		}
		return logits;
	}

	@Test
	void greedyTakesTheLargestAndTheFirstOfEqualOnes() {
		assertThat(new Sampler(Sampling.GREEDY, NO_PROMPT).next(new float[] { -3, 2, 5, 5, -1 })).isEqualTo(2);
	}

	@Test
	void drawsWithTheProbabilitiesOfTheSoftmax() {
		assertThat(frequencies(sampling(1, 0, 1, 0), 0.5, 0.1, 0.4)).containsExactly(new double[] { 0.5, 0.1, 0.4 },
				within(0.015));
	}

	@Test
	void temperatureSharpens() {
		// squares of the probabilities, normalised
		assertThat(frequencies(sampling(0.5f, 0, 1, 0), 0.5, 0.1, 0.4))
			.containsExactly(new double[] { 0.25 / 0.42, 0.01 / 0.42, 0.16 / 0.42 }, within(0.015));
	}

	@Test
	void topKKeepsTheMostLikely() {
		assertThat(frequencies(sampling(1, 2, 1, 0), 0.5, 0.1, 0.4))
			.containsExactly(new double[] { 0.5 / 0.9, 0, 0.4 / 0.9 }, within(0.015));
	}

	@Test
	void topPKeepsTheTokenThatReachesTheMass() {
		assertThat(frequencies(sampling(1, 0, 0.6f, 0), 0.5, 0.1, 0.4))
			.containsExactly(new double[] { 0.5 / 0.9, 0, 0.4 / 0.9 }, within(0.015));
		assertThat(frequencies(sampling(1, 0, 0.4f, 0), 0.5, 0.1, 0.4)).containsExactly(new double[] { 1, 0, 0 },
				within(1e-9));
	}

	@Test
	void minPIsRelativeToTheMostLikely() {
		assertThat(frequencies(sampling(1, 0, 1, 0.5f), 0.5, 0.1, 0.4))
			.containsExactly(new double[] { 0.5 / 0.9, 0, 0.4 / 0.9 }, within(0.015));
	}

	@Test
	void negativeAndEqualLogitsAreOrderedByValueThenId() {
		float[] logits = { -1, -3, -2, -2, 0.5f, -0f };
		Sampler sampler = new Sampler(sampling(1, 4, 1, 0), NO_PROMPT);
		List<Integer> drawn = new ArrayList<>();
		for (int i = 0; i < 2000; i++) {
			drawn.add(sampler.next(logits.clone()));
		}
		assertThat(drawn).contains(4, 5, 0, 2).doesNotContain(1, 3);
	}

	@Test
	void theSameSeedDrawsTheSame() {
		Sampler one = new Sampler(sampling(1, 0, 1, 0), NO_PROMPT);
		Sampler two = new Sampler(sampling(1, 0, 1, 0), NO_PROMPT);
		assertThat(IntStream.range(0, 100).map((i) -> one.next(new float[50])).toArray())
			.isEqualTo(IntStream.range(0, 100).map((i) -> two.next(new float[50])).toArray())
			.doesNotContain(50);
	}

	@Test
	void repetitionPenaltyCountsThePromptPresenceAndFrequencyOnlyTheOutput() {
		Sampler repetition = new Sampler(new Sampling(2, 0, 0, 0, 0, 1, 0, null), new int[] { 0 });
		assertThat(repetition.next(new float[] { 3, 2, -1 })).isEqualTo(1);
		assertThat(repetition.next(new float[] { 3, 2, 1.6f })).isEqualTo(2);
		Sampler presence = new Sampler(new Sampling(1, 1.5f, 0, 0, 0, 1, 0, null), new int[] { 0 });
		assertThat(presence.next(new float[] { 3, 2 })).isZero();
		assertThat(presence.next(new float[] { 3, 2 })).isEqualTo(1);
		assertThat(presence.next(new float[] { 3, 2 })).isZero();
		Sampler frequency = new Sampler(new Sampling(1, 0, 0.6f, 0, 0, 1, 0, null), NO_PROMPT);
		assertThat(IntStream.range(0, 4).map((i) -> frequency.next(new float[] { 3, 2 })).toArray()).containsExactly(0,
				0, 1, 0);
	}

	@Test
	void logitsThatAreNoNumbersAreNoToken() {
		assertThatIllegalStateException()
			.isThrownBy(() -> new Sampler(Sampling.GREEDY, NO_PROMPT).next(new float[] { Float.NaN, Float.NaN }))
			.withMessageContaining("NaN");
	}

	@Test
	void impossibleSettingsAreRefused() {
		assertThatIllegalArgumentException().isThrownBy(() -> sampling(-1, 0, 1, 0)).withMessageContaining("-1.0");
		assertThatIllegalArgumentException().isThrownBy(() -> sampling(1, 0, 0, 0)).withMessageContaining("topP");
	}

	@Test
	void maskedDistributionIsTheUnmaskedOneRenormalised() {
		float[] logits = { 1, 2, 0, 1.5f, -1, 0.5f };
		Sampler sampler = new Sampler(sampling(1, 0, 1, 0), NO_PROMPT);
		int[] counts = new int[logits.length];
		int draws = 200_000;
		for (int i = 0; i < draws; i++) {
			counts[sampler.next(logits.clone(), admitting(true, 0, 2, 3), Set.of(4))]++;
		}
		double sum = Math.exp(1) + Math.exp(0) + Math.exp(1.5) + Math.exp(-1);
		for (int token = 0; token < logits.length; token++) {
			boolean admitted = token != 1 && token != 5;
			assertThat(counts[token] / (double) draws).isCloseTo(admitted ? Math.exp(logits[token]) / sum : 0,
					within(0.005));
		}
	}

	@Test
	void topKAndTopPChooseAmongAdmittedTokens() {
		float[] logits = { 9, 8, 1, 2, 3, 0 };
		assertThat(
				new Sampler(sampling(1, 1, 1, 0), NO_PROMPT).next(logits.clone(), admitting(false, 2, 3, 5), Set.of(0)))
			.isEqualTo(3);
		assertThat(
				new Sampler(sampling(1, 0, 0.01f, 0), NO_PROMPT).next(logits.clone(), admitting(false, 2, 5), Set.of()))
			.isEqualTo(2);
		assertThat(new Sampler(Sampling.GREEDY, NO_PROMPT).next(logits.clone(), admitting(true, 2, 5), Set.of(0)))
			.isZero();
	}

	@Test
	void constraintsDrawOneNumberForEachToken() {
		float[] logits = { 1, 2, 0, 1.5f, -1, 0.5f };
		Sampler one = new Sampler(sampling(1, 0, 1, 0), NO_PROMPT);
		Sampler two = new Sampler(sampling(1, 0, 1, 0), NO_PROMPT);
		one.next(logits.clone());
		two.next(logits.clone(), admitting(false, 2), Set.of());
		assertThat(one.next(logits.clone())).isEqualTo(two.next(logits.clone()));
	}

	@Test
	void nothingAdmittedIsAnError() {
		assertThatExceptionOfType(NoTokenException.class).isThrownBy(
				() -> new Sampler(Sampling.GREEDY, NO_PROMPT).next(new float[] { 1, 2 }, admitting(false), Set.of(1)));
		assertThatExceptionOfType(NonFiniteLogitsException.class)
			.isThrownBy(() -> new Sampler(Sampling.GREEDY, NO_PROMPT).next(new float[] { 1, Float.NaN },
					admitting(false, 1), Set.of()));
	}

	private static Constraint admitting(boolean end, int... tokens) {
		long mask = 0;
		for (int token : tokens) {
			mask |= 1L << token;
		}
		long[] admitted = { mask };
		return new Constraint() {

			@Override
			public long[] admitted() {
				return admitted;
			}

			@Override
			public boolean mayEnd() {
				return end;
			}

			@Override
			public boolean isComplete() {
				return false;
			}

			@Override
			public Runnable preparation() {
				return () -> {
				};
			}

			@Override
			public void advance(int token) {
			}

		};
	}

}
