package io.github.flashspring.engine.residency;

import io.github.flashspring.engine.reading.BlockRead;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;

import io.github.flashspring.engine.device.Buffer;
import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.device.Fence;
import io.github.flashspring.engine.memory.NativeMemory;
import io.github.flashspring.engine.weights.Block;
import org.jspecify.annotations.Nullable;

/**
 * A ring of memory through which blocks are streamed, in the order of use. Not safe for
 * use by several threads.
 */
final class StreamWindow implements AutoCloseable {

	private final NativeMemory memory;

	private final Buffer buffer;

	private final SlabRing ring;

	/** The oldest first. */
	private final Deque<BlockRead> reads = new ArrayDeque<>();

	/** Behind the work that last used any of the memory. */
	private Fence lastUse = Fence.DONE;

	StreamWindow(long bytes, Device device) {
		this.memory = NativeMemory.allocate(bytes);
		this.buffer = device.wrap(this.memory.segment());
		this.ring = new SlabRing(bytes);
	}

	/**
	 * {@return the whole ring as a device sees it}
	 */
	Buffer buffer() {
		return this.buffer;
	}

	/**
	 * {@return a block in the window or on its way into it, or null}
	 */
	@Nullable BlockRead get(Block block) {
		for (BlockRead read : this.reads) {
			if (read.block().index() == block.index() && !read.dropped()) {
				return read;
			}
		}
		return null;
	}

	/**
	 * {@return a block that is to be read behind the newest, or null if there is no room}
	 */
	@Nullable BlockRead begin(Block block) {
		long offset = this.ring.allocate(block.bytes());
		if (offset < 0) {
			return null;
		}
		BlockRead read = new BlockRead(block, this.memory.segment(), offset, this.lastUse);
		this.reads.addLast(read);
		return read;
	}

	/**
	 * {@return unused blocks of other weight groups before one: passes skipped them}
	 */
	List<BlockRead> skippedBefore(BlockRead next) {
		return this.reads.stream()
			.takeWhile((read) -> read != next)
			.filter((read) -> isUnused(read) && read.block().group() != next.block().group())
			.toList();
	}

	/**
	 * {@return blocks that nobody holds}
	 */
	List<BlockRead> unused() {
		return this.reads.stream().filter(StreamWindow::isUnused).toList();
	}

	private static boolean isUnused(BlockRead read) {
		return !read.held() && !read.dropped();
	}

	/** Work until a fence uses the memory of a block. */
	void usedUntil(Fence fence) {
		this.lastUse = (fence != Fence.DONE) ? fence : this.lastUse;
	}

	/** Takes the memory back of dropped blocks at both ends. */
	void reclaim() {
		while (!this.reads.isEmpty() && isFree(this.reads.getFirst())) {
			this.reads.removeFirst();
			this.ring.free();
		}
		while (!this.reads.isEmpty() && isFree(this.reads.getLast())) {
			this.reads.removeLast();
			this.ring.freeNewest();
		}
	}

	private static boolean isFree(BlockRead read) {
		return read.dropped() && !read.underWay();
	}

	/**
	 * {@return whether memory becomes free without anybody's doing}
	 */
	boolean underWay() {
		return this.reads.stream().anyMatch(BlockRead::underWay);
	}

	/**
	 * {@return bytes in memory before they are needed}
	 */
	long prefetchedBytes() {
		return this.reads.stream()
			.filter((read) -> isUnused(read) && read.ready())
			.mapToLong((read) -> read.block().bytes())
			.sum();
	}

	@Override
	public void close() {
		this.lastUse.await();
		this.buffer.close();
		this.memory.close();
	}

}
