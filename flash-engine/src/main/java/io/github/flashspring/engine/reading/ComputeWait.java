package io.github.flashspring.engine.reading;

import java.util.function.BooleanSupplier;

import org.jspecify.annotations.Nullable;

/** Lets the thread that computes wait for blocks, and counts the time. */
public final class ComputeWait {

	private final ReadQueue queue;

	private final PacingGate gate;

	private final IoRecorder recorder;

	public ComputeWait(ReadQueue queue, PacingGate gate, IoRecorder recorder) {
		this.queue = queue;
		this.gate = gate;
		this.recorder = recorder;
	}

	public PacingGate gate() {
		return this.gate;
	}

	/**
	 * Waits for a block, or for something else that will do. What failed while nobody
	 * waited is tried again.
	 * @param read the block
	 * @param other whether there is something else
	 * @return what the block failed with, or null if it is in memory or need not be
	 */
	public @Nullable RuntimeException await(BlockRead read, BooleanSupplier other) {
		long start = System.nanoTime();
		read.await(true);
		try {
			RuntimeException failure = awaitEnd(read, other);
			if (failure == null) {
				this.gate.awaitCalm();
			}
			return failure;
		}
		finally {
			read.await(false);
			this.recorder.stalled(read.block().group(), start, System.nanoTime());
		}
	}

	/**
	 * Waits a moment until readers have begun what compute needs.
	 * @param group index of the weight group that needs it
	 * @return nanoseconds that it took
	 */
	public long awaitBegun(int group) {
		long start = System.nanoTime();
		this.queue.awaitBegun();
		long end = System.nanoTime();
		this.recorder.stalled(group, start, end);
		return end - start;
	}

	private @Nullable RuntimeException awaitEnd(BlockRead read, BooleanSupplier other) {
		Completions completions = this.queue.completions();
		boolean mayRetry = !read.progress().failed().isEmpty();
		this.queue.change((schedule) -> schedule.promote(read));
		while (true) {
			long seen = completions.count();
			BlockRead.Progress progress = read.progress();
			RuntimeException failure = progress.failure();
			if ((progress.pending() == 0 && failure == null) || other.getAsBoolean()) {
				completions.requireOpen();
				return null;
			}
			if (progress.pending() > 0) {
				completions.await(seen);
			}
			else if (mayRetry) {
				mayRetry = false;
				this.queue.change((schedule) -> schedule.retry(read));
			}
			else {
				return failure;
			}
		}
	}

}
