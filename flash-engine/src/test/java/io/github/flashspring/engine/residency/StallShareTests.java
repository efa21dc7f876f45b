package io.github.flashspring.engine.residency;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

/** Tests for {@link StallShare}. */
class StallShareTests {

	private final StallShare share = new StallShare();

	@Test
	void nothingIsKnownBeforeTheFirstPassEnds() {
		this.share.stalled(50);
		assertThat(this.share.beginPass(1000)).isZero();
	}

	@Test
	void theAverageApproachesWhatPassesWaited() {
		long now = 1000;
		this.share.beginPass(now);
		double last = 0;
		for (int i = 0; i < 20; i++) {
			this.share.stalled(20);
			this.share.stalled(20);
			now += 100;
			double next = this.share.beginPass(now);
			assertThat(next).isGreaterThan(last);
			last = next;
		}
		assertThat(last).isCloseTo(0.4, within(0.002));
	}

	@Test
	void aPassThatWaitedLongerThanItTookCountsAsWaiting() {
		this.share.beginPass(1000);
		this.share.stalled(500);
		assertThat(this.share.beginPass(1100)).isEqualTo(0.25);
	}

}
