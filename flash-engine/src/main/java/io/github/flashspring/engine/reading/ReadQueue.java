package io.github.flashspring.engine.reading;

import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.github.flashspring.engine.metrics.IoMetrics;
import io.github.flashspring.engine.storage.ReaderPool;
import org.jspecify.annotations.Nullable;

/**
 * Lets readers read what is scheduled, and compute wait for it. The lock guards who reads
 * what next: nobody holds it while reading, and the {@link ReadSource} is not called
 * under it.
 */
public final class ReadQueue implements AutoCloseable {

	private final BlockReader blocks;

	private final ReadSource source;

	private final PacingGate gate;

	private final Completions completions = new Completions();

	private final BlockReader.Settings settings;

	private final ReentrantLock lock = new ReentrantLock();

	/** For readers: there may be something to read. */
	private final Condition work = this.lock.newCondition();

	/** For the thread that computes: what it needs is being read, or all readers read. */
	private final Condition begun = this.lock.newCondition();

	/** No reader reads, or asks the source. */
	private final Condition idle = this.lock.newCondition();

	@GuardedBy("lock")
	private final ReadSchedule schedule;

	/** Reads under way. */
	@GuardedBy("lock")
	private int reading;

	/** Readers that ask the source for more. */
	@GuardedBy("lock")
	private int asking;

	/** How often the schedule changed, or the source may have had more. */
	@GuardedBy("lock")
	private long signals;

	/** Whether a reader sleeps so that reads keep their pace; one does for all. */
	@GuardedBy("lock")
	private boolean pacing;

	@GuardedBy("lock")
	private boolean paused = true;

	@GuardedBy("lock")
	private boolean closed;

	private final ReaderPool readers;

	/**
	 * Starts readers; they wait until {@link #resume}.
	 * @param blocks reads
	 * @param gate paces them
	 * @param settings how to read
	 * @param source has more to read
	 */
	public ReadQueue(BlockReader blocks, PacingGate gate, BlockReader.Settings settings, ReadSource source) {
		this.blocks = blocks;
		this.gate = gate;
		this.source = source;
		this.schedule = new ReadSchedule(settings.joinedBytes(), blocks::alignment);
		this.settings = settings;
		this.readers = new ReaderPool(settings.threads(), "flash-prefetch-",
				() -> blocks.readAll(this, settings.rowBytes()));
	}

	/**
	 * {@return what counts when blocks are in memory, or failed}
	 */
	public Completions completions() {
		return this.completions;
	}

	/** Cancels what is scheduled; returns when nothing is read or asked for any more. */
	public void pause() {
		this.lock.lock();
		try {
			this.paused = true;
			while (this.reading > 0 || this.asking > 0) {
				this.idle.awaitUninterruptibly();
			}
			this.schedule.clear();
		}
		finally {
			this.lock.unlock();
		}
	}

	/**
	 * Reads again.
	 * @param once whether each byte is read once: then reads may take what the page cache
	 * holds, and none is held back, as no later pass gains by it
	 */
	public void resume(boolean once) {
		this.blocks.usePageCache(once);
		this.lock.lock();
		try {
			this.gate.readsOnce(once);
			this.paused = false;
			signalWork();
		}
		finally {
			this.lock.unlock();
		}
	}

	/** The source may have more to read. */
	public void signal() {
		change((schedule) -> {
		});
	}

	/**
	 * Schedules or cancels reads; what is scheduled together can become one read.
	 * @param change of the schedule; asks for no other lock
	 */
	public void change(Consumer<ReadSchedule> change) {
		this.lock.lock();
		try {
			change.accept(this.schedule);
			signalWork();
		}
		finally {
			this.lock.unlock();
		}
	}

	@GuardedBy("lock")
	private void signalWork() {
		this.signals++;
		this.work.signalAll();
	}

	/**
	 * Waits a moment until readers have begun what compute needs. Where all processors
	 * compute, a reader that is woken would otherwise get one only after a slice of the
	 * scheduler's, a millisecond or two later.
	 */
	public void awaitBegun() {
		this.lock.lock();
		try {
			long left = this.settings.maxBeginNanos();
			while (left > 0 && !this.closed && !this.paused && !allBegun()) {
				left = this.begun.awaitNanos(left);
			}
		}
		catch (InterruptedException ex) {
			Thread.currentThread().interrupt();
		}
		finally {
			this.lock.unlock();
		}
	}

