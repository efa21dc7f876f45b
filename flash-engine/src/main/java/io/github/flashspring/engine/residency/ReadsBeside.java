package io.github.flashspring.engine.residency;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads the files of a model from beginning to end, again and again, beside passes that
 * need none of it: shows how much reading disturbs computing, and how well the
 * {@link BandwidthController} bounds that. Safe for use by several threads.
 */
public final class ReadsBeside implements AutoCloseable {

	private static final Logger logger = LoggerFactory.getLogger(ReadsBeside.class);

	private final List<DirectFile> files;

	private final @Nullable BandwidthController controller;

	private final long readBytes;

	private final List<Thread> threads = new ArrayList<>();

	private final AtomicLong next = new AtomicLong();

	private final AtomicLong bytes = new AtomicLong();

	private final AtomicInteger running = new AtomicInteger();

	private volatile boolean disturbed;

	private volatile boolean closed;

	/**
	 * Begins to read.
	 * @param files what is read; closed after this
	 * @param pattern size and number of reads
	 * @param controller paces the reads; null to read at full speed
	 */
	ReadsBeside(List<DirectFile> files, ReadPattern pattern, @Nullable BandwidthController controller) {
		this.files = files;
		this.controller = controller;
		int alignment = files.stream().mapToInt(DirectFile::alignment).max().orElseThrow();
		this.readBytes = Math.ceilDiv(pattern.readBytes(), alignment) * (long) alignment;
		for (int i = 0; i < pattern.readsInFlight(); i++) {
			this.threads.add(new ReadThread(this::read, "flash-beside-" + i));
		}
		this.threads.forEach(Thread::start);
	}

	private void read() {
		try (NativeMemory memory = NativeMemory.allocate(this.readBytes)) {
			while (!this.closed) {
				long turn = this.next.getAndIncrement();
				DirectFile file = this.files.get((int) (turn % this.files.size()));
				long pieces = Math.max(1, file.size() / this.readBytes);
				long offset = turn / this.files.size() % pieces * this.readBytes;
				long length = Math.min(this.readBytes,
						Math.ceilDiv(file.size() - offset, file.alignment()) * file.alignment());
				pace(length);
				if (this.closed) {
					return;
				}
				read(file, offset, length, memory);
			}
		}
		catch (RuntimeException ex) {
			if (!this.closed) {
				logger.warn("Reads beside the passes end", ex);
			}
		}
	}

	private void read(DirectFile file, long offset, long length, NativeMemory memory) {
		this.running.incrementAndGet();
		this.disturbed = true;
		try {
			long start = System.nanoTime();
			file.read(offset, memory.segment().asSlice(0, length));
			this.bytes.addAndGet(length);
			if (this.controller != null) {
				this.controller.read(length, System.nanoTime() - start);
			}
		}
		finally {
			this.running.decrementAndGet();
		}
	}

	private void pace(long length) {
		BandwidthController asked = this.controller;
		if (asked != null) {
			for (long pause = asked.pauseNanos(length); pause > 0 && !this.closed; pause = asked.pauseNanos(length)) {
				LockSupport.parkNanos(pause);
			}
		}
	}

	/** Whether there were reads since this was last asked. */
	boolean wasDisturbed() {
		boolean was = this.disturbed;
		this.disturbed = this.running.get() > 0;
		return was;
	}

	/**
	 * What was read so far.
	 * @return bytes
	 */
	public long bytes() {
		return this.bytes.get();
	}

	/** Ends the reads, after those under way. */
	@Override
	public void close() {
		this.closed = true;
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
