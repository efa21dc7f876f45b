package io.github.flashspring.engine.residency;

import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

import io.github.flashspring.engine.checkpoint.CheckpointException;
import io.github.flashspring.engine.device.Fence;
import io.github.flashspring.engine.metrics.IoMetrics;
import org.jspecify.annotations.Nullable;

/**
 * Brings blocks into memory before they are needed. Reader threads take the blocks in the
 * cyclic order of use: those that stream into a ring, as soon as it has room, those that
 * stay into memory of their own, the first time that they come by. One thread acquires.
 * <p>
 * The lock guards who reads what next; nobody holds it while reading.
 */
final class Prefetcher implements AutoCloseable {

	private final BlockLayout blocks;

	private final Map<Path, DirectFile> files = new HashMap<>();

	private final IoRecorder recorder;

	private final BandwidthController controller;

	private final int layerUnits;

	/** Index of the first block of the last unit, the head. */
	private final int headStart;

	/** Index behind the last block of the head. */
	private final int headEnd;

	private final List<Thread> readers = new ArrayList<>();

	private final ReentrantLock lock = new ReentrantLock();

	/** For readers: there may be something to read. */
	private final Condition work = this.lock.newCondition();

	/** For the acquiring thread: a read ended. */
	private final Condition done = this.lock.newCondition();

	private final long rowBytes;

	private boolean[] pinned = new boolean[0];

	private @Nullable NativeMemory[] pinnedMemory = new NativeMemory[0];

	private @Nullable Load[] pinnedLoads = new Load[0];

	private @Nullable NativeMemory ringMemory;

	private SlabRing ring = new SlabRing(0);

	/** Streamed blocks in the ring, the oldest first. */
	private final Deque<Load> window = new ArrayDeque<>();

	private final Deque<Task> queue = new ArrayDeque<>();

	/** Block that is brought next. */
	private int position;

	/** How often the head will be gone through in the pass that is read for. */
	private int headRounds = 1;

	private int headRound;

	private Fence lastUse = Fence.DONE;

	private volatile @Nullable Load wanted;

	private int reading;

	/** Whether the thread that computes waits for blocks. */
	private boolean waiting;

	/** Whether a reader sleeps so that the reads keep their pace; one does for all. */
	private boolean pacing;

	/** Whether reads ran beside computing since the last layer. */
	private boolean disturbed;

	private boolean paused = true;

	private boolean closed;

	/**
	 * Starts the readers; they wait until there is a {@link #plan}.
	 * @param blocks all blocks
	 * @param layerUnits units of a pass, the head included
	 * @param files open files that hold the blocks; closed after this
	 * @param threads most reads at once
	 * @param rowBytes the longest row that {@link #readRows} will be asked for
	 * @param recorder hears of reads
	 * @param controller paces reads ahead
	 */
	Prefetcher(BlockLayout blocks, int layerUnits, List<DirectFile> files, int threads, long rowBytes,
			IoRecorder recorder, BandwidthController controller) {
		this.blocks = blocks;
		this.recorder = recorder;
		this.controller = controller;
		this.layerUnits = layerUnits;
		this.rowBytes = rowBytes;
		files.forEach((file) -> this.files.put(file.path(), file));
		List<Block> head = blocks.of(layerUnits - 1);
		this.headEnd = (int) blocks.blocks().stream().filter((block) -> block.unit() < layerUnits).count();
		this.headStart = this.headEnd - head.size();
		ThreadFactory factory = ReadThread.factory("flash-prefetch-");
		for (int i = 0; i < threads; i++) {
			Thread thread = factory.newThread(this::read);
			this.readers.add(thread);
			thread.start();
		}
	}

	/**
	 * Divides the memory anew. Waits for reads under way; nothing may be held.
	 * @param stay which blocks stay in memory; those that did before keep it
	 * @param windowBytes size of the ring
	 */
	void plan(boolean[] stay, long windowBytes) {
		NativeMemory nextRing = NativeMemory.allocate(windowBytes);
		this.lock.lock();
		try {
			this.paused = true;
			this.queue.clear();
			while (this.reading > 0) {
				this.done.awaitUninterruptibly();
			}
			this.window.clear();
			@Nullable NativeMemory[] memory = new NativeMemory[stay.length];
			@Nullable Load[] loads = new Load[stay.length];
			for (int i = 0; i < this.pinned.length; i++) {
				Load load = this.pinnedLoads[i];
				NativeMemory old = this.pinnedMemory[i];
				if (stay[i] && load != null && load.ready()) {
					memory[i] = old;
					loads[i] = load;
				}
				else if (old != null) {
					old.close();
				}
			}
			this.pinnedMemory = memory;
			this.pinnedLoads = loads;
			this.pinned = stay.clone();
			if (this.ringMemory != null) {
				this.ringMemory.close();
			}
			this.ringMemory = nextRing;
			this.ring = new SlabRing(windowBytes);
			this.position = 0;
			this.headRound = 0;
			this.headRounds = 1;
			this.wanted = null;
			this.paused = false;
			this.work.signalAll();
		}
		finally {
			this.lock.unlock();
		}
	}

