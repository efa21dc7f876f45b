package io.github.flashspring.engine.residency;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.IntStream;

import io.github.flashspring.engine.memory.NativeMemory;
import io.github.flashspring.engine.weights.Block;
import io.github.flashspring.engine.weights.BlockLayout;
import io.github.flashspring.engine.weights.WeightLayout;
import io.github.flashspring.engine.device.Buffer;
import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.device.Fence;
import io.github.flashspring.engine.device.SharedBuffer;
import io.github.flashspring.engine.metrics.IoMetrics;
import io.github.flashspring.engine.residency.ReadQueue.Urgency;
import org.jspecify.annotations.Nullable;

/**
 * Brings the blocks into memory that every pass needs, in the cyclic order of use: those
 * that stream into a ring, as soon as it has room, those that stay into memory of their
 * own, the first time that they come by. One thread acquires. Blocks on demand are the
 * matter of the {@link ExpertStore} beside it.
 */
final class Prefetcher implements BlockMatrices.Blocks, ReadQueue.Owner, AutoCloseable {

	private final List<Block> blocks;

	private final ReadQueue queue;

	private final ReentrantLock lock;

	private final ExpertStore experts;

	private final IoRecorder recorder;

	/** Indices of the blocks that every pass needs, and of the embedding's. */
	private final int[] order;

	/** Place in the order of the first block of the head. */
	private final int headStart;

	/** Place behind the last block of the head: what follows never streams. */
	private final int headEnd;

	/** Places in the order by the index of the block. */
	private final int[] places;

	private boolean[] pinned = new boolean[0];

	private @Nullable NativeMemory[] pinnedMemory = new NativeMemory[0];

	/** Memory of the blocks that the last plan pinned anew, or null. */
	private NativeMemory.@Nullable Region region;

	/** Where such blocks lie in it, by index. */
	private long[] regionOffsets = new long[0];

	private @Nullable BlockRead[] pinnedLoads = new BlockRead[0];

	private final Map<BlockRead, Buffer> pinnedBuffers = new IdentityHashMap<>();

	/** Blocks that stay and are not on their way into memory yet. */
	private int unread;

	/** Whether any block streams. */
	private boolean streams;

	private @Nullable SharedBuffer ringBuffer;

	private SlabRing ring = new SlabRing(0);

	/** Streamed blocks in the ring, the oldest first. */
	private final Deque<BlockRead> window = new ArrayDeque<>();

	/** Place in the order of what is brought next. */
	private int position;

	/** How often the head will be gone through in the pass that is read for. */
	private int headRounds = 1;

	private int headRound;

	/** How many blocks were released. */
	private long uses;

	/**
	 * Starts threads that read; they wait until there is a {@link #plan}.
	 * @param layout the weights
	 * @param blocks all blocks
	 * @param settings how to read
	 * @param streaming how experts stream
	 * @param recorder hears of reads
	 * @param controller paces reads ahead
	 * @param device allocates what streams
	 */
	Prefetcher(WeightLayout layout, BlockLayout blocks, ReadQueue.Settings settings, ExpertStreaming streaming,
			IoRecorder recorder, BandwidthController controller, Device device) {
		this.blocks = blocks.blocks();
		this.recorder = recorder;
		int units = layout.units().size();
		this.order = IntStream.range(0, this.blocks.size())
			.filter((index) -> !this.blocks.get(index).onDemand())
			.toArray();
		this.places = new int[this.blocks.size()];
		IntStream.range(0, this.order.length).forEach((place) -> this.places[this.order[place]] = place);
		this.headEnd = (int) IntStream.of(this.order).filter((index) -> this.blocks.get(index).unit() < units).count();
		this.headStart = this.headEnd - blocks.of(units - 1).size();
		int[] layers = layout.layersOfUnits();
		this.queue = new ReadQueue(settings, (unit) -> layers[unit], recorder, controller, this);
		this.lock = this.queue.lock();
		this.experts = new ExpertStore(blocks, this.queue, streaming, recorder, device);
	}

	ExpertStore experts() {
		return this.experts;
	}

