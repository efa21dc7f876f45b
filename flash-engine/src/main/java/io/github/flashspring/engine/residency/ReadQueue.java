package io.github.flashspring.engine.residency;

import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.function.IntUnaryOperator;

import io.github.flashspring.engine.memory.NativeMemory;
import io.github.flashspring.engine.storage.DirectFile;
import io.github.flashspring.engine.storage.ReadThread;
import io.github.flashspring.engine.weights.Block;
import io.github.flashspring.engine.checkpoint.CheckpointException;
import io.github.flashspring.engine.device.DeviceException;
import org.jspecify.annotations.Nullable;

/**
 * Threads that read, and what they read next: first what computing needs, then what it
 * will need, last what it may need. Reads that are neighbours in the file become one.
 * <p>
 * The lock guards who reads what next; nobody holds it while reading. Methods that say so
 * are called with the lock held.
 */
final class ReadQueue implements AutoCloseable {

	/**
	 * Longest read of a block on demand: the readers share a longer one, so that the
	 * first block is there early, while the disk has as much to do. Neighbours are joined
	 * up to that.
	 */
	private static final long SHARED_BYTES = 1 << 20;

	private final Map<Path, DirectFile> files = new HashMap<>();

	private final IoRecorder recorder;

	private final BandwidthController controller;

	/** From a unit to the layer whose computing it belongs to; -1: to none. */
	private final IntUnaryOperator layers;

	private final Owner owner;

	private final long rowBytes;

	private final long mergedBytes;

	private final long beginNanos;

	private final List<Thread> readers = new ArrayList<>();

	private final ReentrantLock lock = new ReentrantLock();

	/** For readers: there may be something to read. */
	private final Condition work = this.lock.newCondition();

	/** For the thread that computes: a read ended. */
	private final Condition done = this.lock.newCondition();

	/** For the thread that computes: what it needs is being read, or all readers read. */
	private final Condition begun = this.lock.newCondition();

	private final Map<Urgency, Deque<ReadRange>> queues = new EnumMap<>(Urgency.class);

	private final Deque<Row> rows = new ArrayDeque<>();

	private volatile @Nullable BlockRead wanted;

	private int reading;

	/** Whether the thread that computes waits for blocks. */
	private boolean waiting;

	/** Whether a reader sleeps so that the reads keep their pace; one does for all. */
	private boolean pacing;

	/** Whether reads ran beside computing since the last layer. */
	private boolean disturbed;

	/** Whether computing waits so much that reads of what it may need are not paced. */
	private boolean behind;

	/** Whether reads only copy what the page cache holds. */
	private final boolean cached;

	/** Whether each byte is read once. */
	private boolean once;

	private boolean paused = true;

	private boolean closed;

	/** What ended the readers, if nobody closed this. */
	private @Nullable Throwable broken;

	/**
	 * Starts the threads; they wait until {@link #resume}.
	 * @param settings how to read
	 * @param layers from a unit to the layer whose computing it belongs to; -1: to none
	 * @param recorder hears of reads
	 * @param controller paces reads ahead
	 * @param owner is asked for more
	 */
	ReadQueue(Settings settings, IntUnaryOperator layers, IoRecorder recorder, BandwidthController controller,
			Owner owner) {
		settings.files().forEach((file) -> this.files.put(file.path(), file));
		this.rowBytes = settings.rowBytes();
		this.mergedBytes = settings.mergedBytes();
		this.beginNanos = settings.beginNanos();
		this.cached = settings.cached();
		this.layers = layers;
		this.recorder = recorder;
		this.controller = controller;
		this.owner = owner;
		for (Urgency urgency : Urgency.values()) {
			this.queues.put(urgency, new ArrayDeque<>());
		}
		ThreadFactory factory = ReadThread.factory("flash-prefetch-");
		for (int i = 0; i < settings.threads(); i++) {
			Thread thread = factory.newThread(this::read);
			this.readers.add(thread);
			thread.start();
		}
	}

	ReentrantLock lock() {
		return this.lock;
	}

	/** Most reads at once. */
	int threads() {
		return this.readers.size();
	}

	/**
	 * Stops reading, and forgets what was to be read. Holds the lock; returns when no
	 * read is under way.
	 */
	void pause() {
		this.paused = true;
		this.queues.values().forEach(Deque::clear);
		while (this.reading > 0) {
			this.done.awaitUninterruptibly();
		}
		this.wanted = null;
	}

