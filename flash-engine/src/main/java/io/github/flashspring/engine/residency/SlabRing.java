package io.github.flashspring.engine.residency;

import java.util.ArrayDeque;
import java.util.Deque;

/**
 * Hands out contiguous ranges of a ring of memory and takes them back in the order in
 * which it gave them: streamed blocks are used in the order in which it is read.
 */
final class SlabRing {

	private final long capacity;

	private final Deque<Slab> slabs = new ArrayDeque<>();

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
	 * @return offset of the range, or -1 while it is full
	 */
	long allocate(long bytes) {
		long start = place(bytes);
		if (start >= 0) {
			this.slabs.addLast(new Slab(start, bytes));
		}
		return start;
	}

	private long place(long bytes) {
		if (this.slabs.isEmpty()) {
			return (bytes <= this.capacity) ? 0 : -1;
		}
		long oldest = this.slabs.getFirst().start();
		Slab newest = this.slabs.getLast();
		long end = newest.start() + newest.bytes();
		if (newest.start() < oldest) { // wrapped: what is free lies between
			return (end + bytes <= oldest) ? end : -1;
		}
		if (end + bytes <= this.capacity) {
			return end;
		}
		return (bytes <= oldest) ? 0 : -1;
	}

	/**
	 * Gives the oldest range back.
	 */
	void free() {
		this.slabs.removeFirst();
	}

	/**
	 * Gives the newest range back.
	 */
	void freeNewest() {
		this.slabs.removeLast();
	}

	/**
	 * Memory in use.
	 * @return bytes
	 */
	long used() {
		return this.slabs.stream().mapToLong(Slab::bytes).sum();
	}

	/**
	 * A range.
	 *
	 * @param start offset
	 * @param bytes length, above 0
	 */
	private record Slab(long start, long bytes) {

	}

}
