package io.github.flashspring.engine.memory;

import java.util.function.LongUnaryOperator;

import io.github.flashspring.engine.memory.MemoryPressure.Level;
import io.github.flashspring.engine.memory.MemoryPressure.Stall;
import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

/**
 * Lets an engine and another program share a machine, second by second in virtual time.
 */
class BudgetPolicyTests {

	private static final long GB = 1_000_000_000;

	private static final long LEAST = 2 * GB;

	private static final long MOST = 12 * GB;

	private long seconds;

	private long budget = MOST;

	private int changes;

	private int shortSeconds;

	private double stalled;

	private final BudgetPolicy policy = new BudgetPolicy(() -> this.seconds * GB, LEAST, MOST);

	private final MemoryPressure pressure = new MemoryPressure(() -> new Stall(this.stalled, 0));

	@Test
	void staysWhereThereIsNoPressure() {
		run(3600, (second) -> 2 * GB);
		assertThat(this.budget).isEqualTo(MOST);
		assertThat(this.changes).isZero();
	}

	@Test
	void givesMemoryBackWithinSeconds() {
		run(60, (second) -> 2 * GB);
		run(60, (second) -> 10 * GB);
		assertThat(this.budget).isBetween(LEAST, 6 * GB);
		assertThat(this.shortSeconds).isLessThan(15);
	}

	@Test
	void growsBackWhenThereWasEnoughForAWhile() {
		run(30, (second) -> 10 * GB);
		long shrunk = this.budget;
		run(29, (second) -> 1 * GB);
		assertThat(this.budget).isEqualTo(shrunk);
		run(600, (second) -> 1 * GB);
		assertThat(this.budget).isEqualTo(MOST);
	}

	@Test
	void growsNoFurtherThanThereIsRoom() {
		run(120, (second) -> 10 * GB);
		int before = this.shortSeconds;
		run(7200, (second) -> 8 * GB);
		// 16 GB, less 8 of the other program, less a reserve of 15 %.
		assertThat((double) this.budget).isCloseTo(5.6e9, within(0.7e9));
		assertThat(this.shortSeconds).isEqualTo(before);
	}

	@Test
	void doesNotChaseAProgramThatGrowsAndShrinks() {
		run(120, (second) -> 4 * GB);
		int before = this.changes;
		run(4 * 3600, (second) -> ((second / 120 % 2 == 0) ? 4 : 9) * GB);
		// 60 times up and down in several steps each would be more than 300.
		assertThat(this.changes - before).isLessThan(100);
	}

	@Test
	void keepsToItsBounds() {
		run(600, (second) -> 15 * GB);
		assertThat(this.budget).isEqualTo(LEAST);
		assertThat(this.policy.follow(Level.NORMAL, new MemoryLimits(16 * GB, 8 * GB, ""), 20 * GB)).isEqualTo(MOST);
		assertThatIllegalArgumentException().isThrownBy(() -> new BudgetPolicy(() -> 0, 5, 4));
		assertThatIllegalArgumentException().isThrownBy(() -> new BudgetPolicy(() -> 0, 0, 4));
	}

	@Test
	void aFullGroupIsCriticalEvenIfNothingWaitsYet() {
		assertThat(this.policy.follow(Level.NORMAL, new MemoryLimits(16 * GB, GB / 10, ""), 8 * GB)).isEqualTo(6 * GB);
	}

	@Test
	void criticalPressureTakesMoreThanAWarning() {
		MemoryLimits enough = new MemoryLimits(16 * GB, 8 * GB, "");
		assertThat(this.policy.follow(Level.WARNING, enough, 10 * GB)).isEqualTo(9 * GB);
		assertThat(this.policy.follow(Level.WARNING, enough, 9 * GB)).as("no second step at once").isEqualTo(9 * GB);
		this.seconds += 3;
		assertThat(this.policy.follow(Level.CRITICAL, enough, 8 * GB)).isEqualTo(6 * GB);
	}

	/** Runs beside another program that uses so many bytes at each second. */
	private void run(int duration, LongUnaryOperator other) {
		for (int i = 0; i < duration; i++) {
			long available = 16 * GB - other.applyAsLong(i) - this.budget;
			// An average over ten seconds, as the kernel's.
			this.stalled += ((available < GB / 10 ? 80 : 0) - this.stalled) / 10;
			this.shortSeconds += (available < 0) ? 1 : 0;
			MemoryLimits limits = new MemoryLimits(16 * GB, Math.max(0, available), "simulation");
			long next = this.policy.follow(this.pressure.level(), limits, this.budget);
			this.changes += (next != this.budget) ? 1 : 0;
			this.budget = next;
			this.seconds++;
		}
	}

}
