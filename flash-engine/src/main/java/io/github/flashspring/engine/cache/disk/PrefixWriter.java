package io.github.flashspring.engine.cache.disk;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes segments on a thread of its own, one at a time: whoever has more keeps it until
 * the writer is free, or drops it. While weights are read it waits, and closing it takes
 * a second at most: what is not written then is dropped.
 */
public final class PrefixWriter implements AutoCloseable {

	private static final Logger logger = LoggerFactory.getLogger(PrefixWriter.class);

	private static final long CLOSE_MILLIS = 1000;

	/** After a disk has refused a file, for instance because it is full. */
	private static final long PAUSE_NANOS = 60_000_000_000L;

	private static final long WAIT_NANOS = 2_000_000;

	private final PrefixFolder folder;

	private final BooleanSupplier diskNeeded;

	private final Runnable free;

	private final Thread thread;

	private final AtomicLong dropped = new AtomicLong();

	private @Nullable Segment next;

	private volatile boolean closed;

	private volatile boolean warned;

	private volatile long pausedUntil = System.nanoTime();

	/**
	 * Starts the thread.
	 * @param folder where to
	 * @param diskNeeded whether others read from the disk now
	 * @param free called when a further segment can be taken
	 */
	public PrefixWriter(PrefixFolder folder, BooleanSupplier diskNeeded, Runnable free) {
		this.folder = folder;
		this.diskNeeded = diskNeeded;
		this.free = free;
		this.thread = Thread.ofPlatform().name("flash-prefix-writer").daemon().unstarted(this::run);
		this.thread.setPriority(Thread.MIN_PRIORITY);
		this.thread.start();
	}

	/**
	 * {@return whether a segment would be taken}
	 */
	public synchronized boolean isFree() {
		return this.next == null && !this.closed && System.nanoTime() - this.pausedUntil >= 0;
	}

	/**
	 * Takes a segment.
	 * @param segment to write, when the writer {@linkplain #isFree is free}
	 */
	public synchronized void write(Segment segment) {
		this.next = segment;
		notifyAll();
	}

	/**
	 * {@return pages of tokens that were not written}
	 */
	public long dropped() {
		return this.dropped.get();
	}

	/**
	 * Notes that pages are not written.
	 * @param pages how many
	 */
	public void drop(int pages) {
		this.dropped.addAndGet(pages);
	}

	private void run() {
		Segment segment = await();
		while (segment != null) {
			try {
				if (!this.folder.write(segment, this::mayGoOn)) {
					drop(segment.pages());
				}
			}
			catch (IOException | RuntimeException ex) {
				drop(segment.pages());
				this.pausedUntil = System.nanoTime() + PAUSE_NANOS;
				warn(ex);
			}
			synchronized (this) {
				this.next = null;
			}
			this.free.run();
			segment = await();
		}
	}

	private void warn(Exception cause) {
		if (!this.warned) {
			this.warned = true;
			logger.warn("The prefix cache on disk cannot be written; requests go on without it", cause);
		}
		else {
			logger.debug("The prefix cache on disk cannot be written", cause);
		}
	}

	private synchronized @Nullable Segment await() {
		while (this.next == null && !this.closed) {
			try {
				wait();
			}
			catch (InterruptedException ex) {
				return null; // nobody else knows this thread
			}
		}
		return this.closed ? null : this.next;
	}

	private boolean mayGoOn() {
		while (!this.closed && this.diskNeeded.getAsBoolean()) {
			LockSupport.parkNanos(WAIT_NANOS);
		}
		return !this.closed;
	}

	/**
	 * {@return whether it takes segments, now or when it has written the one it has}
	 */
	public boolean isRunning() {
		return !this.closed && System.nanoTime() - this.pausedUntil >= 0;
	}

	@Override
	public void close() {
		close(Duration.ofMillis(CLOSE_MILLIS));
	}

	/**
	 * Lets the segment that is being written end, if it does so in time.
	 * @param most time to wait
	 */
	public void close(Duration most) {
		long end = System.nanoTime() + most.toNanos();
		while (isRunning() && !isFree() && System.nanoTime() - end < 0) {
			LockSupport.parkNanos(WAIT_NANOS);
		}
		synchronized (this) {
			this.closed = true;
			notifyAll();
		}
		try {
			this.thread.join(Math.max(1, (end - System.nanoTime()) / 1_000_000));
		}
		catch (InterruptedException ex) {
			Thread.currentThread().interrupt();
		}
	}

}