	/**
	 * The ring.
	 * @return memory in which streamed blocks lie
	 */
	MemorySegment ringMemory() {
		NativeMemory memory = this.ringMemory;
		if (memory == null) {
			throw new IllegalStateException("There is no plan yet");
		}
		return memory.segment();
	}

	/**
	 * Begins a pass.
	 * @param rounds how often the pass goes through the head
	 */
	void beginPass(int rounds) {
		this.lock.lock();
		try {
			this.headRounds = rounds;
			for (int i = 0; i < this.pinnedLoads.length; i++) {
				Load load = this.pinnedLoads[i];
				if (load != null && load.pending == 0 && load.failure != null) {
					forget(load);
				}
			}
			this.work.signalAll();
		}
		finally {
			this.lock.unlock();
		}
	}

	/**
	 * Waits for a block.
	 * @param block the block
	 * @return the block in memory, held until it is released
	 * @throws CheckpointException if it cannot be read
	 * @throws IllegalStateException if this is closed
	 */
	Load acquire(Block block) {
		this.lock.lock();
		this.waiting = true;
		try {
			Load load = find(block);
			load.held = true;
			if (load.ready() && !this.controller.coldStart()) {
				return load;
			}
			long start = System.nanoTime();
			this.wanted = load;
			try {
				await(load);
				this.waiting = false;
				calm();
			}
			finally {
				this.wanted = null;
				this.recorder.stalled(block.unit(), start, System.nanoTime());
			}
			return load;
		}
		finally {
			this.waiting = false;
			this.disturbed |= this.reading > 0;
			this.lock.unlock();
		}
	}

