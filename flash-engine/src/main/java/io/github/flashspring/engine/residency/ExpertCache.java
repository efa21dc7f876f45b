package io.github.flashspring.engine.residency;

import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

import io.github.flashspring.engine.memory.NativeMemory;
import io.github.flashspring.engine.weights.Block;
import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.device.Fence;
import io.github.flashspring.engine.device.SharedBuffer;
import io.github.flashspring.engine.device.SharedRegion;
import org.jspecify.annotations.Nullable;

/**
 * Experts in memory, block by block, up to a number of bytes. Who comes in pushes out
 * what is worth least, of whichever layer, but never what is held, being read, or needed
 * by the layer that computes. Belongs to the lock of the {@link ReadQueue}; memory is
 * given out and taken back by the thread that computes alone.
 */
final class ExpertCache implements AutoCloseable {

	/** Slots of a size whose memory is reserved together. */
	private static final int SHELF = 16;

	private final Device device;

	private final ExpertRanking ranking;

	private final @Nullable CachedRead[] byBlock;

	private final List<CachedRead> all = new ArrayList<>();

	/** Memory that nobody uses, by its size. */
	private final Map<Long, Deque<Slot>> free = new HashMap<>();

	private long capacity;

	/** Memory of all slots, used or free. */
	private long allocated;

	/** Hears of what leaves. */
	private final Leaving leaving;

	/** The memory from which the next slots are taken, by their size. */
	private final Map<Long, Shelf> shelves = new HashMap<>();

	/**
	 * An empty cache.
	 * @param device allocates memory
	 * @param blocks number of blocks of the model
	 * @param ranking says what is worth most
	 * @param leaving hears of what leaves
	 */
	ExpertCache(Device device, int blocks, ExpertRanking ranking, Leaving leaving) {
		this.device = device;
		this.byBlock = new CachedRead[blocks];
		this.ranking = ranking;
		this.leaving = leaving;
	}

	/**
	 * Changes the size. Nothing may be held or being read.
	 * @param bytes most memory
	 */
	void resize(long bytes) {
		for (CachedRead load : List.copyOf(this.all)) {
			load.wanted = false;
			load.expected = false;
			if (!load.ready()) {
				remove(load);
			}
		}
		this.capacity = bytes;
		while (this.allocated > bytes && (closeFree() || evict(Double.POSITIVE_INFINITY, (load) -> true))) {
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
		return this.byBlock[block.index()];
	}

	List<CachedRead> all() {
		return this.all;
	}

	/**
	 * Takes a block in.
	 * @param block a block that is not here
	 * @param worth what it is worth: only what is worth less leaves for it
	 * @param yielding what may leave, besides what nobody uses
	 * @return the block, to be read, or null if there is no room for it
	 */
	@Nullable CachedRead admit(Block block, double worth, Predicate<CachedRead> yielding) {
		Slot slot = slot(block.bytes(), worth, yielding);
		if (slot == null) {
			return null;
		}
		CachedRead load = new CachedRead(block, slot);
		load.place = this.all.size();
		this.all.add(load);
		this.byBlock[block.index()] = load;
		return load;
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
		if (shelf == null || shelf.slots == SHELF) {
			SharedRegion region = this.device.reserveShared(SHELF * NativeMemory.aligned(bytes));
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
		for (CachedRead load : this.all) {
			if (!load.held && load.pending == 0 && yielding.test(load)) {
				double found = (load.failure != null) ? -1 : this.ranking.worth(load.block().unit());
				if (found < leastWorth) {
					least = load;
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
	 * Lets a block go. It is not held, and no read of it is under way.
	 * @param load the block
	 */
	void remove(CachedRead load) {
		this.leaving.left(load);
		CachedRead last = this.all.removeLast();
		if (last != load) {
			this.all.set(load.place, last);
			last.place = load.place;
		}
		this.byBlock[load.block().index()] = null;
		load.dropped = true;
		this.free.computeIfAbsent(load.slot().bytes(), (key) -> new ArrayDeque<>()).addLast(load.slot());
	}

	@Override
	public void close() {
		this.all.forEach((load) -> load.slot().close());
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
	interface Leaving {

		/**
		 * A block leaves.
		 * @param load the block
		 */
		void left(CachedRead load);

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
