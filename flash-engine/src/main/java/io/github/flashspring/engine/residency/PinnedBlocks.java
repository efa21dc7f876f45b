package io.github.flashspring.engine.residency;

import io.github.flashspring.engine.reading.BlockRead;
import java.util.ArrayList;
import java.util.List;

import io.github.flashspring.engine.device.Buffer;
import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.device.Fence;
import io.github.flashspring.engine.memory.NativeMemory;
import io.github.flashspring.engine.weights.Block;
import org.jspecify.annotations.Nullable;

/**
 * Blocks that stay in memory of their own once they were read. All memory is mapped when
 * this is made: pages that were never touched take none. Not safe for use by several
 * threads.
 */
final class PinnedBlocks {

	private final boolean[] pinned;

	private final @Nullable NativeMemory[] memory;

	private final @Nullable BlockRead[] reads;

	private final @Nullable Buffer[] buffers;

	/** Memory of the blocks that are not in memory yet, with huge pages across them. */
	private final NativeMemory.@Nullable Region region;

	/** Pinned blocks that are neither in memory nor being read. */
	private int unread;

	private PinnedBlocks(boolean[] pinned, List<Block> order, PinnedBlocks before) {
		this.pinned = pinned.clone();
		this.memory = new NativeMemory[pinned.length];
		this.reads = new BlockRead[pinned.length];
		this.buffers = new Buffer[pinned.length];
		List<Block> missing = new ArrayList<>();
		for (Block block : order) {
			int index = block.index();
			if (pinned[index] && before.keeps(block)) {
				this.memory[index] = before.memory[index];
				this.reads[index] = before.reads[index];
				this.buffers[index] = before.buffers[index];
			}
			else if (pinned[index]) {
				missing.add(block);
			}
		}
		this.unread = missing.size();
		long bytes = missing.stream().mapToLong((block) -> NativeMemory.aligned(block.bytes())).sum();
		this.region = (bytes > 0) ? NativeMemory.reserve(bytes) : null;
		long offset = 0;
		for (Block block : missing) {
			this.memory[block.index()] = (this.region != null) ? this.region.part(offset, block.bytes())
					: NativeMemory.allocate(block.bytes());
			offset += NativeMemory.aligned(block.bytes());
		}
	}

	private PinnedBlocks(int blocks) {
		this.pinned = new boolean[blocks];
		this.memory = new NativeMemory[blocks];
		this.reads = new BlockRead[blocks];
		this.buffers = new Buffer[blocks];
		this.region = null;
	}

	/**
	 * Pins nothing.
	 * @param blocks number of blocks of the model
	 */
	static PinnedBlocks none(int blocks) {
		return new PinnedBlocks(blocks);
	}

	/**
	 * Pins other blocks; those that are pinned and in memory now stay there.
	 * @param next which blocks to pin
	 * @param order the blocks that can be pinned
	 * @return the next state; then {@link #close} this one
	 */
	PinnedBlocks with(boolean[] next, List<Block> order) {
		return new PinnedBlocks(next, order, this);
	}

	private boolean keeps(Block block) {
		BlockRead read = this.reads[block.index()];
		return read != null && read.ready();
	}

	boolean contains(Block block) {
		return this.pinned[block.index()];
	}

	/**
	 * {@return whether all are in memory or being read}
	 */
	boolean complete() {
		return this.unread == 0;
	}

	/**
	 * {@return a pinned block in memory or on its way, or null}
	 */
	@Nullable BlockRead get(Block block) {
		return this.reads[block.index()];
	}

	/**
	 * {@return a pinned block, to be read}
	 */
	BlockRead begin(Block block) {
		NativeMemory target = this.memory[block.index()];
		if (target == null) {
			throw new IllegalStateException("Block " + block.index() + " is not pinned");
		}
		BlockRead read = new BlockRead(block, target.segment(), 0, Fence.DONE);
		this.reads[block.index()] = read;
		this.unread--;
		return read;
	}

	/** A block that could not be read is to be read again. */
	void forget(BlockRead read) {
		int index = read.block().index();
		if (this.reads[index] == read) {
			this.reads[index] = null;
			this.unread++;
		}
	}

	/** All blocks that could not be read are to be read again. */
	void forgetFailed() {
		for (BlockRead read : this.reads) {
			if (read != null && read.failed() && !read.underWay()) {
				forget(read);
			}
		}
	}

	/**
	 * {@return a block as a device sees it; asked by the thread that computes alone}
	 */
	Buffer buffer(BlockRead read, Device device) {
		int index = read.block().index();
		Buffer buffer = this.buffers[index];
		if (buffer == null) {
			buffer = device.wrap(read.memory());
			this.buffers[index] = buffer;
		}
		return buffer;
	}

	/**
	 * Frees what another state does not share with this one.
	 * @param next the state that took over, or null
	 */
	void close(@Nullable PinnedBlocks next) {
		for (int i = 0; i < this.memory.length; i++) {
			NativeMemory closed = this.memory[i];
			if (closed != null && (next == null || next.memory[i] != closed)) {
				Buffer buffer = this.buffers[i];
				if (buffer != null) {
					buffer.close();
				}
				closed.close();
			}
		}
		if (this.region != null) {
			this.region.close();
		}
	}

}
