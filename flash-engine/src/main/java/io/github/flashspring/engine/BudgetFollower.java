package io.github.flashspring.engine;

import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import io.github.flashspring.engine.memory.BudgetExceededException;
import io.github.flashspring.engine.memory.BudgetPolicy;
import io.github.flashspring.engine.memory.MemoryLimits;
import io.github.flashspring.engine.memory.MemoryPressure;
import io.github.flashspring.engine.memory.RamBudget;

/**
 * Lets an engine's budget follow the pressure on memory: asks the system every second and
 * changes the budget when {@link BudgetPolicy} says so, never above what was set and
 * never below what the engine needs. Safe for use by several threads.
 */
final class BudgetFollower implements AutoCloseable {

	private static final Logger logger = LoggerFactory.getLogger(BudgetFollower.class);

	private static final long EVERY_MILLIS = 1000;

	/** Smaller changes would cost more in reading again than they give. */
	private static final int STEP = 64;

	private final LongSupplier clock;

	private final Supplier<MemoryPressure.Level> pressure;

	private final Supplier<MemoryLimits> limits;

	private final Consumer<RamBudget> change;

	private long least = 1;

	private long most;

	private long budget;

	private BudgetPolicy policy;

	private volatile boolean closed;

	/**
	 * Follows when asked to {@link #follow}.
	 * @param clock nanoseconds, as {@link System#nanoTime}
	 * @param pressure on memory now
	 * @param limits of memory now
	 * @param budgetBytes memory of the engine as it is, and at most
	 * @param change changes the budget of the engine
	 */
	BudgetFollower(LongSupplier clock, Supplier<MemoryPressure.Level> pressure, Supplier<MemoryLimits> limits,
			long budgetBytes, Consumer<RamBudget> change) {
		this.clock = clock;
		this.pressure = pressure;
		this.limits = limits;
		this.change = change;
		this.most = budgetBytes;
		this.budget = budgetBytes;
		this.policy = new BudgetPolicy(clock, this.least, this.most);
	}

	/**
	 * Follows the pressure of this system on a thread of its own, until closed.
	 * @param budgetBytes memory of the engine as it is, and at most
	 * @param change changes the budget of the engine
	 * @return the follower
	 */
	static BudgetFollower ofSystem(long budgetBytes, Consumer<RamBudget> change) {
		MemoryPressure pressure = MemoryPressure.ofSystem();
		BudgetFollower follower = new BudgetFollower(System::nanoTime, pressure::level, MemoryLimits::ofSystem,
				budgetBytes, change);
		Thread.ofPlatform().name("flash-budget").daemon().start(follower::run);
		return follower;
	}

	private void run() {
		try {
			while (!this.closed) {
				TimeUnit.MILLISECONDS.sleep(EVERY_MILLIS);
				follow();
			}
		}
		catch (InterruptedException ex) {
			Thread.currentThread().interrupt();
		}
	}

	/** Asks the system, and changes the budget if it must. */
	synchronized void follow() {
		if (this.closed) {
			return;
		}
		long next = this.policy.follow(this.pressure.get(), this.limits.get(), this.budget);
		boolean small = Math.abs(next - this.budget) <= this.most / STEP;
		if (next == this.budget || (small && next != this.most)) {
			return;
		}
		try {
			this.change.accept(RamBudget.ofBytes(next));
			this.budget = next;
		}
		catch (BudgetExceededException ex) {
			logger.info("Memory is short, but the model needs {} bytes", ex.neededBytes());
			this.least = ex.neededBytes();
			this.policy = new BudgetPolicy(this.clock, Math.min(this.least, this.most), this.most);
		}
		catch (RuntimeException ex) {
			if (!this.closed) {
				logger.warn("The budget cannot be changed to {} bytes", next, ex);
			}
		}
	}

	/**
	 * Follows from a budget that somebody has set.
	 * @param budgetBytes memory of the engine now, and at most
	 */
	synchronized void most(long budgetBytes) {
		this.most = budgetBytes;
		this.budget = budgetBytes;
		this.policy = new BudgetPolicy(this.clock, Math.min(this.least, this.most), this.most);
	}

	/** Follows no more. */
	@Override
	public void close() {
		this.closed = true;
	}

}
