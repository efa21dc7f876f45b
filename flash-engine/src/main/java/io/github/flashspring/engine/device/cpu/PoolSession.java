package io.github.flashspring.engine.device.cpu;

/**
 * The operations of one device on a pool that several share, and how long they took. Used
 * by one thread.
 */
final class PoolSession {

	private final WorkerPool pool;

	private long elapsedNanos;

	PoolSession(WorkerPool pool) {
		this.pool = pool;
	}

	/**
	 * {@return number of threads that compute, the caller included}
	 */
	int threads() {
		return this.pool.threads();
	}

	/**
	 * Runs an operation, see {@link WorkerPool#run}.
	 * @param count number of items
	 * @param grain items of a band are a multiple of this number, and at least this many
	 * @param band the operation; called concurrently for disjoint bands
	 */
	void run(int count, int grain, WorkerPool.Band band) {
		this.elapsedNanos += this.pool.run(count, grain, band);
	}

	/**
	 * {@return how long operations that have ended took, without waiting for those of
	 * other devices}
	 */
	long elapsedNanos() {
		return this.elapsedNanos;
	}

}
