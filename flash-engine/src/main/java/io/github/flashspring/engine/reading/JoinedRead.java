package io.github.flashspring.engine.reading;

import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;

/**
 * Ranges of one file that are read as one, without a gap between them, wherever in memory
 * they go. Where one ends and the next begins in the same block of the file system, that
 * block is read once and copied.
 */
final class JoinedRead implements ReadTask {

	/** In the order of the file. */
	private final List<ReadRange> ranges;

	/** Bytes read for each of them, without those it shares with one before it. */
	private final long[] bytes;

	private final List<MemorySegment> targets = new ArrayList<>();

	private final List<Copy> copies = new ArrayList<>();

	private JoinedRead(List<ReadRange> ranges) {
		this.ranges = List.copyOf(ranges);
		this.bytes = new long[ranges.size()];
		ReadRange last = ranges.getFirst();
		this.targets.add(last.memory(last.from(), last.to()));
		this.bytes[0] = last.extent().length();
		for (int i = 1; i < this.bytes.length; i++) {
			ReadRange range = this.ranges.get(i);
			long known = Math.min(last.to(), range.to());
			if (known > range.from()) {
				this.copies.add(new Copy(last.memory(range.from(), known), range.memory(range.from(), known)));
			}
			this.bytes[i] = range.to() - known;
			if (this.bytes[i] > 0) {
				if (range.follows(last)) {
					// One target of both, where one goes on in memory as well.
					long length = this.targets.removeLast().byteSize();
					this.targets.add(range.read().base().asSlice(range.position() - length, length + this.bytes[i]));
				}
				else {
					this.targets.add(range.memory(known, range.to()));
				}
				last = range;
			}
		}
	}

	/**
	 * Takes the first range out of a queue, and its neighbours with it. Blocks that every
	 * pass needs are joined where they follow one another in memory too; blocks on demand
	 * lie apart, and those that are missing at once are neighbours by chance.
	 * @param queue what is to be read, not empty
	 * @param maxBytes longest read that is made of neighbours
	 * @param maxOnDemandBytes the same where blocks on demand are read
	 * @return what is read at once
	 */
	static JoinedRead take(Deque<ReadRange> queue, long maxBytes, long maxOnDemandBytes) {
		ReadRange first = queue.removeFirst();
		List<ReadRange> joined = new ArrayList<>(List.of(first));
		if (!first.alone()) {
			if (first.read().block().onDemand()) {
				addNeighbours(joined, queue, maxOnDemandBytes);
			}
			else {
				addFollowing(joined, queue, maxBytes);
			}
		}
		return new JoinedRead(joined);
	}

	private static void addFollowing(List<ReadRange> joined, Deque<ReadRange> queue, long max) {
		long length = joined.getFirst().extent().length();
		ReadRange next = queue.peekFirst();
		while (next != null && !next.alone() && next.follows(joined.getLast()) && !isOf(next, joined)
				&& length + next.extent().length() <= max) {
			joined.add(queue.removeFirst());
			length += next.extent().length();
			next = queue.peekFirst();
		}
	}

	private static void addNeighbours(List<ReadRange> joined, Deque<ReadRange> queue, long max) {
		long from = joined.getFirst().from();
		long to = joined.getFirst().to();
		int before;
		do {
			before = joined.size();
			for (Iterator<ReadRange> rest = queue.iterator(); rest.hasNext();) {
				ReadRange next = rest.next();
				if (next.from() <= to && next.to() >= from
						&& Math.max(to, next.to()) - Math.min(from, next.from()) <= max && !next.alone()
						&& next.read().block().onDemand() && !isOf(next, joined)
						&& next.file().equals(joined.getFirst().file())) {
					rest.remove();
					joined.add(next);
					from = Math.min(from, next.from());
					to = Math.max(to, next.to());
				}
			}
		}
		while (joined.size() > before);
		joined.sort(Comparator.comparingLong(ReadRange::from));
	}

	/** Whether it belongs to a block that is read here: blocks are cut on purpose. */
	private static boolean isOf(ReadRange range, List<ReadRange> joined) {
		return joined.stream().anyMatch((other) -> other.read() == range.read());
	}

	List<ReadRange> ranges() {
		return this.ranges;
	}

	Path file() {
		return this.ranges.getFirst().file();
	}

	/** First byte in the file. */
	long offset() {
		return this.ranges.getFirst().from();
	}

	/** Bytes that are read. */
	long length() {
		return this.targets.stream().mapToLong(MemorySegment::byteSize).sum();
	}

	/**
	 * Bytes that are read for a range.
	 * @param index of the range
	 */
	long bytes(int index) {
		return this.bytes[index];
	}

	/** Where the bytes go, in the order of the file. */
	List<MemorySegment> targets() {
		return this.targets;
	}

	/** Copies what ranges share, after the read. */
	void share() {
		this.copies.forEach((copy) -> copy.to().copyFrom(copy.from()));
	}

	/**
	 * A copy in memory.
	 *
	 * @param from what was read
	 * @param to where it is needed as well
	 */
	private record Copy(MemorySegment from, MemorySegment to) {

	}

}