	/**
	 * Divides the memory anew. Waits for reads under way; nothing may be held.
	 * @param stay which blocks stay in memory; those that did before keep it
	 * @param windowBytes size of the ring
	 * @param expertBytes memory for blocks on demand
	 * @param device computes with them
	 */
	void plan(boolean[] stay, long windowBytes, long expertBytes, Device device) {
		SharedBuffer nextRing = device.allocateShared(windowBytes);
		this.lock.lock();
		try {
			this.queue.pause();
			this.queue.readsOnce(!readsAgain(stay, expertBytes));
			this.window.clear();
			this.experts.resize(expertBytes);
			@Nullable NativeMemory[] memory = new NativeMemory[stay.length];
			@Nullable BlockRead[] loads = new BlockRead[stay.length];
			for (int i = 0; i < this.pinned.length; i++) {
				BlockRead load = this.pinnedLoads[i];
				if (stay[i] && load != null && load.ready()) {
					memory[i] = this.pinnedMemory[i];
					loads[i] = load;
				}
				else if (load != null) {
					forget(load);
				}
			}
			closeRing();
			this.pinnedMemory = memory;
			this.pinnedLoads = loads;
			reserve(stay);
			this.pinned = stay.clone();
			this.unread = 0;
			this.streams = false;
			for (int place = 0; place < this.order.length; place++) {
				int index = this.order[place];
				this.unread += (stay[index] && loads[index] == null) ? 1 : 0;
				this.streams |= !stay[index] && place < this.headEnd;
			}
			this.ringBuffer = nextRing;
			this.ring = new SlabRing(windowBytes);
			this.position = 0;
			this.headRound = 0;
			this.headRounds = 1;
			this.queue.resume();
		}
		finally {
			this.lock.unlock();
		}
	}

	/** Reserves memory for the blocks that stay and are not in memory yet. */
	private void reserve(boolean[] stay) {
		closeRegion();
		this.regionOffsets = new long[stay.length];
		long bytes = 0;
		for (int index : this.order) {
			if (stay[index] && this.pinnedMemory[index] == null) {
				this.regionOffsets[index] = bytes;
				bytes += NativeMemory.aligned(this.blocks.get(index).bytes());
			}
		}
		this.region = (bytes > 0) ? NativeMemory.reserve(bytes) : null;
	}

	private void closeRegion() {
		if (this.region != null) {
			this.region.close();
			this.region = null;
		}
	}

	/** Whether anything is read more than once, or row by row. */
	private boolean readsAgain(boolean[] stay, long expertBytes) {
		long experts = 0;
		for (Block block : this.blocks) {
			if (!block.onDemand() && !stay[block.index()]) {
				return true;
			}
			experts += block.onDemand() ? block.bytes() : 0;
		}
		return experts > expertBytes;
	}

	private SharedBuffer ringBuffer() {
		SharedBuffer buffer = this.ringBuffer;
		if (buffer == null) {
			throw new IllegalStateException("There is no plan yet");
		}
		return buffer;
	}

	private void closeRing() {
		if (this.ringBuffer != null) {
			this.ringBuffer.close();
		}
	}

	/**
	 * Begins a pass.
	 * @param rows its tokens
	 * @param rounds how often the pass goes through the head
	 */
	void beginPass(int rows, int rounds) {
		this.experts.beginPass(rows);
		this.lock.lock();
		try {
			this.headRounds = rounds;
			for (BlockRead load : this.pinnedLoads) {
				if (load != null && load.pending == 0 && load.failure != null) {
					forget(load);
				}
			}
			this.queue.signal();
		}
		finally {
			this.lock.unlock();
		}
	}

	@Override
	public BlockRead acquire(Block block) {
		return take(List.of(block));
	}

	@Override
	public @Nullable BlockRead poll(List<Block> wanted) {
		this.lock.lock();
		try {
			// Where layers are to compute alone, whoever waits also waits for that.
			BlockRead load = this.queue.calms() ? null : ready(wanted);
			if (load != null) {
				load.held = true;
			}
			return load;
		}
		finally {
			this.lock.unlock();
		}
	}

