package io.github.flashspring.engine.hub;

import java.io.IOException;
import java.util.List;
import java.util.concurrent.CompletionService;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorCompletionService;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;

import org.jspecify.annotations.Nullable;

/** Runs tasks at once; the first failure ends all. */
final class Parallel {

	private Parallel() {
	}

	/**
	 * Runs tasks on virtual threads and waits for them. Tasks begin in order.
	 * @param name of the threads
	 * @param most how many at once
	 * @param tasks what to do
	 */
	static void run(String name, int most, List<Task> tasks) throws IOException, InterruptedException {
		if (tasks.isEmpty()) {
			return;
		}
		Semaphore running = new Semaphore(most, true);
		try (ExecutorService executor = Executors
			.newThreadPerTaskExecutor(Thread.ofVirtual().name(name + "-", 0).factory())) {
			boolean done = false;
			try {
				CompletionService<Integer> results = new ExecutorCompletionService<>(executor);
				for (Task task : tasks) {
					results.submit(() -> {
						running.acquire();
						try {
							task.run();
						}
						finally {
							running.release();
						}
						return 0;
					});
				}
				for (int i = 0; i < tasks.size(); i++) {
					results.take().get();
				}
				done = true;
			}
			catch (ExecutionException ex) {
				throw failure(ex.getCause());
			}
			finally {
				if (!done) {
					executor.shutdownNow();
				}
			}
		}
	}

	private static IOException failure(@Nullable Throwable cause) throws IOException, InterruptedException {
		switch (cause) {
			case IOException io -> throw io;
			case InterruptedException interrupted -> throw interrupted;
			case RuntimeException runtime -> throw runtime;
			case Error error -> throw error;
			case null, default -> throw new IllegalStateException(cause);
		}
	}

	/** Something to do. */
	@FunctionalInterface
	interface Task {

		void run() throws IOException, InterruptedException;

	}

}