	@GuardedBy("lock")
	private boolean allBegun() {
		return this.reading == this.settings.threads() || !this.schedule.isUrgent();
	}

	/**
	 * {@return reads so far and now}
	 */
	public IoMetrics metrics(IoRecorder recorder, long prefetchedBytes) {
		this.lock.lock();
		try {
			return recorder.snapshot(prefetchedBytes, this.reading, this.schedule.size());
		}
		finally {
			this.lock.unlock();
		}
	}

	/**
	 * {@return what a reader reads next, once it may; null when readers are to end}
	 */
	@Nullable ReadTask next() {
		long seen = -1;
		while (true) {
			this.lock.lock();
			try {
				ReadTask task = poll(seen);
				if (task != null || this.closed) {
					return task;
				}
				seen = this.signals;
				this.asking++;
			}
			finally {
				this.lock.unlock();
			}
			ask();
		}
	}

	/**
	 * What may be read now.
	 * @param seen signals when the source had nothing more
	 * @return null if the source is to be asked for more, or readers are to end
	 */
	@GuardedBy("lock")
	private @Nullable ReadTask poll(long seen) {
		while (!this.closed) {
			RowBatch.Task row = this.schedule.takeRow();
			ReadRange first = this.schedule.first();
			if (row != null || (!this.paused && first != null && mayGo(first))) {
				return begin((row != null) ? row : this.schedule.take());
			}
			if (this.paused || (first == null && seen == this.signals)) {
				this.work.awaitUninterruptibly();
			}
			else if (first == null) {
				return null;
			}
		}
		return null;
	}

	/** If a read may not go, this has waited a moment: the schedule may have changed. */
	@GuardedBy("lock")
	private boolean mayGo(ReadRange range) {
		if (this.gate.isOpen(range)) {
			return true;
		}
		if (this.pacing) {
			this.work.awaitUninterruptibly();
			return false;
		}
		long pause = this.gate.pauseNanos(range);
		if (pause > 0) {
			this.pacing = true;
			try {
				this.work.awaitNanos(pause);
			}
			catch (InterruptedException ex) {
				throw new IllegalStateException("A thread that reads was interrupted", ex);
			}
			finally {
				this.pacing = false;
			}
		}
		return pause == 0;
	}

	@GuardedBy("lock")
	private ReadTask begin(ReadTask task) {
		this.reading++;
		this.gate.readBegins();
		if (this.schedule.size() > 0) {
			this.work.signal();
		}
		if (allBegun()) {
			this.begun.signalAll();
		}
		return task;
	}

	private void ask() {
		try {
			this.source.more();
		}
		finally {
			this.lock.lock();
			try {
				this.asking--;
				signalIdle();
			}
			finally {
				this.lock.unlock();
			}
		}
	}

	/**
	 * A reader ended what it read.
	 * @param task what it read
	 * @param failure null if it is in memory
	 */
	void ended(ReadTask task, @Nullable RuntimeException failure) {
		List<BlockRead> ended = List.of();
		boolean last;
		this.lock.lock();
		try {
			if (task instanceof JoinedRead joined) {
				ended = this.schedule.ended(joined, failure, !this.paused && !this.closed);
			}
			this.reading--;
			last = this.reading == 0;
			signalIdle();
		}
		finally {
			this.lock.unlock();
		}
		if (task instanceof RowBatch.Task row) {
			row.batch().ended(failure);
		}
		ended.forEach(this.source::ended);
		this.gate.readEnded();
		// Whoever waits for a block need not wake for each of its ranges.
		if (last || !ended.isEmpty()) {
			this.completions.add();
		}
	}

	@GuardedBy("lock")
	private void signalIdle() {
		if (this.reading == 0 && this.asking == 0) {
			this.idle.signalAll();
		}
	}

	/** Ends the readers, after the reads under way. */
	@Override
	public void close() {
		close(null);
		this.readers.close();
	}

	/**
	 * Ends all waits, and lets the readers end.
	 * @param cause what a reader failed with; null if nobody needs the reads
	 */
	void close(@Nullable Throwable cause) {
		this.completions.close(cause);
		this.lock.lock();
		try {
			this.closed = true;
			this.schedule.close(new IllegalStateException("The weights are closed", cause));
			this.work.signalAll();
			this.begun.signalAll();
		}
		finally {
			this.lock.unlock();
		}
	}

}