	/** Waits until nothing is read, if layers are to compute alone. */
	private void calm() {
		while (this.controller.coldStart() && this.reading > 0 && !this.closed) {
			this.done.awaitUninterruptibly();
		}
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

	private void await(Load load) {
		// What failed while nobody waited may work by now.
		boolean again = load.failure != null && !load.failed.isEmpty();
		while (!this.closed) {
			if (load.pending == 0 && load.failure == null) {
				return;
			}
			if (load.pending == 0) {
				RuntimeException failure = load.failure;
				if (!again && failure != null) {
					drop(load, Fence.DONE);
					throw failure;
				}
				again = false;
				load.failure = null;
				load.pending = load.failed.size();
				load.failed.forEach((extent) -> this.queue.addFirst(new Extent(load, extent)));
				load.failed.clear();
			}
			this.work.signalAll();
			this.done.awaitUninterruptibly();
		}
		throw new IllegalStateException("The weights are closed");
	}

	/** The load of a block that is needed next, begun now if nobody did so before. */
	private Load find(Block block) {
		if (this.pinned[block.index()]) {
			Load load = this.pinnedLoads[block.index()];
			return (load != null) ? load : pin(block, true);
		}
		Load ahead = inWindow(block);
		if (block.onDemand()) {
			return (ahead != null) ? ahead : fetch(block);
		}
		if (ahead != null) {
			skip(ahead);
			return ahead;
		}
		// Not in order: whoever computes has jumped, and what was read ahead is in vain.
		for (Load load : List.copyOf(this.window)) {
			if (!load.held && !load.dropped) {
				drop(load, Fence.DONE);
			}
		}
		this.position = block.index();
		this.headRound = 0;
		begin();
		Load load = inWindow(block);
		while (load == null) {
			awaitRoom(block);
			begin();
			load = inWindow(block);
		}
		return load;
	}

	/** Begins a block that only somebody who asks gets, beside what is read ahead. */
	private Load fetch(Block block) {
		Load load = stream(block, true);
		while (load == null) {
			// what was read ahead furthest is needed last
			Load furthest = null;
			for (Load other : this.window) {
				furthest = (other.held || other.dropped) ? furthest : other;
			}
			if (furthest != null) {
				this.position = furthest.block().onDemand() ? this.position : furthest.block().index();
				drop(furthest, Fence.DONE);
			}
			else {
				awaitRoom(block);
			}
			load = stream(block, true);
		}
		return load;
	}

	private void awaitRoom(Block block) {
		if (this.closed) {
			throw new IllegalStateException("The weights are closed");
		}
		if (this.window.stream().noneMatch((load) -> load.pending > 0)) {
			throw new IllegalStateException("The window for weights is too small for " + block.bytes() + " bytes");
		}
		this.work.signalAll();
		this.done.awaitUninterruptibly();
	}

	private @Nullable Load inWindow(Block block) {
		for (Load load : this.window) {
			if (load.block().index() == block.index() && !load.dropped) {
				return load;
			}
		}
		return null;
	}

	/** Drops what was read for units before and was not used. */
	private void skip(Load next) {
		for (Load load : List.copyOf(this.window)) {
			if (load == next) {
				return;
			}
			if (!load.held && !load.dropped && load.block().unit() != next.block().unit()) {
				drop(load, Fence.DONE);
			}
		}
	}

	/**
	 * Gives a block back.
	 * @param load what was acquired
	 * @param fence behind the work that uses it
	 */
	void release(Load load, Fence fence) {
		if (this.pinned[load.block().index()]) {
			return;
		}
		this.lock.lock();
		try {
			drop(load, fence);
		}
		finally {
			this.lock.unlock();
		}
	}

	private void drop(Load load, Fence fence) {
		load.held = false;
		load.dropped = true;
		if (this.pinned[load.block().index()]) {
			if (load.pending == 0) {
				forget(load);
			}
			return;
		}
		this.lastUse = (fence != Fence.DONE) ? fence : this.lastUse;
		this.queue.removeIf((task) -> {
			boolean its = task instanceof Extent extent && extent.load() == load;
			load.pending -= its ? 1 : 0;
			return its;
		});
		reclaim();
	}

	/** Forgets a block that should stay but could not be read. */
	private void forget(Load load) {
		int index = load.block().index();
		NativeMemory memory = this.pinnedMemory[index];
		if (memory != null) {
			memory.close();
		}
		this.pinnedMemory[index] = null;
		this.pinnedLoads[index] = null;
	}

	private void reclaim() {
		while (!this.window.isEmpty() && this.window.getFirst().dropped && this.window.getFirst().pending == 0) {
			this.window.removeFirst();
			this.ring.free();
		}
		while (!this.window.isEmpty() && this.window.getLast().dropped && this.window.getLast().pending == 0) {
			this.window.removeLast();
			this.ring.freeNewest();
		}
		this.work.signalAll();
		this.done.signalAll();
	}

	/**
	 * A block that stays, if it is in memory already.
	 * @param block the block
	 * @return null if it must be read
	 */
	@Nullable Load present(Block block) {
		this.lock.lock();
		try {
			Load load = this.pinned[block.index()] ? this.pinnedLoads[block.index()] : null;
			return (load != null && load.ready()) ? load : null;
		}
		finally {
			this.lock.unlock();
		}
	}

	/**
	 * Reads rows before anything else.
	 * @param rows what to read
	 * @throws CheckpointException if one cannot be read
	 */
	void readRows(List<RowRead> rows) {
		RowBatch batch = new RowBatch(rows.size());
		this.lock.lock();
		try {
			for (RowRead row : rows.reversed()) {
				this.queue.addFirst(new Row(batch, row));
			}
			this.work.signalAll();
			while (batch.pending > 0 && !this.closed) {
				this.done.awaitUninterruptibly();
			}
			if (batch.failure != null) {
				throw batch.failure;
			}
			if (this.closed) {
				throw new IllegalStateException("The weights are closed");
			}
		}
		finally {
			this.lock.unlock();
		}
	}

	/**
	 * Reads so far and now.
	 * @return a snapshot
	 */
	IoMetrics snapshot() {
		this.lock.lock();
		try {
			long ahead = this.window.stream()
				.filter((load) -> !load.held && !load.dropped && load.ready())
				.mapToLong((load) -> load.block().bytes())
				.sum();
			return this.recorder.snapshot(ahead, this.reading, this.queue.size());
		}
		finally {
			this.lock.unlock();
		}
	}

	/** What a reader does. */
	private void read() {
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
			case Extent(Load load, Block.Extent extent) -> {
				load.before().await();
				file(extent.file()).read(extent.offset(), load.memory().asSlice(extent.position(), extent.length()));
				long end = System.nanoTime();
				this.recorder.read(load.block().unit(), extent.length(), start, end, load == this.wanted);
				this.controller.read(extent.length(), end - start);
			}
			case Row(RowBatch batch, RowRead row) -> {
				DirectFile file = file(row.file());
				long from = row.offset() / file.alignment() * file.alignment();
				long length = Math.ceilDiv(row.offset() + row.target().byteSize() - from, file.alignment())
						* file.alignment();
				if (scratch == null) {
					throw new IllegalStateException("A reader of rows needs memory");
				}
				file.read(from, scratch.segment().asSlice(0, length));
				MemorySegment.copy(scratch.segment(), row.offset() - from, row.target(), 0, row.target().byteSize());
				this.recorder.readRow(row.unit(), length, start, System.nanoTime());
			}
		}
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
				case Extent(Load load, Block.Extent extent) -> {
					load.pending--;
					if (failure != null) {
						load.failure = failure;
						load.failed.add(extent);
					}
					if (load.dropped && load.pending == 0) {
						if (this.pinned[load.block().index()]) {
							forget(load);
						}
						else {
							reclaim();
						}
					}
				}
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

	/** Waits for something to read; null when this is closed. */
	private @Nullable Task next(@Nullable Task before) {
		this.lock.lock();
		try {
			if (before != null) {
				this.reading--;
				this.done.signalAll();
			}
			while (!this.closed) {
				if (!this.paused) {
					Task task = this.queue.peekFirst();
					if (task != null && mayGo(task)) {
						this.queue.removeFirst();
						this.reading++;
						this.disturbed |= !this.waiting;
						if (!this.queue.isEmpty()) {
							this.work.signal();
						}
						return task;
					}
					if (task == null && begin()) {
						this.work.signal();
						continue;
					}
					if (task != null) {
						continue;
					}
				}
				this.work.awaitUninterruptibly();
			}
			return null;
		}
		finally {
			this.lock.unlock();
		}
	}

	/**
	 * Whether a read may go now. If not, this has waited a moment: the queue may have
	 * changed.
	 */
	private boolean mayGo(Task task) {
		if (this.waiting || !(task instanceof Extent extent)) {
			return true;
		}
		if (this.pacing) {
			this.work.awaitUninterruptibly();
			return false;
		}
		int unit = extent.load().block().unit();
		long bytes = extent.extent().length();
		long pause = (unit < this.layerUnits) ? this.controller.pauseNanos(bytes, unit)
				: this.controller.pauseNanos(bytes);
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

	/** Queues the reads of the next block for which there is memory. */
	private boolean begin() {
		for (int scanned = 0; scanned <= this.pinned.length; scanned++) {
			Block block = this.blocks.blocks().get(this.position);
			if (this.pinned[this.position]) {
				if (this.pinnedLoads[this.position] == null) {
					pin(block, false);
					advance();
					return true;
				}
			}
			else if (this.position < this.headEnd && !block.onDemand()) {
				if (inWindow(block) != null || stream(block, false) == null) {
					return false;
				}
				advance();
				return true;
			}
			advance();
		}
		return false;
	}

	private Load pin(Block block, boolean now) {
		NativeMemory memory = NativeMemory.allocate(block.bytes());
		Load load = new Load(block, memory.segment(), 0, Fence.DONE);
		this.pinnedMemory[block.index()] = memory;
		this.pinnedLoads[block.index()] = load;
		enqueue(load, now);
		return load;
	}

	private @Nullable Load stream(Block block, boolean now) {
		long offset = this.ring.allocate(block.bytes());
		if (offset < 0) {
			return null;
		}
		Load load = new Load(block, ringMemory().asSlice(offset, block.bytes()), offset, this.lastUse);
		this.window.addLast(load);
		enqueue(load, now);
		return load;
	}

	private void enqueue(Load load, boolean now) {
		for (Block.Extent extent : load.block().extents()) {
			Task task = new Extent(load, extent);
			if (now) {
				this.queue.addFirst(task);
			}
			else {
				this.queue.addLast(task);
			}
		}
		this.work.signalAll();
	}

	/** Goes on to the block after, in the order of use. */
	private void advance() {
		this.position++;
		if (this.position == this.headStart && this.headRounds == 0) {
			this.position = this.headEnd;
		}
		if (this.position == this.headEnd && this.headStart < this.headEnd && ++this.headRound < this.headRounds) {
			this.position = this.headStart;
		}
		if (this.position == this.blocks.blocks().size()) {
			this.position = 0;
			this.headRound = 0;
			this.headRounds = 1;
		}
	}

	/**
	 * Ends the readers, after the reads under way, and frees all memory.
	 */
	@Override
	public void close() {
		this.lock.lock();
		try {
			this.closed = true;
			this.work.signalAll();
			this.done.signalAll();
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
		for (NativeMemory memory : this.pinnedMemory) {
			if (memory != null) {
				memory.close();
			}
		}
		if (this.ringMemory != null) {
			this.ringMemory.close();
		}
	}

	/** Work of a reader. */
	private sealed interface Task {

	}

	/**
	 * A stretch of a block.
	 *
	 * @param load the block
	 * @param extent the stretch
	 */
	private record Extent(Load load, Block.Extent extent) implements Task {

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
