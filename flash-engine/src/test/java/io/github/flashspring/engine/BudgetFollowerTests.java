package io.github.flashspring.engine;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import io.github.flashspring.engine.memory.MemoryLimits;
import io.github.flashspring.engine.memory.MemoryPressure.Level;
import io.github.flashspring.engine.memory.RamBudget;
import io.github.flashspring.engine.residency.ResidencyPlan;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * An engine whose budget follows a pressure that is made up, on a virtual clock.
 */
@Timeout(60)
class BudgetFollowerTests {

	private static final int[] PROMPT = { 1, 403, 407 };

	private final AtomicLong clock = new AtomicLong();

	private final AtomicReference<Level> level = new AtomicReference<>(Level.NORMAL);

	private void pass(BudgetFollower follower, int times, int seconds) {
		for (int i = 0; i < times; i++) {
			this.clock.addAndGet(TimeUnit.SECONDS.toNanos(seconds));
			follower.follow();
		}
	}

	@Test
	void givesMemoryBackWhileItIsShortAndTakesItAgain() throws Exception {
		FlashConfig config = FlashConfig.builder(Golden.path("models/stories260K/bf16").toString())
			.contextLength(64)
			.parallel(1)
			.threads(2)
			.ramBudget(RamBudget.ofGigabytes(1))
			.build();
		try (FlashEngine engine = FlashEngine.load(config)) {
			int[] expected = Golden.generate(engine, PROMPT, 40).tokens();
			ResidencyPlan whole = engine.plan();
			assertThat(whole.streamedBytes()).isZero();
			BudgetFollower follower = new BudgetFollower(this.clock::get, this.level::get,
					() -> new MemoryLimits(16L << 30, 8L << 30, "made up"), whole.plannedBytes(), engine::ramBudget);
			pass(follower, 10, 1);
			assertThat(engine.plan()).isSameAs(whole);
			this.level.set(Level.WARNING);
			pass(follower, 1, 1);
			assertThat(engine.plan().budgetBytes()).isLessThan(whole.plannedBytes());
			this.level.set(Level.CRITICAL);
			pass(follower, 40, 5);
			ResidencyPlan least = engine.plan();
			assertThat(least.streamedBytes()).isPositive();
			assertThat(Golden.generate(engine, PROMPT, 40).tokens()).isEqualTo(expected);
			this.level.set(Level.NORMAL);
			pass(follower, 10, 1);
			assertThat(engine.plan()).as("not at once").isSameAs(least);
			pass(follower, 3000, 5);
			assertThat(engine.plan().streamedBytes()).isZero();
			assertThat(engine.plan().budgetBytes()).isLessThanOrEqualTo(whole.plannedBytes());
			assertThat(Golden.generate(engine, PROMPT, 40).tokens()).isEqualTo(expected);
			follower.close();
			this.level.set(Level.CRITICAL);
			ResidencyPlan last = engine.plan();
			pass(follower, 10, 5);
			assertThat(engine.plan()).isSameAs(last);
		}
	}

	@Test
	void staysBelowWhatSomebodySets() throws Exception {
		AtomicReference<RamBudget> found = new AtomicReference<>();
		BudgetFollower follower = new BudgetFollower(this.clock::get, this.level::get,
				() -> new MemoryLimits(16L << 30, 8L << 30, "made up"), 1L << 30, (budget) -> {
					found.set(budget);
					throw new IllegalStateException("not now");
				});
		follower.most(1L << 29);
		this.level.set(Level.CRITICAL);
		pass(follower, 1, 20);
		assertThat(found.get()).isEqualTo(RamBudget.ofBytes((1L << 29) / 4 * 3));
	}

}
