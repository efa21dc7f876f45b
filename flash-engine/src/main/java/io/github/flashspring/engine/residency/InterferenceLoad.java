package io.github.flashspring.engine.residency;

import io.github.flashspring.engine.pacing.BandwidthController;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;

import io.github.flashspring.engine.memory.NativeMemory;
import io.github.flashspring.engine.storage.DirectFile;
import io.github.flashspring.engine.storage.ReadPattern;
import io.github.flashspring.engine.storage.ReaderPool;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads the files of a model from beginning to end, again and again, next to passes that
 * need none of it: shows how much reads slow compute down, and how well the
 * {@link BandwidthController} bounds that. It rests until its mode changes. Safe for use
 * by several threads.
 */
public final class InterferenceLoad implements AutoCloseable {

	private static final Logger logger = LoggerFactory.getLogger(InterferenceLoad.class);

	private final List<DirectFile> files;

	private final BandwidthController controller;

	private final long readBytes;

	private final AtomicLong next = new AtomicLong();

	private final AtomicLong bytes = new AtomicLong();

	private final AtomicInteger running = new AtomicInteger();

	/** One reader asks whether a read may go, the others queue behind it. */
	private final ReentrantLock turn = new ReentrantLock();

	private final Condition changed = this.turn.newCondition();

	private volatile Mode mode = Mode.REST;

	private volatile boolean ran;

	private volatile boolean closed;

	private final ReaderPool readers;

	/**
	 * Prepares to read.
	 * @param files what is read; closed after this
	 * @param pattern size and number of reads
	 * @param controller paces the reads
	 */
	InterferenceLoad(List<DirectFile> files, ReadPattern pattern, BandwidthController controller) {
		this.files = files;
		this.controller = controller;
		int alignment = files.stream().mapToInt(DirectFile::alignment).max().orElseThrow();
		this.readBytes = Math.ceilDiv(pattern.readBytes(), alignment) * (long) alignment;
		controller.aside(true);
		this.readers = new ReaderPool(pattern.readsInFlight(), "flash-interference-", this::read);
	}

	private void read() {
		try (NativeMemory memory = NativeMemory.allocate(this.readBytes)) {
			while (!this.closed) {
				long number = this.next.getAndIncrement();
				DirectFile file = this.files.get((int) (number % this.files.size()));
				long tiles = Math.max(1, file.size() / this.readBytes);
				long offset = number / this.files.size() % tiles * this.readBytes;
				long length = Math.min(this.readBytes,
						Math.ceilDiv(file.size() - offset, file.alignment()) * file.alignment());
				if (awaitTurn(length)) {
					read(file, offset, length, memory);
				}
			}
		}
		catch (RuntimeException ex) {
			if (!this.closed) {
				logger.warn("Reads concurrent with passes end", ex);
			}
		}
	}

	private void read(DirectFile file, long offset, long length, NativeMemory memory) {
		this.running.incrementAndGet();
		this.ran = true;
		try {
			long start = System.nanoTime();
			file.read(offset, memory.segment().asSlice(0, length));
			this.bytes.addAndGet(length);
			this.controller.read(length, System.nanoTime() - start);
		}
		finally {
			this.running.decrementAndGet();
		}
	}

	/** Waits until a read may go; false when there will be none. */
	private boolean awaitTurn(long length) {
		this.turn.lock();
		try {
			while (!this.closed) {
				switch (this.mode) {
					case FREE -> {
						return true;
					}
					case REST -> this.changed.awaitUninterruptibly();
					case PACED -> {
						long pause = this.controller.pauseNanos(length);
						if (pause == 0) {
							return true;
						}
						// The others wait for their turn meanwhile.
						LockSupport.parkNanos(pause);
					}
				}
			}
			return false;
		}
		finally {
			this.turn.unlock();
		}
	}

	/**
	 * Reads in another way from now on; reads under way end as they began.
	 * @param next how to read
	 */
	public void mode(Mode next) {
		this.mode = next;
		this.controller.aside(next != Mode.PACED);
		this.turn.lock();
		try {
			this.changed.signalAll();
		}
		finally {
			this.turn.unlock();
		}
	}

	/**
	 * {@return whether there were reads since this was last asked}
	 */
	boolean ranConcurrently() {
		boolean was = this.ran;
		this.ran = this.running.get() > 0;
		return was;
	}

	/**
	 * {@return bytes read so far}
	 */
	public long bytes() {
		return this.bytes.get();
	}

	/** Ends the reads, after those under way. */
	@Override
	public void close() {
		this.closed = true;
		mode(Mode.REST);
		this.controller.aside(false);
		this.readers.close();
	}

	/** How to read. */
	public enum Mode {

		/** Not at all. */
		REST,

		/** As the bandwidth controller paces. */
		PACED,

		/** At full speed. */
		FREE

	}

}
