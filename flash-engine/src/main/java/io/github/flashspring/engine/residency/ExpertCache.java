package io.github.flashspring.engine.residency;

import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.function.Predicate;

import io.github.flashspring.engine.memory.NativeMemory;
import io.github.flashspring.engine.weights.Block;
import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.device.Fence;
import io.github.flashspring.engine.device.SharedBuffer;
import io.github.flashspring.engine.device.SharedRegion;
import org.jspecify.annotations.Nullable;

/**
 * Experts in memory, block by block, up to a number of bytes. Inserting an expert evicts
 * the least valuable one, of whichever layer, but never what is held, being read, or
 * needed by the layer that computes. Changed by the thread that computes alone; other
 * threads may ask what is in memory.
 */
final class ExpertCache implements AutoCloseable {

	/** Slots of a size whose memory is reserved together. */
	private static final int SLOTS_OF_SHELF = 16;

	private final Device device;

	private final ExpertRanking ranking;

	private final AtomicReferenceArray<@Nullable CachedRead> byBlock;

	private final List<CachedRead> all = new ArrayList<>();

	/** Memory that nobody uses, by its size. */
	private final Map<Long, Deque<Slot>> free = new HashMap<>();

	private volatile long capacity;

	/** Memory of all slots, used or free. */
	private long allocated;

	/** Hears of what leaves. */
	private final Eviction eviction;

	/** The memory from which the next slots are taken, by their size. */
	private final Map<Long, Shelf> shelves = new HashMap<>();

	/**
	 * An empty cache.
	 * @param device allocates memory
	 * @param blocks number of blocks of the model
	 * @param ranking says what is worth most
	 * @param eviction hears of what leaves
	 */
	ExpertCache(Device device, int blocks, ExpertRanking ranking, Eviction eviction) {
		this.device = device;
		this.byBlock = new AtomicReferenceArray<>(blocks);
		this.ranking = ranking;
		this.eviction = eviction;
	}

	/**
	 * Changes the size. Nothing may be held or being read.
	 * @param bytes most memory
	 */
	void resize(long bytes) {
		for (CachedRead read : List.copyOf(this.all)) {
			read.wanted = false;
			if (!read.ready()) {
				remove(read);
			}
		}
		this.capacity = bytes;
		while (this.allocated > bytes && (closeFree() || evict(Double.POSITIVE_INFINITY, (read) -> true))) {
			// until it fits
		}
	}

	long capacity() {
		return this.capacity;
	}

	/**
	 * A block that is in memory, or on its way.
	 * @param block the block
	 * @return null if it must be read
	 */
	@Nullable CachedRead get(Block block) {
		return this.byBlock.get(block.index());
	}

	List<CachedRead> all() {
		return this.all;
	}

	/**
	 * Bytes that are in memory.
	 * @param blocks of some experts
	 */
	long readyBytes(List<Block> blocks) {
		long bytes = 0;
		for (Block block : blocks) {
			CachedRead read = get(block);
			bytes += (read != null && read.ready()) ? block.bytes() : 0;
		}
		return bytes;
	}

	/**
	 * {@return number of some blocks that were prefetched and not needed so far}
	 */
	int unproven(List<Block> blocks) {
		int count = 0;
		for (Block block : blocks) {
			CachedRead read = get(block);
			count += (read != null && read.unproven) ? 1 : 0;
		}
		return count;
	}

	/**
	 * {@return whether some blocks are all in memory}
	 */
	boolean contains(List<Block> blocks) {
		for (Block block : blocks) {
			CachedRead read = get(block);
			if (read == null || !read.ready()) {
				return false;
			}
		}
		return true;
	}

	/**
	 * Takes a block in.
	 * @param block a block that is not here
	 * @param worth only what is worth less is evicted for it
	 * @param yielding what may be evicted
	 * @return the block, to be read, or null if there is no memory for it
	 */
	@Nullable CachedRead admit(Block block, double worth, Predicate<CachedRead> yielding) {
		Slot slot = slot(block.bytes(), worth, yielding);
		if (slot == null) {
			return null;
		}
		CachedRead read = new CachedRead(block, slot);
		read.index = this.all.size();
		this.all.add(read);
		this.byBlock.set(block.index(), read);
		return read;
	}