	/**
	 * Says whether each byte is read once. Then reads may take what the page cache holds
	 * already, and none is held back: there is no later pass for which to do so. Holds
	 * the lock, while nothing is read.
	 * @param once true if so
	 */
	void readsOnce(boolean once) {
		this.once = once;
		this.files.values().forEach((file) -> file.usePageCache(once));
	}

	/** Reads again. Holds the lock. */
	void resume() {
		this.paused = false;
		this.work.signalAll();
	}

	/**
	 * Reads a block. Holds the lock.
	 * @param load gets it
	 * @param urgency when
	 */
	void add(BlockRead load, Urgency urgency) {
		List<Block.Extent> extents = load.block().onDemand()
				? load.block().extents().stream().flatMap((extent) -> shared(extent).stream()).toList()
				: load.block().extents();
		load.pending = extents.size();
		for (Block.Extent extent : extents) {
			queue(urgency).addLast(new ReadRange(load, extent, urgency));
		}
		this.work.signalAll();
	}

	/** Cuts a stretch so that several readers share it. */
	private List<Block.Extent> shared(Block.Extent extent) {
		long alignment = file(extent.file()).alignment();
		long count = Math.ceilDiv(extent.length(), SHARED_BYTES);
		long length = Math.ceilDiv(Math.ceilDiv(extent.length(), count), alignment) * alignment;
		List<Block.Extent> parts = new ArrayList<>();
		for (long from = 0; from < extent.length(); from += length) {
			parts.add(new Block.Extent(extent.file(), extent.offset() + from, Math.min(length, extent.length() - from),
					extent.position() + from));
		}
		return parts;
	}

	/**
	 * Reads what of a block has failed once more, before anything else. Holds the lock.
	 */
	private void again(BlockRead load) {
		load.failure = null;
		load.pending = load.failed.size();
		load.failed.forEach((extent) -> queue(Urgency.NOW).addFirst(new ReadRange(load, extent, Urgency.NOW, true)));
		load.failed.clear();
	}

	/** Reads what is left of a block with more urgency. Holds the lock. */
	void hurry(BlockRead load) {
		for (Urgency urgency : List.of(Urgency.AHEAD, Urgency.LIKELY)) {
			queue(urgency).removeIf((stretch) -> {
				boolean its = stretch.load() == load;
				if (its) {
					queue(Urgency.NOW).addLast(new ReadRange(load, stretch.extent(), Urgency.NOW, stretch.apart()));
				}
				return its;
			});
		}
		this.work.signalAll();
	}

	/**
	 * Does not read what is left of a block. Holds the lock.
	 * @param load the block, with fewer reads pending afterwards
	 * @return what is not read
	 */
	List<Block.Extent> cancel(BlockRead load) {
		List<Block.Extent> cancelled = new ArrayList<>();
		for (Deque<ReadRange> queue : this.queues.values()) {
			for (ReadRange stretch : List.copyOf(queue)) {
				if (stretch.load() == load) {
					queue.remove(stretch);
					load.pending--;
					cancelled.add(stretch.extent());
				}
			}
		}
		return cancelled;
	}

	private Deque<ReadRange> queue(Urgency urgency) {
		Deque<ReadRange> queue = this.queues.get(urgency);
		if (queue == null) {
			throw new IllegalStateException("There is no queue " + urgency);
		}
		return queue;
	}

	/** Says that there may be something to read, or to go on with. Holds the lock. */
	void signal() {
		this.work.signalAll();
		this.done.signalAll();
	}

	/** The thread that computes begins or ends to wait for blocks. Holds the lock. */
	void waits(boolean now) {
		this.waiting = now;
		if (!now) {
			this.disturbed |= this.reading > 0;
		}
	}

	/**
	 * Says whether computing waits so much for what it needs that nothing is gained by
	 * pacing what it may need. Holds the lock.
	 * @param now true to let such reads go at once
	 */
	void behind(boolean now) {
		this.behind = now;
	}

	/** Waits until a block was read, or nothing is. Holds the lock. */
	void awaitRead() {
		requireOpen();
		this.work.signalAll();
		this.done.awaitUninterruptibly();
	}

