package io.github.flashspring.engine.storage;

import java.util.List;
import java.util.concurrent.ThreadFactory;
import java.util.stream.Stream;

/**
 * Threads that read files, each running the same loop. Whoever closes the pool lets the
 * loops end first: threads that read cannot be interrupted.
 */
public final class ReaderPool implements AutoCloseable {

	private final List<Thread> threads;

	/**
	 * Starts the threads.
	 * @param threads how many
	 * @param namePrefix what their names begin with
	 * @param loop runs in each of them
	 */
	public ReaderPool(int threads, String namePrefix, Runnable loop) {
		ThreadFactory factory = ReadThread.factory(namePrefix);
		this.threads = Stream.generate(() -> factory.newThread(loop)).limit(threads).toList();
		this.threads.forEach(Thread::start);
	}

	/** Waits until all loops have ended, even if this thread is interrupted. */
	@Override
	public void close() {
		boolean interrupted = false;
		for (Thread thread : this.threads) {
			while (thread.isAlive()) {
				try {
					thread.join();
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

}
