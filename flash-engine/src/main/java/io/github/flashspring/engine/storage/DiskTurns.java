package io.github.flashspring.engine.storage;

import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

import com.google.errorprone.annotations.concurrent.GuardedBy;

/**
 * The reads of one disk, whoever reads: at most as many at once as its readers want. A
 * read that compute waits for goes before prefetches of other models. Thread-safe.
 */
public final class DiskTurns {

	private final ReentrantLock lock = new ReentrantLock();

	private final Condition changed = this.lock.newCondition();

	@GuardedBy("lock")
	private int limit;

	/** Reads under way. */
	@GuardedBy("lock")
	private int reading;

	/** Reads that compute waits for and that have no turn yet. */
	@GuardedBy("lock")
	private int urgent;

	/**
	 * Allows so many reads at once; those who share the disk get the most that one of
	 * them wants.
	 * @param reads how many
	 */
	public void allow(int reads) {
		this.lock.lock();
		try {
			this.limit = Math.max(this.limit, reads);
			this.changed.signalAll();
		}
		finally {
			this.lock.unlock();
		}
	}

	/**
	 * {@return most reads at once}
	 */
	public int allowed() {
		this.lock.lock();
		try {
			return this.limit;
		}
		finally {
			this.lock.unlock();
		}
	}

	/**
	 * Waits for a turn.
	 * @param awaited whether compute waits for the read already
	 */
	public void begin(boolean awaited) {
		this.lock.lock();
		try {
			this.urgent += awaited ? 1 : 0;
			while (this.reading >= this.limit || (!awaited && this.urgent > 0)) {
				this.changed.awaitUninterruptibly();
			}
			this.urgent -= awaited ? 1 : 0;
			this.reading++;
			if (awaited && this.urgent == 0) {
				this.changed.signalAll();
			}
		}
		finally {
			this.lock.unlock();
		}
	}

	/** Ends a turn. */
	public void end() {
		this.lock.lock();
		try {
			this.reading--;
			this.changed.signalAll();
		}
		finally {
			this.lock.unlock();
		}
	}

}
