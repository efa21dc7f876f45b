package io.github.flashspring.engine.residency;

import io.github.flashspring.engine.reading.BlockRead;
import io.github.flashspring.engine.reading.BlockReader;
import io.github.flashspring.engine.reading.PacingGate;
import io.github.flashspring.engine.reading.ReadQueue;
import io.github.flashspring.engine.reading.ReadSource;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.github.flashspring.engine.device.Buffer;
import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.device.Fence;
import io.github.flashspring.engine.device.SharedBuffer;
import io.github.flashspring.engine.reading.ReadRange.Urgency;
import io.github.flashspring.engine.weights.Block;
import io.github.flashspring.engine.weights.WeightGroup.Kind;
import org.jspecify.annotations.Nullable;

/**
 * The blocks that every pass needs, in the cyclic order of use: pinned ones, read the
 * first time that they come by, and streamed ones, read as soon as the window has room.
 * Asked by the thread that computes, and by readers for more.
 * <p>
 * The lock guards which block is where; nobody maps, unmaps or waits while holding it. It
 * may be held when that of the {@link ReadQueue} is taken, never the other way round.
 */
final class PassBlocks implements ReadSource, AutoCloseable {

	/** In the order of use, those of the embedding last. */
	private final List<Block> blocks;

	private final ReadQueue queue;

	private final ReentrantLock lock = new ReentrantLock();

	@GuardedBy("lock")
	private final PassOrder order;

	@GuardedBy("lock")
	private PinnedBlocks pinned;

	@GuardedBy("lock")
	private StreamWindow window;

	/** Whether any block is streamed. */
	@GuardedBy("lock")
	private boolean streams;

	/**
	 * Starts readers; they wait until the queue is resumed.
	 * @param all all blocks of the model
	 * @param reader reads
	 * @param gate paces them
	 * @param settings how to read
	 * @param device computes with the blocks
	 */
	PassBlocks(List<Block> all, BlockReader reader, PacingGate gate, BlockReader.Settings settings, Device device) {
		this.blocks = all.stream().filter((block) -> !block.onDemand()).toList();
		this.order = new PassOrder(this.blocks);
		this.pinned = PinnedBlocks.none(all.size());
		this.window = new StreamWindow(0, device);
		this.queue = new ReadQueue(reader, gate, settings, this);
	}

	ReadQueue queue() {
		return this.queue;
	}

	/**
	 * Divides the memory anew, while the queue is paused and nothing is held.
	 * @param pins which blocks to pin; those that are in memory stay there
	 * @param nextWindow for the others
	 */
	void plan(boolean[] pins, StreamWindow nextWindow) {
		PinnedBlocks before = pinned();
		PinnedBlocks next = before.with(pins, this.blocks);
		StreamWindow windowBefore = replace(next, nextWindow);
		before.close(next);
		windowBefore.close();
	}

	private PinnedBlocks pinned() {
		this.lock.lock();
		try {
			return this.pinned;
		}
		finally {
			this.lock.unlock();
		}
	}

	/**
	 * {@return the window before}
	 */
	private StreamWindow replace(PinnedBlocks nextPinned, StreamWindow nextWindow) {
		this.lock.lock();
		try {
			StreamWindow before = this.window;
			this.pinned = nextPinned;
			this.window = nextWindow;
			this.order.restart();
			this.streams = false;
			for (Block block : this.blocks) {
				this.streams |= !nextPinned.contains(block) && block.kind() != Kind.EMBEDDING;
			}
			return before;
		}
		finally {
			this.lock.unlock();
		}
	}

	/**
	 * Begins a pass.
	 * @param rounds how often it goes through the head
	 */
	void beginPass(int rounds) {
		this.lock.lock();
		try {
			this.order.headRounds(rounds);
			this.pinned.forgetFailed();
		}
		finally {
			this.lock.unlock();
		}
		this.queue.signal();
	}

	/**
	 * {@return the first of some blocks that is in memory, or null}
	 */
	@Nullable BlockRead ready(List<Block> wanted) {
		this.lock.lock();
		try {
			for (Block block : wanted) {
				BlockRead read = get(block);
				if (read != null && read.ready()) {
					return read;
				}
			}
			return null;
		}
		finally {
			this.lock.unlock();
		}
	}

	@GuardedBy("lock")
	private @Nullable BlockRead get(Block block) {
		return this.pinned.contains(block) ? this.pinned.get(block) : this.window.get(block);
	}

