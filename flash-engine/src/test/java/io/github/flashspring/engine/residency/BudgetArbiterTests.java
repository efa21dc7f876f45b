package io.github.flashspring.engine.residency;

import java.util.List;
import java.util.Random;

import org.junit.jupiter.api.Test;

import io.github.flashspring.engine.memory.BudgetExceededException;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/**
 * How {@link BudgetArbiter} divides a budget.
 */
class BudgetArbiterTests {

	private static final long MB = 1 << 20;

	@Test
	void aSmallModelIsFreedFromTheDiskBeforeALargeOne() {
		Streamed large = new Streamed("large", 4096 * MB, 200 * MB);
		Streamed small = new Streamed("small", 1024 * MB, 100 * MB);
		long[] bytes = BudgetArbiter.divide(2048 * MB, List.of(large, small));
		assertThat(bytes[1]).isBetween(900 * MB, 1060 * MB);
		assertThat(bytes[0] + bytes[1]).isLessThanOrEqualTo(2048 * MB);
		assertThat(sum(bytes, large, small)).isGreaterThan(sum(new long[] { 1024 * MB, 1024 * MB }, large, small));
	}

	@Test
	void noOtherDivisionIntoStepsIsFaster() {
		Random random = new Random(7);
		for (int round = 0; round < 50; round++) {
			Streamed[] engines = new Streamed[2];
			for (int i = 0; i < engines.length; i++) {
				engines[i] = new Streamed("m" + i, (100 + random.nextInt(5000)) * MB, (10 + random.nextInt(90)) * MB);
			}
			long budget = (200 + random.nextInt(4000)) * MB;
			double found = sum(BudgetArbiter.divide(budget, List.of(engines)), engines);
			long step = (budget - engines[0].minimumBytes() - engines[1].minimumBytes()) / 48;
			for (int own = 0; own <= 48; own++) {
				long[] other = { engines[0].minimumBytes() + own * step,
						engines[1].minimumBytes() + (48 - own) * step };
				assertThat(found).isGreaterThanOrEqualTo(sum(other, engines) * (1 - 1e-12));
			}
		}
	}

	@Test
	void minimaThatExceedTheBudgetAreRefusedWithTheArithmetic() {
		assertThatExceptionOfType(BudgetExceededException.class)
			.isThrownBy(() -> BudgetArbiter.divide(250 * MB,
					List.of(new Streamed("large", 4096 * MB, 200 * MB), new Streamed("small", 1024 * MB, 100 * MB))))
			.withMessageContainingAll("250 MB", "300 MB", "200 MB for large", "100 MB for small")
			.satisfies((ex) -> assertThat(ex.neededBytes()).isEqualTo(300 * MB));
	}

	private static double sum(long[] bytes, Streamed... engines) {
		double sum = 0;
		for (int i = 0; i < engines.length; i++) {
			sum += engines[i].tokensPerSecond(bytes[i]);
		}
		return sum;
	}

	/** A dense model that is streamed at 1 GB/s and computes at 10 GB/s. */
	private record Streamed(String name, long weightBytes, long minimumBytes) implements BudgetArbiter.Share {

		@Override
		public double tokensPerSecond(long bytes) {
			double streamed = Math.max(0, this.weightBytes - bytes);
			return 1 / Math.max(streamed / 1e9, this.weightBytes / 1e10);
		}

	}

}