	@Override
	public BlockRead take(List<Block> wanted) {
		this.lock.lock();
		this.queue.waits(true);
		try {
			BlockRead load = this.queue.calms() ? null : ready(wanted);
			if (load == null) {
				BlockRead first = find(wanted.getFirst());
				await(first, wanted);
				load = first.ready() ? first : ready(wanted);
			}
			if (load == null) {
				throw new IllegalStateException("Waiting ended with nothing in memory");
			}
			load.held = true;
			return load;
		}
		finally {
			this.queue.waits(false);
			this.lock.unlock();
		}
	}

	/**
	 * Waits for one of some blocks.
	 * @param first the load of the first one: the one that would be computed with next
	 */
	private void await(BlockRead first, List<Block> wanted) {
		first.held = true;
		long start = System.nanoTime();
		RuntimeException failure;
		try {
			failure = this.queue.await(first, () -> ready(wanted) != null);
		}
		finally {
			first.held = false;
			this.recorder.stalled(first.block().unit(), start, System.nanoTime());
		}
		if (failure != null) {
			drop(first, Fence.DONE);
			throw failure;
		}
	}

	/** The first of some blocks that is in memory. */
	private @Nullable BlockRead ready(List<Block> wanted) {
		for (Block block : wanted) {
			BlockRead load = this.pinned[block.index()] ? this.pinnedLoads[block.index()] : inWindow(block);
			if (load != null && load.ready()) {
				return load;
			}
		}
		return null;
	}

	/** The load of a block that is needed next, begun now if nobody did so before. */
	private BlockRead find(Block block) {
		if (this.pinned[block.index()]) {
			BlockRead load = this.pinnedLoads[block.index()];
			return (load != null) ? load : pin(block, Urgency.NOW);
		}
		BlockRead ahead = inWindow(block);
		if (ahead != null) {
			skip(ahead);
			return ahead;
		}
		// Not in order: whoever computes has jumped, and what was read ahead is in vain.
		for (BlockRead load : List.copyOf(this.window)) {
			if (!load.held && !load.dropped) {
				drop(load, Fence.DONE);
			}
		}
		this.position = this.places[block.index()];
		this.headRound = 0;
		more();
		BlockRead load = inWindow(block);
		while (load == null) {
			awaitRoom(block);
			more();
			load = inWindow(block);
		}
		return load;
	}

	private void awaitRoom(Block block) {
		if (this.window.stream().noneMatch((load) -> load.pending > 0)) {
			throw new IllegalStateException("The window for weights is too small for " + block.bytes() + " bytes");
		}
		this.queue.awaitRead();
	}

	private @Nullable BlockRead inWindow(Block block) {
		for (BlockRead load : this.window) {
			if (load.block().index() == block.index() && !load.dropped) {
				return load;
			}
		}
		return null;
	}

	/** Drops what was read for units before and was not used. */
	private void skip(BlockRead next) {
		for (BlockRead load : List.copyOf(this.window)) {
			if (load == next) {
				return;
			}
			if (!load.held && !load.dropped && load.block().unit() != next.block().unit()) {
				drop(load, Fence.DONE);
			}
		}
	}