	/**
	 * Waits a moment until readers have begun what computing needs. Where all processors
	 * compute, a reader that is woken would else get one only after a slice of the
	 * scheduler's, a millisecond or two later. Holds the lock.
	 */
	void awaitBegun() {
		long left = this.beginNanos;
		while (left > 0 && !this.closed && !this.paused && !allBegun()) {
			try {
				left = this.begun.awaitNanos(left);
			}
			catch (InterruptedException ex) {
				Thread.currentThread().interrupt();
				return;
			}
		}
	}

	private boolean allBegun() {
		return this.reading == this.readers.size() || queue(Urgency.NOW).isEmpty();
	}

	/**
	 * Waits for a block; what failed while nobody waited is tried again. Holds the lock.
	 * @param load the block
	 * @return what it failed with, or null if it is in memory
	 */
	@Nullable RuntimeException await(BlockRead load) {
		return await(load, () -> false);
	}

	/**
	 * Waits for a block, or for something else that will do. Holds the lock.
	 * @param load the block
	 * @param other whether there is something else
	 * @return what the block failed with, or null if it is in memory or need not be
	 */
	@Nullable RuntimeException await(BlockRead load, BooleanSupplier other) {
		boolean again = load.failure != null && !load.failed.isEmpty();
		this.wanted = load;
		try {
			hurry(load);
			while ((load.pending > 0 || load.failure != null) && !other.getAsBoolean()) {
				if (load.pending == 0) {
					if (!again) {
						return load.failure;
					}
					again = false;
					again(load);
				}
				awaitRead();
			}
			requireOpen();
			this.waiting = false;
			calm();
			return null;
		}
		finally {
			this.wanted = null;
		}
	}

	/** Whether layers are to compute alone, with nothing read beside them. */
	boolean calms() {
		return !this.once && !this.cached && this.controller.coldStart();
	}

	/** Waits until nothing is read, if layers are to compute alone. */
	private void calm() {
		while (calms() && this.reading > 0 && !this.closed) {
			this.done.awaitUninterruptibly();
		}
	}

	private void requireOpen() {
		if (this.broken != null) {
			throw new DeviceException("Weights cannot be read any more: " + this.broken.getMessage(), this.broken);
		}
		if (this.closed) {
			throw new IllegalStateException("The weights are closed");
		}
	}

	/** Reads under way. Holds the lock. */
	int reading() {
		return this.reading;
	}

	/** Reads that wait for their turn. Holds the lock. */
	int queued() {
		return this.rows.size() + this.queues.values().stream().mapToInt(Collection::size).sum();
	}

	/**
	 * Whether reads ran beside computing since this was last asked.
	 * @return true if so
	 */
	boolean wasDisturbed() {
		this.lock.lock();
		try {
			boolean was = this.disturbed;
			this.disturbed = this.reading > 0;
			return was;
		}
		finally {
			this.lock.unlock();
		}
	}

	/**
	 * Reads rows before anything else.
	 * @param wantedRows what to read
	 * @throws CheckpointException if one cannot be read
	 */
	void readRows(List<RowRead> wantedRows) {
		RowBatch batch = new RowBatch(wantedRows.size());
		this.lock.lock();
		try {
			wantedRows.forEach((row) -> this.rows.addLast(new Row(batch, row)));
			this.work.signalAll();
			while (batch.pending > 0 && !this.closed) {
				this.done.awaitUninterruptibly();
			}
			if (batch.failure != null) {
				throw batch.failure;
			}
			requireOpen();
		}
		finally {
			this.lock.unlock();
		}
	}

	/** What a reader does. */
	private void read() {
		try {
			readAll();
		}
		catch (RuntimeException | Error ex) {
			// Not the fault of a read, such as no memory for a block: who waits must
			// hear.
			this.lock.lock();
			try {
				this.broken = ex;
				this.closed = true;
				signal();
				this.begun.signalAll();
			}
			finally {
				this.lock.unlock();
			}
		}
	}

	private void readAll() {
		NativeMemory scratch = null;
		try {
			Task task = next(null);
			while (task != null) {
				if (task instanceof Row && scratch == null) {
					scratch = NativeMemory.allocate(this.rowBytes);
				}
				RuntimeException failure = null;
				try {
					read(task, scratch);
				}
				catch (RuntimeException ex) {
					failure = ex;
					this.recorder.failed();
				}
				catch (Error ex) {
					failure = new DeviceException("A read of weights failed: " + ex, ex);
					this.recorder.failed();
				}
				ended(task, failure);
				task = next(task);
			}
		}
		finally {
			if (scratch != null) {
				scratch.close();
			}
		}
	}

