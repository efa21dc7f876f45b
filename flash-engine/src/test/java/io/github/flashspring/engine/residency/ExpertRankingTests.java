package io.github.flashspring.engine.residency;

import java.util.Random;
import java.util.stream.IntStream;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

class ExpertRankingTests {

	@Test
	void worthIsTheShareOfTokensThatNeedAnExpert() {
		ExpertRanking ranking = new ExpertRanking.Measured(3);
		Random random = new Random(3);
		for (int token = 0; token < 2000; token++) {
			ranking.passed(1);
			if (random.nextDouble() < 0.5) {
				ranking.used(0, 1);
			}
			ranking.used(1, 1);
		}
		double[] sum = new double[3];
		for (int token = 0; token < 500; token++) {
			ranking.passed(1);
			if (random.nextDouble() < 0.5) {
				ranking.used(0, 1);
			}
			ranking.used(1, 1);
			IntStream.range(0, 3).forEach((i) -> sum[i] += ranking.worth(i) / 500);
		}
		assertThat(sum[0]).isCloseTo(0.5, within(0.05));
		assertThat(sum[1]).isCloseTo(1, within(1e-6));
		assertThat(sum[2]).isZero();
	}

	@Test
	void aPromptCountsAsManyTokens() {
		ExpertRanking one = new ExpertRanking.Measured(1);
		ExpertRanking many = new ExpertRanking.Measured(1);
		for (int token = 0; token < 400; token++) {
			one.passed(1);
			one.used(0, 1);
		}
		many.passed(400);
		many.used(0, 1);
		assertThat(many.worth(0)).isCloseTo(one.worth(0), within(1e-9));
	}

	@Test
	void whatWasUsedJustNowOutweighsWhatWasAsRareBefore() {
		ExpertRanking ranking = new ExpertRanking.Measured(2);
		for (int token = 0; token < 200; token++) {
			ranking.passed(1);
			ranking.used(0, (token % 20 == 0) ? 1 : 0);
			ranking.used(1, (token % 20 == 19) ? 1 : 0);
		}
		assertThat(ranking.worth(1)).isGreaterThan(ranking.worth(0));
	}

	@Test
	void aFavouriteOutlivesATokenThatDoesNotNeedIt() {
		ExpertRanking measured = new ExpertRanking.Measured(2);
		ExpertRanking last = new ExpertRanking.LastUse(2);
		for (ExpertRanking ranking : new ExpertRanking[] { measured, last }) {
			for (int token = 0; token < 100; token++) {
				ranking.passed(1);
				ranking.used(0, 1);
			}
			ranking.passed(1);
			ranking.used(1, 1);
		}
		assertThat(measured.worth(0)).isGreaterThan(measured.worth(1));
		assertThat(last.worth(1)).isGreaterThan(last.worth(0));
	}

}
