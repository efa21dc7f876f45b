package io.github.flashspring.engine.storage;

import java.util.concurrent.atomic.AtomicLong;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

class TokenBucketTests {

	private final AtomicLong clock = new AtomicLong(Long.MAX_VALUE - 1000);

	private final TokenBucket bucket = new TokenBucket(this.clock::get, 1000);

	@Test
	void letsEverythingThroughWithoutARate() {
		for (int i = 0; i < 100; i++) {
			assertThat(this.bucket.take(1L << 40)).isZero();
		}
	}

	@ParameterizedTest
	@ValueSource(longs = { 1, 999, 1000, 1_000_000 })
	void holdsTheAverageForReadsOfAnySize(long bytes) {
		this.bucket.rate(5e6);
		long start = this.clock.get();
		long taken = 0;
		while (this.clock.get() - start < 10_000_000_000L) {
			long wait = this.bucket.take(bytes);
			if (wait == 0) {
				taken += bytes;
			}
			else {
				this.clock.addAndGet(wait);
			}
		}
		assertThat((double) taken).isCloseTo(5e7, within(1000.0 + bytes));
	}

	@Test
	void waitsExactlyUntilTheDebtIsPaid() {
		this.bucket.rate(1e9);
		assertThat(this.bucket.take(3000)).isZero();
		assertThat(this.bucket.take(1)).isEqualTo(2000);
		this.clock.addAndGet(1999);
		assertThat(this.bucket.take(1)).isEqualTo(1);
		this.clock.addAndGet(1);
		assertThat(this.bucket.take(1)).isZero();
	}

	@Test
	void savesNoMoreThanItsCapacity() {
		this.bucket.rate(1e9);
		this.clock.addAndGet(3_600_000_000_000L);
		assertThat(this.bucket.take(1000)).isZero();
		assertThat(this.bucket.take(1)).isZero();
		assertThat(this.bucket.take(1)).isEqualTo(1);
	}

	@Test
	void whatWasTakenIsPaidAtTheNewRate() {
		this.bucket.rate(1e9);
		this.bucket.take(2000);
		this.bucket.rate(1e6);
		assertThat(this.bucket.take(1)).isEqualTo(1_000_000);
	}

	@Test
	void refusesRatesThatStopEverything() {
		assertThatIllegalArgumentException().isThrownBy(() -> this.bucket.rate(0));
		assertThatIllegalArgumentException().isThrownBy(() -> this.bucket.rate(Double.NaN));
	}

}
