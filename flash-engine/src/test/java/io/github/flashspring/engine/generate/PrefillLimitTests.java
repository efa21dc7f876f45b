package io.github.flashspring.engine.generate;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Tests for {@link PrefillLimit}.
 */
class PrefillLimitTests {

	private static final int PASSES = 50;

	/** The limit after passes whose time is the greater of two. */
	private static int settled(long fixedNanos, long computeNanos, long nanosPerRow) {
		PrefillLimit limit = new PrefillLimit();
		limit.passed(2, 0, Math.max(fixedNanos, computeNanos));
		for (int i = 0; i < PASSES; i++) {
			int rows = Math.min(limit.rows(), 4096);
			limit.passed(2, rows, Math.max(fixedNanos, computeNanos + rows * nanosPerRow));
		}
		return limit.rows();
	}

	@Test
	void promptsGetAsMuchTimeAsDecodingWhereComputeIsTheLimit() {
		assertThat(settled(0, 40_000, 1000)).isEqualTo(40);
		assertThat(settled(0, 40_000, 100)).isEqualTo(400);
	}

	@Test
	void rowsAreFreeWhileThePassWaitsForTheDisk() {
		// a pass of twice the time of the disk computes 190 rows
		assertThat(settled(1_000_000, 100_000, 10_000)).isBetween(180, 200);
		assertThat(settled(1_000_000, 100_000, 10)).as("the longest pass there is").isGreaterThanOrEqualTo(4096);
	}

	@Test
	void promptsAlwaysGetOn() {
		assertThat(settled(0, 1000, 1_000_000)).isEqualTo(8);
	}

	@Test
	void shortPromptsDoNotLowerTheLimit() {
		PrefillLimit limit = new PrefillLimit();
		int first = limit.rows();
		limit.passed(0, 512, 1_000_000);
		limit.passed(1, 0, 100);
		limit.passed(1, 3, 110);
		assertThat(limit.rows()).isEqualTo(first);
		limit.passed(1, 20, 1100);
		assertThat(limit.rows()).as("fewer rows took too long").isEqualTo(8);
	}

}