	private void read(Task task, @Nullable NativeMemory scratch) {
		long start = System.nanoTime();
		switch (task) {
			case JoinedRead joined -> {
				joined.stretches().forEach((stretch) -> stretch.load().before().await());
				DirectFile file = file(joined.file());
				int calls = file.read(joined.offset(), joined.targets());
				joined.share();
				long end = System.nanoTime();
				joined.stretches()
					.forEach((stretch) -> file.remember(stretch.from(), stretch.memory(stretch.from(), stretch.to())));
				boolean demand = joined.stretches().stream().anyMatch((stretch) -> stretch.load() == this.wanted);
				this.recorder.read(unit(joined, 0), joined.bytes(0), calls, start, end, demand);
				for (int i = 1; i < joined.stretches().size(); i++) {
					this.recorder.readAlong(unit(joined, i), joined.bytes(i));
				}
				this.controller.read(joined.length(), end - start);
			}
			case Row(RowBatch batch, RowRead row) -> {
				DirectFile file = file(row.file());
				long from = row.offset() / file.alignment() * file.alignment();
				long length = Math.ceilDiv(row.offset() + row.target().byteSize() - from, file.alignment())
						* file.alignment();
				if (scratch == null) {
					throw new IllegalStateException("A reader of rows needs memory");
				}
				int calls = file.read(from, scratch.segment().asSlice(0, length));
				MemorySegment.copy(scratch.segment(), row.offset() - from, row.target(), 0, row.target().byteSize());
				this.recorder.readRow(row.unit(), length, calls, start, System.nanoTime());
			}
		}
	}

	private static int unit(JoinedRead joined, int index) {
		return joined.stretches().get(index).load().block().unit();
	}

	private DirectFile file(Path path) {
		DirectFile file = this.files.get(path.toAbsolutePath());
		if (file == null) {
			throw new IllegalStateException("The file " + path + " is not open");
		}
		return file;
	}

	private void ended(Task task, @Nullable RuntimeException failure) {
		this.lock.lock();
		try {
			switch (task) {
				case JoinedRead joined -> joined.stretches().forEach((stretch) -> ended(stretch, joined, failure));
				case Row(RowBatch batch, RowRead row) -> {
					batch.pending--;
					batch.failure = (batch.failure != null) ? batch.failure : failure;
				}
			}
		}
		finally {
			this.lock.unlock();
		}
	}

	/**
	 * Stretches that failed together are tried again one by one, so that none fails for
	 * another one's sake.
	 */
	private void ended(ReadRange stretch, JoinedRead joined, @Nullable RuntimeException failure) {
		BlockRead load = stretch.load();
		if (failure != null && joined.stretches().size() > 1 && !load.dropped && !this.paused && !this.closed) {
			queue(Urgency.NOW).addFirst(stretch.again());
			return;
		}
		load.pending--;
		if (failure != null) {
			load.failure = failure;
			load.failed.add(stretch.extent());
		}
		if (load.pending == 0) {
			this.owner.ended(load);
		}
	}

	/** Waits for something to read; null when this is closed. */
	private @Nullable Task next(@Nullable Task before) {
		this.lock.lock();
		try {
			if (before != null) {
				this.reading--;
				if (complete(before) || this.reading == 0) {
					this.done.signalAll();
				}
			}
			while (!this.closed) {
				Task task = next();
				if (task != null) {
					this.reading++;
					this.disturbed |= !this.waiting;
					if (queued() > 0) {
						this.work.signal();
					}
					if (allBegun()) {
						this.begun.signalAll();
					}
					return task;
				}
			}
			return null;
		}
		finally {
			this.lock.unlock();
		}
	}

	/**
	 * Whether a read that ended was the last of a block or of rows: who waits for a block
	 * need not wake for each of its parts.
	 */
	private static boolean complete(Task task) {
		return switch (task) {
			case JoinedRead joined -> joined.stretches().stream().anyMatch((stretch) -> stretch.load().pending == 0);
			case Row row -> row.batch().pending == 0;
		};
	}

