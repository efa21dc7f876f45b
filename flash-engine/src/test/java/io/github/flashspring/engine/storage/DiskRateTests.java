package io.github.flashspring.engine.storage;

import java.util.concurrent.atomic.AtomicLong;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

/**
 * Rates of reads on a virtual clock.
 */
class DiskRateTests {

	private final AtomicLong clock = new AtomicLong();

	private final DiskRate rate = new DiskRate(this.clock::get);

	private void read(long end, long nanos, long bytes) {
		this.clock.set(end);
		this.rate.add(bytes, nanos);
	}

	@Test
	void knowsNothingBeforeTheFirstRead() {
		assertThat(this.rate.bytesPerSecond()).isZero();
	}

	@Test
	void countsTimeInWhichSeveralReadsRunOnce() {
		read(100, 100, 1000);
		read(150, 100, 1000);
		read(160, 160, 1000);
		read(300, 100, 1000);
		// busy from 0 to 160 and from 200 to 300
		assertThat(this.rate.bytesPerSecond()).isCloseTo(4000 / 260e-9, within(1.0));
	}

	@ParameterizedTest
	@ValueSource(longs = { 0, Long.MAX_VALUE - 500 })
	void forgetsOldReadsAndSurvivesTheClocksEnd(long start) {
		for (int i = 1; i <= 1000; i++) {
			read(start + 10L * i, 20, (i <= 968) ? 1 : 7);
		}
		// 32 reads that overlap by half: busy for 33 steps of ten
		assertThat(this.rate.bytesPerSecond()).isCloseTo(32 * 7 / 330e-9, within(1.0));
	}

}