	@Override
	public void release(BlockRead load, Fence fence) {
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

	private void drop(BlockRead load, Fence fence) {
		load.held = false;
		load.dropped = true;
		if (this.pinned[load.block().index()]) {
			if (load.pending == 0) {
				forget(load);
			}
			return;
		}
		load.lastUse = (fence != Fence.DONE) ? new SlabRing.Use(fence, ++this.uses) : SlabRing.Use.NONE;
		this.queue.cancel(load);
		reclaim();
	}

	/** Forgets a block that should stay but could not be read, or should not any more. */
	private void forget(BlockRead load) {
		int index = load.block().index();
		Buffer buffer = this.pinnedBuffers.remove(load);
		if (buffer != null) {
			buffer.close();
		}
		NativeMemory memory = this.pinnedMemory[index];
		if (memory != null) {
			memory.close();
		}
		this.pinnedMemory[index] = null;
		this.pinnedLoads[index] = null;
		this.unread++;
	}

	private void reclaim() {
		while (!this.window.isEmpty() && this.window.getFirst().dropped && this.window.getFirst().pending == 0) {
			this.ring.free(this.window.removeFirst().lastUse);
		}
		while (!this.window.isEmpty() && this.window.getLast().dropped && this.window.getLast().pending == 0) {
			this.ring.freeNewest(this.window.removeLast().lastUse);
		}
		this.queue.signal();
	}

	@Override
	public void ended(BlockRead load) {
		if (load instanceof CachedRead || !load.dropped) {
			return;
		}
		if (this.pinned[load.block().index()]) {
			forget(load);
		}
		else {
			reclaim();
		}
	}

	@Override
	public boolean stays(Block block) {
		return this.pinned[block.index()];
	}

	@Override
	public @Nullable BlockRead present(Block block) {
		this.lock.lock();
		try {
			BlockRead load = this.pinned[block.index()] ? this.pinnedLoads[block.index()] : null;
			return (load != null && load.ready()) ? load : null;
		}
		finally {
			this.lock.unlock();
		}
	}

	@Override
	public Buffer buffer(BlockRead load, Device device) {
		if (this.pinned[load.block().index()]) {
			this.lock.lock();
			try {
				return this.pinnedBuffers.computeIfAbsent(load, (key) -> device.wrap(key.memory()));
			}
			finally {
				this.lock.unlock();
			}
		}
		SharedBuffer buffer = ringBuffer();
		load.written(device, buffer);
		return buffer;
	}

	/**
	 * Reads rows before anything else.
	 * @param rows what to read
	 * @throws io.github.flashspring.engine.checkpoint.CheckpointException if one cannot
	 * be read
	 */
	void readRows(List<ReadQueue.RowRead> rows) {
		this.queue.readRows(rows);
	}

	/**
	 * Whether reads ran beside computing since this was last asked.
	 * @return true if so
	 */
	boolean wasDisturbed() {
		return this.queue.wasDisturbed();
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
			return this.recorder.snapshot(ahead, this.queue.reading(), this.queue.queued());
		}
		finally {
			this.lock.unlock();
		}
	}

	/** Queues the reads of the next blocks for which there is memory. */
	@Override
	public boolean more() {
		if (this.unread == 0 && !this.streams) {
			return false;
		}
		for (int scanned = 0; scanned <= this.order.length; scanned++) {
			int index = this.order[this.position];
			Block block = this.blocks.get(index);
			if (this.pinned[index]) {
				if (this.pinnedLoads[index] == null) {
					pin(block, Urgency.AHEAD);
					advance();
					return true;
				}
			}
			else if (this.position < this.headEnd) {
				if (inWindow(block) != null || !stream(block)) {
					return false;
				}
				advance();
				return true;
			}
			advance();
		}
		return false;
	}

	private BlockRead pin(Block block, Urgency urgency) {
		NativeMemory memory = (this.region != null) ? this.region.part(this.regionOffsets[block.index()], block.bytes())
				: NativeMemory.allocate(block.bytes());
		BlockRead load = new BlockRead(block, memory.segment(), 0, Fence.DONE);
		this.pinnedMemory[block.index()] = memory;
		this.pinnedLoads[block.index()] = load;
		this.unread--;
		this.queue.add(load, urgency);
		return load;
	}

	private boolean stream(Block block) {
		long offset = this.ring.allocate(block.bytes());
		if (offset < 0) {
			return false;
		}
		BlockRead load = new BlockRead(block, ringBuffer().memory(), offset, this.ring.lastUse().fence());
		this.window.addLast(load);
		this.queue.add(load, Urgency.AHEAD);
		return true;
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
		if (this.position == this.order.length) {
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
		this.queue.close();
		this.experts.close();
		this.pinnedBuffers.values().forEach(Buffer::close);
		for (NativeMemory memory : this.pinnedMemory) {
			if (memory != null) {
				memory.close();
			}
		}
		closeRegion();
		closeRing();
	}

}
