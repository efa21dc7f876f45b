package io.github.flashspring.engine.device.cpu;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;

import org.jspecify.annotations.Nullable;

/**
 * Persistent threads that share the work of one operation at a time. The work is cut into
 * contiguous bands that threads take in order; the calling thread takes bands too.
 * Waiting threads spin shortly, because the next operation of a pass follows within
 * microseconds, and then park.
 */
final class WorkerPool implements AutoCloseable {

	/**
	 * How often a waiting thread looks for work before it parks. One round costs about 40
	 * ns, so that a thread stays awake for some 80 µs: longer than any gap between the
	 * operations of a pass, shorter than a scheduler's time slice.
	 */
	private static final int SPINS = 2_000;

	/**
	 * Bands for each thread. More than one, so that a thread that the system takes a core
	 * from does not hold up the others; few, so that each reads long ranges of memory.
	 */
	private static final int BANDS_PER_THREAD = 4;

	private final Worker[] workers;

	/** Held by the caller whose job runs; fair, so that callers take turns. */
	private final ReentrantLock turn = new ReentrantLock(true);

	private volatile Job job = Job.NONE;

	private volatile boolean closed;

	/**
	 * Starts a pool.
	 * @param threads number of threads that compute, the caller's included; at least 1
	 */
	WorkerPool(int threads) {
		if (threads < 1) {
			throw new IllegalArgumentException("A device needs at least 1 thread, not " + threads);
		}
		this.workers = new Worker[threads - 1];
		for (int i = 0; i < this.workers.length; i++) {
			this.workers[i] = new Worker(i + 1);
			this.workers[i].start();
		}
	}

	/**
	 * Number of threads that compute.
	 * @return the number, the caller included
	 */
	int threads() {
		return this.workers.length + 1;
	}

	/**
	 * Runs an operation over the items {@code 0 … count - 1} and returns when all are
	 * done. What a band throws is thrown here, once no band is running any more.
	 * @param count number of items
	 * @param grain items of a band are a multiple of this number, and at least this many
	 * @param band the operation; called concurrently for disjoint bands
	 * @return nanoseconds that it took, without waiting for operations of other callers
	 */
	long run(int count, int grain, Band band) {
		if (this.closed) {
			throw new IllegalStateException("The device is closed");
		}
		if (count <= 0) {
			return 0;
		}
		int size = roundUp(divideUp(count, threads() * BANDS_PER_THREAD), Math.max(grain, 1));
		int bands = divideUp(count, size);
		if (bands == 1 || this.workers.length == 0) {
			long start = System.nanoTime();
			band.run(0, count, 0);
			return System.nanoTime() - start;
		}
		Job current = new Job(band, count, size, bands);
		long nanos;
		this.turn.lock();
		try {
			long start = System.nanoTime();
			this.job = current;
			int helpers = Math.min(this.workers.length, bands - 1);
			for (int i = 0; i < helpers; i++) {
				this.workers[i].wake();
			}
			current.work(0);
			current.await();
			this.job = Job.NONE;
			nanos = System.nanoTime() - start;
		}
		finally {
			this.turn.unlock();
		}
		current.rethrow();
		return nanos;
	}

	/**
	 * Ends the threads and waits until they are gone.
	 */
	@Override
	public void close() {
		this.closed = true;
		boolean interrupted = false;
		for (Worker worker : this.workers) {
			LockSupport.unpark(worker);
			while (worker.isAlive()) {
				try {
					worker.join();
				}
				catch (InterruptedException ex) {
					interrupted = true;
				}
			}
		}
		if (interrupted) {
			Thread.currentThread().interrupt();
		}
	}

	private static int divideUp(int value, int divisor) {
		return Math.ceilDiv(value, divisor);
	}

	private static int roundUp(int value, int multiple) {
		return Math.ceilDiv(value, multiple) * multiple;
	}

	/**
	 * An operation on a range of its items.
	 */
	@FunctionalInterface
	interface Band {

		/**
		 * Computes the items {@code from … to - 1}.
		 * @param from first item
		 * @param to end of the items
		 * @param worker index of the thread, 0 for the caller's
		 */
		void run(int from, int to, int worker);

	}

	/**
	 * One operation. A thread that wakes late finds no band left and touches nothing, so
	 * nobody ever waits for a thread that has not begun.
	 */
	private static final class Job {

		private static final Job NONE = new Job((from, to, worker) -> {
		}, 0, 1, 0);

		private final Band band;

		private final int count;

		private final int size;

		private final int bands;

		private final AtomicInteger next = new AtomicInteger();

		private final AtomicInteger done = new AtomicInteger();

		private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();

		private Job(Band band, int count, int size, int bands) {
			this.band = band;
			this.count = count;
			this.size = size;
			this.bands = bands;
		}

		private void work(int worker) {
			while (this.next.get() < this.bands) {
				int taken = this.next.getAndIncrement();
				if (taken >= this.bands) {
					return;
				}
				try {
					if (this.failure.get() == null) {
						int from = taken * this.size;
						this.band.run(from, Math.min(from + this.size, this.count), worker);
					}
				}
				catch (Throwable ex) {
					this.failure.compareAndSet(null, ex);
				}
				finally {
					this.done.incrementAndGet();
				}
			}
		}

		@SuppressWarnings("ThreadPriorityCheck") // Yields only where there are more
													// threads than cores.
		private void await() {
			int spins = 0;
			while (this.done.get() < this.bands) {
				if (++spins < SPINS) {
					Thread.onSpinWait();
				}
				else {
					Thread.yield();
				}
			}
		}

		private void rethrow() {
			Throwable thrown = this.failure.get();
			if (thrown instanceof Error error) {
				throw error;
			}
			if (thrown instanceof RuntimeException exception) {
				throw exception;
			}
			if (thrown != null) {
				throw new IllegalStateException(thrown);
			}
		}

	}

	private final class Worker extends Thread {

		private final int index;

		private volatile boolean parked;

		private Worker(int index) {
			super("flash-cpu-" + index);
			this.index = index;
			setDaemon(true);
		}

		@Override
		public void run() {
			Job last = Job.NONE;
			int spins = 0;
			while (!WorkerPool.this.closed) {
				Job current = WorkerPool.this.job;
				if (current != last) {
					current.work(this.index);
					last = current;
					spins = 0;
				}
				else if (++spins < SPINS) {
					Thread.onSpinWait();
				}
				else {
					park(last);
					spins = 0;
				}
			}
		}

		private void park(Job last) {
			this.parked = true;
			if (WorkerPool.this.job == last && !WorkerPool.this.closed) {
				LockSupport.park(WorkerPool.this);
			}
			this.parked = false;
		}

		private void wake() {
			if (this.parked) {
				LockSupport.unpark(this);
			}
		}

	}

}
