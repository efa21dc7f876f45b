package io.github.flashspring.engine;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Prepares a device while the model is loaded, on a thread of its own.
 */
final class WarmUp implements AutoCloseable {

	private static final Logger logger = LoggerFactory.getLogger(FlashEngine.class);

	private final Thread thread;

	private WarmUp(Runnable task) {
		this.thread = Thread.ofPlatform().name("flash-warm-up").daemon().unstarted(() -> run(task));
	}

	/**
	 * Starts.
	 * @param task prepares the device; ends when it is interrupted
	 * @return the running task; the caller closes it before the device
	 */
	static WarmUp start(Runnable task) {
		WarmUp warmUp = new WarmUp(task);
		warmUp.thread.start();
		return warmUp;
	}

	private static void run(Runnable task) {
		long start = System.nanoTime();
		try {
			task.run();
			if (!Thread.currentThread().isInterrupted()) {
				logger.info("Warmed up in {} ms", (System.nanoTime() - start) / 1_000_000);
			}
		}
		catch (RuntimeException | Error ex) {
			logger.error("The warm-up failed; the model computes on, slower", ex);
		}
	}

	boolean isRunning() {
		return this.thread.isAlive();
	}

	@Override
	public void close() {
		this.thread.interrupt();
		boolean interrupted = false;
		while (this.thread.isAlive()) {
			try {
				this.thread.join();
			}
			catch (InterruptedException ex) {
				interrupted = true;
			}
		}
		if (interrupted) {
			Thread.currentThread().interrupt();
		}
	}

}