	/**
	 * {@return a block that is pinned or in the window; null if the window goes there}
	 */
	@Nullable BlockRead begin(Block block) {
		this.lock.lock();
		try {
			BlockRead read = get(block);
			if (this.pinned.contains(block)) {
				return (read != null) ? read : pin(block, Urgency.NOW);
			}
			// What was prefetched for blocks before is wasted; without this block,
			// compute
			// has jumped.
			for (BlockRead other : (read != null) ? this.window.skippedBefore(read) : this.window.unused()) {
				drop(other);
			}
			if (read == null) {
				this.order.jumpTo(block);
			}
			return read;
		}
		finally {
			this.lock.unlock();
		}
	}

	/**
	 * {@return a block that is streamed next; null while the window has no room for it}
	 */
	@Nullable BlockRead beginStreamed(Block block) {
		this.lock.lock();
		try {
			boolean underWay = this.window.underWay();
			this.window.reclaim();
			scheduleNext();
			BlockRead read = this.window.get(block);
			if (read == null && !underWay) {
				throw new IllegalStateException("The window for weights is too small for " + block.bytes() + " bytes");
			}
			return read;
		}
		finally {
			this.lock.unlock();
		}
	}

	/**
	 * Compute has used a block until a fence.
	 * @param read what was held
	 * @param fence behind the work
	 */
	void release(BlockRead read, Fence fence) {
		this.lock.lock();
		try {
			read.hold(false);
			if (!this.pinned.contains(read.block())) {
				this.window.usedUntil(read, fence);
				drop(read);
			}
			else if (!read.failed()) {
				return;
			}
			else {
				this.pinned.forget(read);
			}
		}
		finally {
			this.lock.unlock();
		}
		this.queue.signal();
	}

	@GuardedBy("lock")
	private void drop(BlockRead read) {
		read.drop();
		if (read.underWay()) {
			this.queue.change((schedule) -> schedule.cancel(read));
		}
		this.window.reclaim();
	}

	@Override
	public void ended(BlockRead read) {
		if (!read.dropped() || read instanceof CachedRead) {
			return;
		}
		this.lock.lock();
		try {
			this.window.reclaim();
		}
		finally {
			this.lock.unlock();
		}
		this.queue.signal();
	}

	@Override
	public void more() {
		this.lock.lock();
		try {
			scheduleNext();
		}
		finally {
			this.lock.unlock();
		}
	}

	/** Schedules the next block that is not in memory, if there is memory for it. */
	@GuardedBy("lock")
	private void scheduleNext() {
		if (this.pinned.complete() && !this.streams) {
			return;
		}
		for (int scanned = 0; scanned <= this.blocks.size(); scanned++) {
			Block block = this.order.current();
			boolean pins = this.pinned.contains(block);
			if (pins ? this.pinned.get(block) == null : block.kind() != Kind.EMBEDDING) {
				if (pins) {
					pin(block, Urgency.AHEAD);
				}
				else if (this.window.get(block) != null || !stream(block)) {
					return;
				}
				this.order.advance();
				return;
			}
			this.order.advance();
		}
	}

	@GuardedBy("lock")
	private BlockRead pin(Block block, Urgency urgency) {
		BlockRead read = this.pinned.begin(block);
		this.queue.change((schedule) -> schedule.add(read, urgency));
		return read;
	}

	@GuardedBy("lock")
	private boolean stream(Block block) {
		BlockRead read = this.window.begin(block);
		if (read != null) {
			this.queue.change((schedule) -> schedule.add(read, Urgency.AHEAD));
		}
		return read != null;
	}

	boolean pins(Block block) {
		this.lock.lock();
		try {
			return this.pinned.contains(block);
		}
		finally {
			this.lock.unlock();
		}
	}

	/**
	 * {@return the memory that holds a block as a device sees it}
	 */
	Buffer buffer(BlockRead read, Device device) {
		PinnedBlocks pinned;
		SharedBuffer ring;
		this.lock.lock();
		try {
			pinned = this.pinned;
			ring = this.window.buffer();
		}
		finally {
			this.lock.unlock();
		}
		if (pinned.contains(read.block())) {
			return pinned.buffer(read, device);
		}
		read.written(device, ring);
		return ring;
	}

	/**
	 * {@return bytes in memory before they are needed}
	 */
	long prefetchedBytes() {
		this.lock.lock();
		try {
			return this.window.prefetchedBytes();
		}
		finally {
			this.lock.unlock();
		}
	}

	/** Frees all memory, when no reader reads. */
	@Override
	public void close() {
		StreamWindow last;
		this.lock.lock();
		try {
			last = this.window;
		}
		finally {
			this.lock.unlock();
		}
		last.close();
		pinned().close(null);
	}

}
