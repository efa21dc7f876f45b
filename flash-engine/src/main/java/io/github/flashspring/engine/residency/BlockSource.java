package io.github.flashspring.engine.residency;

import io.github.flashspring.engine.reading.BlockRead;
import java.util.List;

import io.github.flashspring.engine.device.Buffer;
import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.device.Fence;
import io.github.flashspring.engine.weights.Block;
import org.jspecify.annotations.Nullable;

/** Brings blocks into memory. */
interface BlockSource {

	/**
	 * Waits for a block.
	 * @param block the block
	 * @return the block in memory, held until it is released
	 * @throws io.github.flashspring.engine.checkpoint.CheckpointException if it cannot be
	 * read
	 * @throws IllegalStateException if this is closed
	 */
	BlockRead acquire(Block block);

	/**
	 * One of some blocks, if any is in memory.
	 * @param wanted blocks in the order of use
	 * @return a block in memory, held until it is released; null if there is none
	 */
	default @Nullable BlockRead poll(List<Block> wanted) {
		return null;
	}

	/**
	 * Waits for one of some blocks.
	 * @param wanted blocks in the order of use, at least one
	 * @return the one that is in memory first, held until it is released
	 * @throws io.github.flashspring.engine.checkpoint.CheckpointException if the first
	 * one cannot be read
	 * @throws IllegalStateException if this is closed
	 */
	default BlockRead take(List<Block> wanted) {
		return acquire(wanted.getFirst());
	}

	/**
	 * Gives a block back.
	 * @param read what was acquired
	 * @param fence behind the work that uses it
	 */
	void release(BlockRead read, Fence fence);

	/**
	 * {@return whether a block stays where it is without being held, once it is there}
	 */
	boolean pins(Block block);

	/**
	 * A pinned block, if it is in memory already.
	 * @param block the block
	 * @return null if it must be read, or may be evicted
	 */
	default @Nullable BlockRead present(Block block) {
		return null;
	}

	/**
	 * The memory that holds a block.
	 * @param read what was acquired
	 * @param device sees it
	 * @return a buffer, in which the block lies at its offset
	 */
	Buffer buffer(BlockRead read, Device device);

}
