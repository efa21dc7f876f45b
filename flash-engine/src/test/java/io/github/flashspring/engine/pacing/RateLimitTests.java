package io.github.flashspring.engine.pacing;

import io.github.flashspring.engine.pacing.RateLimit.Decision;
import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

class RateLimitTests {

	private static final double RATE = 1e9;

	private final RateLimit limit = new RateLimit(0.05);

	/** Windows in which half of the time was next to reads, so much slower. */
	private static InterferenceEstimator estimate(int windows, double slower) {
		InterferenceEstimator estimator = new InterferenceEstimator();
		for (int window = 0; window < windows; window++) {
			for (int i = 0; i < InterferenceEstimator.WINDOW_LAYERS / 2; i++) {
				estimator.add(100, 100, false, false);
				estimator.add(100 * (1 + slower), 100, true, false);
			}
		}
		return estimator;
	}

	@Test
	void fewWindowsDecideNothing() {
		assertThat(this.limit.adjust(estimate(3, 0.4), RATE, RATE)).isEqualTo(Decision.NOT_KNOWN);
		assertThat(this.limit.bytesPerSecond()).isInfinite();
	}

	@Test
	void certainSlowdownLowersTheLimitInProportion() {
		// 20 % while reads run, half of the time: 10 % where 5 % are allowed, 4 % aimed
		// at.
		assertThat(this.limit.adjust(estimate(8, 0.2), RATE, RATE)).isEqualTo(Decision.CHANGED);
		assertThat(this.limit.bytesPerSecond()).isCloseTo(0.4 * RATE, within(0.001 * RATE));
	}

	@Test
	void limitNeverFallsBelowAShareOfTheDisk() {
		for (int i = 0; i < 20; i++) {
			this.limit.adjust(estimate(8, 10), RATE, RATE);
		}
		assertThat(this.limit.bytesPerSecond()).isEqualTo(RATE / 32);
	}

	@Test
	void noSlowdownWithoutLimitIsConfirmed() {
		assertThat(this.limit.adjust(estimate(8, 0), RATE, RATE)).isEqualTo(Decision.CONFIRMED);
		assertThat(this.limit.bytesPerSecond()).isInfinite();
	}

	@Test
	void noSlowdownRaisesTheLimitUntilItIsGone() {
		this.limit.adjust(estimate(8, 0.2), RATE, RATE);
		assertThat(this.limit.adjust(estimate(8, 0), RATE, RATE)).isEqualTo(Decision.CHANGED);
		assertThat(this.limit.bytesPerSecond()).isCloseTo(0.8 * RATE, within(0.001 * RATE));
		this.limit.adjust(estimate(8, 0), RATE, RATE);
		this.limit.adjust(estimate(8, 0), RATE, RATE);
		assertThat(this.limit.bytesPerSecond()).isInfinite();
	}

	@Test
	void slowdownNearTheAimKeepsTheLimit() {
		this.limit.adjust(estimate(8, 0.2), RATE, RATE);
		double before = this.limit.bytesPerSecond();
		// 9 % half of the time: 4.5 %, allowed, and more than is aimed at.
		assertThat(this.limit.adjust(estimate(8, 0.09), RATE, RATE)).isEqualTo(Decision.KEPT);
		assertThat(this.limit.bytesPerSecond()).isEqualTo(before);
	}

}
