package io.github.flashspring.engine.residency;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

import io.github.flashspring.engine.device.Fence;

/**
 * Hands out contiguous ranges of a ring of memory and takes them back in the order in
 * which it gave them: streamed blocks are used in the order in which they are read.
 */
final class SlabRing {

	private final long capacity;

	private final Deque<Slab> slabs = new ArrayDeque<>();

	/** Ranges that were given back, until others lie in their place. */
	private final List<Slab> free = new ArrayList<>();

	/**
	 * Makes a ring.
	 * @param capacity bytes
	 */
	SlabRing(long capacity) {
		this.capacity = capacity;
	}

	/**
	 * Takes a range behind the newest one, or at the beginning if the rest is too short.
	 * @param bytes length
	 * @return offset of the range, or -1 while there is no room
	 */
	long allocate(long bytes) {
		long start = place(bytes);
		if (start >= 0) {
			this.slabs.addLast(new Slab(start, bytes, takeUses(start, start + bytes)));
		}
		return start;
	}

	/** The last of the uses of memory that is taken again. */
	private Use takeUses(long from, long to) {
		Use last = Use.NONE;
		for (Slab slab : List.copyOf(this.free)) {
			long end = slab.start() + slab.bytes();
			if (slab.start() < to && from < end) {
				last = (slab.lastUse().number() > last.number()) ? slab.lastUse() : last;
				this.free.remove(slab);
				if (slab.start() < from) {
					this.free.add(new Slab(slab.start(), from - slab.start(), slab.lastUse()));
				}
				if (to < end) {
					this.free.add(new Slab(to, end - to, slab.lastUse()));
				}
			}
		}
		return last;
	}

	/**
	 * {@return the last use of the newest range before it was taken}
	 */
	Use lastUse() {
		return this.slabs.getLast().lastUse();
	}

	private long place(long bytes) {
		if (this.slabs.isEmpty()) {
			return (bytes <= this.capacity) ? 0 : -1;
		}
		long oldest = this.slabs.getFirst().start();
		Slab newest = this.slabs.getLast();
		long end = newest.start() + newest.bytes();
		if (newest.start() < oldest) { // wrapped: the room lies between
			return (end + bytes <= oldest) ? end : -1;
		}
		if (end + bytes <= this.capacity) {
			return end;
		}
		return (bytes <= oldest) ? 0 : -1;
	}

	/**
	 * Gives the oldest range back.
	 * @param use its last use; none if nothing was computed with it
	 */
	void free(Use use) {
		free(this.slabs.removeFirst(), use);
	}

	/**
	 * Gives the newest range back.
	 * @param use its last use; none if nothing was computed with it
	 */
	void freeNewest(Use use) {
		free(this.slabs.removeLast(), use);
	}

	/** Memory that was not used since it was taken may still be used as before. */
	private void free(Slab slab, Use use) {
		Use last = (use.number() > slab.lastUse().number()) ? use : slab.lastUse();
		if (last != Use.NONE) {
			this.free.add(new Slab(slab.start(), slab.bytes(), last));
		}
	}

	/**
	 * Memory in use.
	 * @return bytes
	 */
	long used() {
		return this.slabs.stream().mapToLong(Slab::bytes).sum();
	}

	/**
	 * The last use of memory.
	 *
	 * @param fence behind the work that uses it
	 * @param number higher for later fences, above 0
	 */
	record Use(Fence fence, long number) {

		static final Use NONE = new Use(Fence.DONE, 0);

	}

	/**
	 * A range.
	 *
	 * @param start offset
	 * @param bytes length, above 0
	 * @param lastUse before it was taken, or given back
	 */
	private record Slab(long start, long bytes, Use lastUse) {

	}

}
