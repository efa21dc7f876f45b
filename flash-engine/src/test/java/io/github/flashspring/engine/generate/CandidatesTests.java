package io.github.flashspring.engine.generate;

import java.util.Comparator;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;

class CandidatesTests {

	@ParameterizedTest
	@ValueSource(ints = { 1, 64, 255, 256, 257, 2048, 5000, 40_000 })
	void tokensAreInTheOrderOfLogitsThenIds(int size) {
		for (double spread : new double[] { 0, 1e-6, 1, 1e30 }) {
			SplittableRandom random = new SplittableRandom(size);
			float[] logits = new float[size];
			for (int i = 0; i < size; i++) {
				logits[i] = (float) (spread * (random.nextInt(3) == 0 ? random.nextInt(-2, 3) : random.nextGaussian()));
			}
			logits[random.nextInt(size)] = -0f;
			int[] expected = IntStream.range(0, size)
				.boxed()
				.sorted(Comparator.comparingDouble((Integer i) -> -(logits[i] + 0f)).thenComparing((i) -> i))
				.mapToInt((i) -> i)
				.toArray();
			Candidates candidates = new Candidates(logits, Double.NEGATIVE_INFINITY);
			assertThat(candidates.count()).isEqualTo(size);
			assertThat(IntStream.range(0, size).map(candidates::token).toArray()).isEqualTo(expected);
		}
	}

	@ParameterizedTest
	@ValueSource(doubles = { -3, 0, 0.5, 2 })
	void tokensBelowTheBoundAreLeftOut(double floor) {
		Candidates candidates = new Candidates(new float[] { -2, 0.5f, Float.NEGATIVE_INFINITY, 2, 0 }, floor);
		int[] order = { 3, 1, 4, 0 };
		assertThat(candidates.count()).isEqualTo((floor == -3) ? 4 : (floor == 0) ? 3 : (floor == 0.5) ? 2 : 1);
		for (int rank = 0; rank < candidates.count(); rank++) {
			assertThat(candidates.token(rank)).isEqualTo(order[rank]);
		}
	}

}