	private @Nullable Slot slot(long bytes, double worth, Predicate<CachedRead> yielding) {
		if (bytes > this.capacity) {
			return null;
		}
		while (true) {
			Deque<Slot> same = this.free.get(bytes);
			if (same != null && !same.isEmpty()) {
				return same.removeLast();
			}
			if (this.allocated + bytes <= this.capacity) {
				this.allocated += bytes;
				return new Slot(allocate(bytes), bytes);
			}
			if (!closeFree() && !evict(worth, yielding)) {
				return null;
			}
		}
	}

	/** Takes memory that shares huge pages with that of the slots before. */
	private SharedBuffer allocate(long bytes) {
		if (bytes < NativeMemory.HUGE_PAGE) {
			return this.device.allocateShared(bytes);
		}
		Shelf shelf = this.shelves.get(bytes);
		if (shelf == null || shelf.slots == SLOTS_OF_SHELF) {
			SharedRegion region = this.device.reserveShared(SLOTS_OF_SHELF * NativeMemory.aligned(bytes));
			if (shelf != null) {
				shelf.region.close();
			}
			shelf = new Shelf(region);
			this.shelves.put(bytes, shelf);
		}
		shelf.slots++;
		return shelf.region.allocate(bytes);
	}

	/** Gives memory of another size back to the system. */
	private boolean closeFree() {
		for (Deque<Slot> slots : this.free.values()) {
			Slot slot = slots.pollFirst();
			if (slot != null) {
				this.allocated -= slot.bytes();
				slot.close();
				return true;
			}
		}
		return false;
	}

	private boolean evict(double worth, Predicate<CachedRead> yielding) {
		CachedRead least = null;
		double leastWorth = worth;
		for (CachedRead read : this.all) {
			if (!read.held() && !read.underWay() && yielding.test(read)) {
				double found = read.failed() ? -1 : this.ranking.worth(read.block().group());
				if (found < leastWorth) {
					least = read;
					leastWorth = found;
				}
			}
		}
		if (least != null) {
			remove(least);
		}
		return least != null;
	}

	/**
	 * Evicts a block. It is not held, and no read of it is under way.
	 * @param read the block
	 */
	void remove(CachedRead read) {
		this.eviction.evicted(read);
		CachedRead last = this.all.removeLast();
		if (last != read) {
			this.all.set(read.index, last);
			last.index = read.index;
		}
		this.byBlock.set(read.block().index(), null);
		read.drop();
		this.free.computeIfAbsent(read.slot().bytes(), (key) -> new ArrayDeque<>()).addLast(read.slot());
	}

	@Override
	public void close() {
		this.all.forEach((read) -> read.slot().close());
		this.all.clear();
		this.free.values().forEach((slots) -> slots.forEach(Slot::close));
		this.free.clear();
		this.shelves.values().forEach((shelf) -> shelf.region.close());
		this.shelves.clear();
		this.allocated = 0;
	}

	/** Memory of several slots of one size. */
	private static final class Shelf {

		private final SharedRegion region;

		private int slots;

		Shelf(SharedRegion region) {
			this.region = region;
		}

	}

	/** Hears of blocks that leave. */
	@FunctionalInterface
	interface Eviction {

		/**
		 * A block leaves.
		 * @param read the block
		 */
		void evicted(CachedRead read);

	}

	/** Memory of one block at a time. */
	static final class Slot implements AutoCloseable {

		private final SharedBuffer buffer;

		private final long bytes;

		/** Behind the work that last used it. */
		private Fence lastUse = Fence.DONE;

		Slot(SharedBuffer buffer, long bytes) {
			this.buffer = buffer;
			this.bytes = bytes;
		}

		MemorySegment memory() {
			return this.buffer.memory();
		}

		long bytes() {
			return this.bytes;
		}

		Fence lastUse() {
			return this.lastUse;
		}

		void usedUntil(Fence fence) {
			this.lastUse = fence;
		}

		SharedBuffer buffer() {
			return this.buffer;
		}

		@Override
		public void close() {
			this.lastUse.await();
			this.buffer.close();
		}

	}

}
