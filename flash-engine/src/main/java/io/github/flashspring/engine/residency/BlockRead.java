package io.github.flashspring.engine.residency;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

import io.github.flashspring.engine.weights.Block;
import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.device.Fence;
import io.github.flashspring.engine.device.SharedBuffer;
import org.jspecify.annotations.Nullable;

/**
 * A block on its way into memory, or there. All but the constants belongs to the lock of
 * the {@link ReadQueue}.
 */
sealed class BlockRead permits CachedRead {

	private final Block block;

	private final MemorySegment base;

	private final MemorySegment memory;

	/** Where the block lies in the buffer that holds it. */
	private final long offset;

	/** Behind the work that last used the memory. */
	private final Fence before;

	/** Extents whose reads have not ended. */
	int pending;

	/** What was not read, to be tried again by whoever needs it. */
	final List<Block.Extent> failed = new ArrayList<>();

	@Nullable RuntimeException failure;

	/** Whether somebody computes with it. */
	boolean held;

	/** Whether nobody will ask for it any more. */
	boolean dropped;

	/** Behind the work that uses it; none before it is released. */
	SlabRing.Use lastUse = SlabRing.Use.NONE;

	/** Whether the device knows what was read; belongs to the thread that computes. */
	private boolean written;

	/**
	 * Begins.
	 * @param block what is read
	 * @param base memory that holds it, perhaps among others
	 * @param offset where in that memory
	 * @param before behind the work that last used the memory
	 */
	BlockRead(Block block, MemorySegment base, long offset, Fence before) {
		this.block = block;
		this.base = base;
		this.memory = base.asSlice(offset, block.bytes());
		this.offset = offset;
		this.before = before;
		this.pending = block.extents().size();
	}

	Block block() {
		return this.block;
	}

	MemorySegment base() {
		return this.base;
	}

	MemorySegment memory() {
		return this.memory;
	}

	long offset() {
		return this.offset;
	}

	Fence before() {
		return this.before;
	}

	/** Lets the device see what was read into its memory. */
	void written(Device device, SharedBuffer buffer) {
		if (!this.written) {
			this.written = true;
			device.written(buffer, this.offset, this.block.bytes());
		}
	}

	boolean ready() {
		return this.pending == 0 && this.failure == null;
	}

}