	/** What may be read now; null after waiting a moment: the queues may have changed. */
	private @Nullable Task next() {
		if (this.paused) {
			this.work.awaitUninterruptibly();
			return null;
		}
		Row row = this.rows.pollFirst();
		if (row != null) {
			return row;
		}
		for (Urgency urgency : Urgency.values()) {
			ReadRange first = queue(urgency).peekFirst();
			if (first != null) {
				return mayGo(first) ? JoinedRead.take(queue(urgency), this.mergedBytes, SHARED_BYTES) : null;
			}
		}
		if (this.owner.more()) {
			this.work.signal();
			return null;
		}
		this.work.awaitUninterruptibly();
		return null;
	}

	/**
	 * Whether a read may go now. If not, this has waited a moment: the queues may have
	 * changed.
	 */
	private boolean mayGo(ReadRange stretch) {
		if (this.waiting || this.once || this.cached || stretch.urgency() == Urgency.NOW
				|| (this.behind && stretch.urgency() == Urgency.LIKELY && !calms())) {
			return true;
		}
		if (this.pacing) {
			this.work.awaitUninterruptibly();
			return false;
		}
		int layer = this.layers.applyAsInt(stretch.load().block().unit());
		long bytes = stretch.extent().length();
		long pause = (layer >= 0) ? this.controller.pauseNanos(bytes, layer) : this.controller.pauseNanos(bytes);
		if (pause == 0) {
			return true;
		}
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
		return false;
	}

	/**
	 * Ends the threads, after the reads under way.
	 */
	@Override
	public void close() {
		this.lock.lock();
		try {
			this.closed = true;
			signal();
		}
		finally {
			this.lock.unlock();
		}
		boolean interrupted = false;
		for (Thread reader : this.readers) {
			while (reader.isAlive()) {
				try {
					reader.join();
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

	/** When something is read. */
	enum Urgency {

		/** Computing needs it; never paced. */
		NOW,

		/** Computing will need it. */
		AHEAD,

		/** Computing may need it. */
		LIKELY

	}

	/** Whose blocks are read. */
	interface Owner {

		/**
		 * Called with the lock held when nothing is left to read.
		 * @return whether there is something now
		 */
		boolean more();

		/**
		 * Called with the lock held when no read of a block is pending any more.
		 * @param load the block, in memory or failed
		 */
		void ended(BlockRead load);

	}

	/**
	 * How to read.
	 *
	 * @param files open files that hold the blocks; closed after this
	 * @param threads most reads at once
	 * @param rowBytes the longest row that {@link #readRows} will be asked for
	 * @param mergedBytes the longest read that is made of neighbours
	 * @param cached whether the page cache holds the files: reads are copies then, which
	 * take a processor for as long whenever they are made, so that none is held back
	 * @param beginNanos the longest wait of computing for reads to begin
	 */
	record Settings(List<DirectFile> files, int threads, long rowBytes, long mergedBytes, boolean cached,
			long beginNanos) {

		/** Slices of schedulers are longer: who has not begun by then will not soon. */
		private static final long BEGIN_NANOS = 500_000;

		Settings(List<DirectFile> files, int threads, long rowBytes, long mergedBytes) {
			this(files, threads, rowBytes, mergedBytes, false, BEGIN_NANOS);
		}

		/** The same, but of files that the page cache holds. */
		Settings ofPageCache() {
			return new Settings(this.files, this.threads, this.rowBytes, this.mergedBytes, true, this.beginNanos);
		}

	}

	/** Work of a reader. */
	sealed interface Task permits JoinedRead, Row {

	}

	/**
	 * A row.
	 *
	 * @param batch rows that are waited for together
	 * @param row the row
	 */
	private record Row(RowBatch batch, RowRead row) implements Task {

	}

	/** Rows that are waited for together. */
	private static final class RowBatch {

		private int pending;

		private @Nullable RuntimeException failure;

		RowBatch(int pending) {
			this.pending = pending;
		}

	}

	/**
	 * Bytes of a file that are wanted at once.
	 *
	 * @param unit index of the unit for which they are read
	 * @param file the file
	 * @param offset first byte
	 * @param target where to; its length is the number of bytes
	 */
	record RowRead(int unit, Path file, long offset, MemorySegment target) {

	}

}
