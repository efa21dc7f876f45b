package io.github.flashspring.engine.device;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Predicate;

import org.jspecify.annotations.Nullable;

/**
 * What a {@link RecordingDevice} was asked to do and has not done. Safe for use by
 * several threads: anybody may wait for a fence.
 */
final class Recorder {

	private final Device device;

	private final Predicate<String> ignored;

	private final ExecutorService thread = Executors
		.newSingleThreadExecutor(Thread.ofPlatform().daemon().name("recording-device").factory());

	/** Work in order, committed or not, of which nothing is done. */
	private final Deque<Work> pending = new ArrayDeque<>();

	/** Fences that nobody has passed, in order. */
	private final Deque<Behind> fences = new ArrayDeque<>();

	private long recorded;

	private @Nullable RuntimeException failure;

	/**
	 * Starts with nothing.
	 * @param device computes
	 * @param ignored which waits do not wait, by class and method
	 */
	Recorder(Device device, Predicate<String> ignored) {
		this.device = device;
		this.ignored = ignored;
	}

	synchronized void record(List<Use> uses, Runnable operation) {
		this.pending.addLast(new Work(++this.recorded, List.copyOf(uses), operation));
	}

	synchronized Behind commit() {
		Behind fence = new Behind(this.recorded);
		this.fences.addLast(fence);
		return fence;
	}

	synchronized void requireUnused(RecordedBuffer buffer, long from, long to, String what) {
		for (Work work : this.pending) {
			for (Use use : work.uses()) {
				if (use.buffer() == buffer && use.from() < to && from < use.to()) {
					throw new IllegalStateException("Bytes " + from + " … " + to + " of a buffer of "
							+ buffer.byteSize() + " are " + what + " while recorded work uses them");
				}
			}
		}
	}

	/** Computes what lies before a fence, and waits for it. */
	void run(Behind fence) {
		try {
			CompletableFuture.runAsync(() -> runUntil(fence), this.thread).join();
		}
		catch (CompletionException ex) {
			throw new DeviceException("Recorded work failed: " + ex.getCause(), Objects.requireNonNull(ex.getCause()));
		}
	}

	private void runUntil(Behind fence) {
		Work work = first(fence.number);
		while (work != null) {
			passFences(work.number() - 1);
			run(work);
			synchronized (this) {
				this.pending.removeFirst();
			}
			work = first(fence.number);
		}
		passFences(fence.number);
		if (this.failure != null) {
			throw this.failure;
		}
	}

	private synchronized void passFences(long done) {
		long elapsedNanos = this.device.commit().elapsedNanos();
		while (!this.fences.isEmpty() && this.fences.getFirst().number <= done) {
			this.fences.removeFirst().elapsedNanos = elapsedNanos;
		}
	}

	private synchronized @Nullable Work first(long last) {
		Work first = this.pending.peekFirst();
		return (first != null && first.number() <= last) ? first : null;
	}

	private void run(Work work) {
		if (this.failure != null) {
			return;
		}
		try {
			work.uses().forEach((use) -> use.buffer().requireUnchanged(use.from(), use.to()));
			work.operation().run();
		}
		catch (RuntimeException ex) {
			this.failure = ex;
		}
	}

	void close() {
		try {
			run(commit());
		}
		finally {
			this.thread.shutdown();
			this.device.close();
		}
	}

	/**
	 * Who waits for a fence: the first class of the program that is none of the device.
	 */
	private static String site() {
		return StackWalker.getInstance()
			.walk((frames) -> frames.filter((frame) -> !frame.getClassName().contains(".device."))
				.findFirst()
				.map((frame) -> frame.getClassName().substring(frame.getClassName().lastIndexOf('.') + 1) + "."
						+ frame.getMethodName().replaceAll("lambda\\$(\\w+)\\$\\d+", "$1"))
				.orElse(""));
	}

	/**
	 * Bytes that work reads or writes.
	 *
	 * @param buffer the memory
	 * @param from first byte
	 * @param to end of the bytes
	 */
	record Use(RecordedBuffer buffer, long from, long to) {

	}

	/**
	 * An operation.
	 *
	 * @param number one more than that of the operation before
	 * @param uses memory that it reads or writes
	 * @param operation does it
	 */
	private record Work(long number, List<Use> uses, Runnable operation) {

	}

	/** A fence behind some work. */
	final class Behind implements Fence {

		/** Number of the last work before the fence. */
		private final long number;

		private volatile long elapsedNanos = -1;

		private Behind(long number) {
			this.number = number;
		}

		@Override
		public void await() {
			if (!Recorder.this.ignored.test(site())) {
				run(this);
			}
		}

		@Override
		public boolean isDone() {
			return first(this.number) == null;
		}

		@Override
		public long elapsedNanos() {
			if (this.elapsedNanos < 0) {
				run(this);
			}
			return this.elapsedNanos;
		}

	}

}
