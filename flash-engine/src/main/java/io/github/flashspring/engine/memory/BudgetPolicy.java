package io.github.flashspring.engine.memory;

import java.time.Duration;
import java.util.function.LongSupplier;

import io.github.flashspring.engine.memory.MemoryPressure.Level;

/**
 * Lets a budget follow the pressure on memory: down quickly when memory is short, up
 * slowly when it has not been for long. Each time that growing was followed by pressure,
 * the next growth waits twice as long, so that two programs do not chase each other. It
 * only computes; asking and changing are the caller's. Not safe for use by several
 * threads.
 */
public final class BudgetPolicy {

	/** Pressure is an average over ten seconds: a change needs time to show. */
	private static final long AFTER_WARNING = Duration.ofSeconds(10).toNanos();

	private static final long AFTER_CRITICAL = Duration.ofSeconds(3).toNanos();

	private static final long BETWEEN_GROWTHS = Duration.ofSeconds(30).toNanos();

	private static final long MIN_CALM = Duration.ofMinutes(1).toNanos();

	private static final long MAX_CALM = Duration.ofMinutes(32).toNanos();

	/** Pressure so soon after growing was caused by it. */
	private static final long BLAME = Duration.ofMinutes(2).toNanos();

	private static final double WARNING_SHRINK = 0.9;

	private static final double CRITICAL_SHRINK = 0.75;

	private static final double STEP = 0.1;

	/** Shares of the limit that are free: less is critical, less is a warning. */
	private static final double CRITICAL_FREE = 0.02;

	private static final double WARNING_FREE = 0.05;

	/** Share of the limit that growing leaves free. */
	private static final double RESERVE = 0.15;

	private final LongSupplier clock;

	private final long least;

	private final long most;

	private long calm = MIN_CALM;

	private long calmSince;

	private long lastShrink;

	private long lastGrowth;

	/**
	 * Creates a policy.
	 * @param clock nanoseconds, as {@link System#nanoTime}
	 * @param least smallest budget that it gives, in bytes
	 * @param most largest budget that it gives, in bytes
	 */
	public BudgetPolicy(LongSupplier clock, long least, long most) {
		if (least <= 0 || most < least) {
			throw new IllegalArgumentException(
					"A budget from " + least + " to " + most + " bytes cannot follow anything.");
		}
		this.clock = clock;
		this.least = least;
		this.most = most;
		long now = clock.getAsLong();
		this.calmSince = now;
		this.lastShrink = now - AFTER_WARNING;
		this.lastGrowth = now - BLAME;
	}

	/**
	 * Decides; to be called about every second.
	 * @param pressure on memory
	 * @param limits with what is free
	 * @param budget as it is, in bytes
	 * @return the budget as it should be: less, more or the same
	 */
	public long follow(Level pressure, MemoryLimits limits, long budget) {
		long now = this.clock.getAsLong();
		Level level = worse(pressure, limits);
		if (level != Level.NORMAL) {
			if (now - this.lastGrowth < BLAME) {
				this.calm = Math.min(MAX_CALM, 2 * this.calm);
				this.lastGrowth = now - BLAME;
			}
			this.calmSince = now;
			long wait = (level == Level.CRITICAL) ? AFTER_CRITICAL : AFTER_WARNING;
			if (now - this.lastShrink < wait) {
				return budget;
			}
			this.lastShrink = now;
			return clamp((long) (budget * ((level == Level.CRITICAL) ? CRITICAL_SHRINK : WARNING_SHRINK)));
		}
		if (now - this.calmSince > 4 * this.calm) {
			this.calm = MIN_CALM;
		}
		if (budget >= this.most || now - this.calmSince < this.calm || now - this.lastGrowth < BETWEEN_GROWTHS) {
			return clamp(budget);
		}
		long room = (long) (limits.availableBytes() - RESERVE * limits.limitBytes());
		long step = (long) (STEP * this.most);
		if (room < step / 2) {
			return clamp(budget);
		}
		this.lastGrowth = now;
		return clamp(budget + Math.min(step, room));
	}

	/** A group without swap is killed at its limit before much was waited for memory. */
	private static Level worse(Level pressure, MemoryLimits limits) {
		double free = (double) limits.availableBytes() / limits.limitBytes();
		if (pressure == Level.CRITICAL || free < CRITICAL_FREE) {
			return Level.CRITICAL;
		}
		return (pressure == Level.WARNING || free < WARNING_FREE) ? Level.WARNING : Level.NORMAL;
	}

	private long clamp(long budget) {
		return Math.clamp(budget, this.least, this.most);
	}

}
