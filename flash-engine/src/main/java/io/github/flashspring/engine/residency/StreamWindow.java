package io.github.flashspring.engine.residency;

import io.github.flashspring.engine.reading.BlockRead;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;

import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.device.Fence;
import io.github.flashspring.engine.device.SharedBuffer;
import io.github.flashspring.engine.weights.Block;
import org.jspecify.annotations.Nullable;

/**
 * A ring of memory through which blocks are streamed, in the order of use. Not safe for
 * use by several threads.
 */
final class StreamWindow implements AutoCloseable {

	private final SharedBuffer buffer;

	private final SlabRing ring;

	/** The oldest first. */
	private final Deque<StreamedRead> reads = new ArrayDeque<>();

	/** How often blocks were used. */
	private long uses;

	StreamWindow(long bytes, Device device) {
		this.buffer = device.allocateShared(bytes);
		this.ring = new SlabRing(bytes);
	}

	/**
	 * {@return the whole ring as a device sees it}
	 */
	SharedBuffer buffer() {
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
		StreamedRead read = new StreamedRead(block, this.buffer.memory(), offset, this.ring.lastUse().fence());
		this.reads.addLast(read);
		return read;
	}

	/**
	 * {@return unused blocks of other weight groups before one: passes skipped them}
	 */
	List<? extends BlockRead> skippedBefore(BlockRead next) {
		return this.reads.stream()
			.takeWhile((read) -> read != next)
			.filter((read) -> isUnused(read) && read.block().group() != next.block().group())
			.toList();
	}

	/**
	 * {@return blocks that nobody holds}
	 */
	List<? extends BlockRead> unused() {
		return this.reads.stream().filter(StreamWindow::isUnused).toList();
	}

	private static boolean isUnused(BlockRead read) {
		return !read.held() && !read.dropped();
	}

	/**
	 * Work until a fence uses a block.
	 * @param read a block of the window
	 * @param fence behind the work; {@link Fence#DONE} if there is none
	 */
	void usedUntil(BlockRead read, Fence fence) {
		if (fence != Fence.DONE) {
			((StreamedRead) read).lastUse = new SlabRing.Use(fence, ++this.uses);
		}
	}

	/** Takes the memory back of dropped blocks at both ends. */
	void reclaim() {
		while (!this.reads.isEmpty() && isFree(this.reads.getFirst())) {
			this.ring.free(this.reads.removeFirst().lastUse);
		}
		while (!this.reads.isEmpty() && isFree(this.reads.getLast())) {
			this.ring.freeNewest(this.reads.removeLast().lastUse);
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

	/** Frees the memory, between two passes. */
	@Override
	public void close() {
		this.buffer.close();
	}

	/** A block in the window. */
	private static final class StreamedRead extends BlockRead {

		/** None before it is released. */
		private SlabRing.Use lastUse = SlabRing.Use.NONE;

		StreamedRead(Block block, MemorySegment ring, long offset, Fence before) {
			super(block, ring, offset, before);
		}

	}

}
