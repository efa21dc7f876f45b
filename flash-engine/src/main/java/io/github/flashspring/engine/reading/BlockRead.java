package io.github.flashspring.engine.reading;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;

import io.github.flashspring.engine.weights.Block;
import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.device.Fence;
import io.github.flashspring.engine.device.SharedBuffer;
import org.jspecify.annotations.Nullable;

/**
 * A block on its way into memory, or there. How far it is can be asked by any thread, and
 * is changed by the {@link ReadQueue} alone; what the block is used for belongs to the
 * thread that computes.
 */
public class BlockRead {

	private final Block block;

	private final MemorySegment base;

	private final MemorySegment memory;

	private final long offset;

	private final Fence before;

	private final AtomicReference<Progress> progress;

	/** Whether the thread that computes uses it. */
	private volatile boolean held;

	/** Whether the thread that computes waits for it. */
	private volatile boolean awaited;

	/** Whether nobody will ask for it any more. */
	private volatile boolean dropped;

	/** Whether the device knows what was read. */
	private boolean written;

	/**
	 * Begins.
	 * @param block what is read
	 * @param base memory that holds it, optionally among others
	 * @param offset where in that memory
	 * @param before behind the work that last used the memory
	 */
	public BlockRead(Block block, MemorySegment base, long offset, Fence before) {
		this.block = block;
		this.base = base;
		this.memory = base.asSlice(offset, block.bytes());
		this.offset = offset;
		this.before = before;
		this.progress = new AtomicReference<>(new Progress(block.extents().size(), List.of(), null));
	}

	public Block block() {
		return this.block;
	}

	/**
	 * {@return memory that holds the block, optionally among others}
	 */
	public MemorySegment base() {
		return this.base;
	}

	/**
	 * {@return memory of this block alone}
	 */
	public MemorySegment memory() {
		return this.memory;
	}

	/**
	 * {@return where the block begins in {@link #base}}
	 */
	public long offset() {
		return this.offset;
	}

	/**
	 * {@return a fence behind the work that last used the memory}
	 */
	public Fence before() {
		return this.before;
	}

	public boolean held() {
		return this.held;
	}

	public void hold(boolean now) {
		this.held = now;
	}

	boolean awaited() {
		return this.awaited;
	}

	void await(boolean now) {
		this.awaited = now;
	}

	public boolean dropped() {
		return this.dropped;
	}

	public void drop() {
		this.dropped = true;
	}

	/**
	 * Lets a device see what was read, unless it was told so before.
	 * @param device computes with the block
	 * @param buffer the whole of {@link #base}
	 */
	public void written(Device device, SharedBuffer buffer) {
		if (!this.written) {
			this.written = true;
			device.written(buffer, this.offset, this.block.bytes());
		}
	}

	/**
	 * {@return whether the whole block is in memory}
	 */
	public boolean ready() {
		Progress now = progress();
		return now.pending() == 0 && now.failure() == null;
	}

	/**
	 * {@return whether some of its ranges are queued or being read}
	 */
	public boolean underWay() {
		return progress().pending() > 0;
	}

	/**
	 * {@return whether a range could not be read, or was cancelled}
	 */
	public boolean failed() {
		return progress().failure() != null;
	}

	public Progress progress() {
		Progress now = this.progress.get();
		if (now == null) {
			throw new IllegalStateException("A read has no progress");
		}
		return now;
	}

	/**
	 * The block is read in so many ranges from now on.
	 * @param ranges how many
	 */
	public void begin(int ranges) {
		this.progress.set(new Progress(ranges, List.of(), null));
	}

	/**
	 * A read of a range ended.
	 * @param extent the range
	 * @param failure null if it is in memory
	 * @return whether it was the last one under way
	 */
	public boolean ended(Block.Extent extent, @Nullable RuntimeException failure) {
		return this.progress.updateAndGet((now) -> now.ended(extent, failure)).pending() == 0;
	}

	/**
	 * Some ranges will not be read.
	 * @param ranges the ranges
	 * @param reason fails the read if other ranges are under way; otherwise nobody may
	 * ask for the block any more
	 */
	void cancelled(List<Block.Extent> ranges, RuntimeException reason) {
		this.progress.updateAndGet((now) -> now.cancelled(ranges, reason));
	}

	/**
	 * What has failed is read once more.
	 * @return its ranges
	 */
	List<Block.Extent> retry() {
		List<Block.Extent> failed = progress().failed();
		begin(failed.size());
		return failed;
	}

	/**
	 * How far a read is.
	 *
	 * @param pending ranges that are queued or being read
	 * @param failed ranges that were not read, to be tried again by whoever needs them
	 * @param failure why the last of them was not; null if none failed
	 */
	public record Progress(int pending, List<Block.Extent> failed, @Nullable RuntimeException failure) {

		private Progress ended(Block.Extent extent, @Nullable RuntimeException reason) {
			return (reason == null) ? new Progress(this.pending - 1, this.failed, this.failure)
					: new Progress(this.pending - 1, and(List.of(extent)), reason);
		}

		private Progress cancelled(List<Block.Extent> ranges, RuntimeException reason) {
			int left = this.pending - ranges.size();
			return (left == 0) ? new Progress(0, this.failed, this.failure) : new Progress(left, and(ranges), reason);
		}

		private List<Block.Extent> and(List<Block.Extent> more) {
			return Stream.concat(this.failed.stream(), more.stream()).toList();
		}

	}

}
