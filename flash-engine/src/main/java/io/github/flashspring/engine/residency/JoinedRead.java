package io.github.flashspring.engine.residency;

import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;

/**
 * Stretches of one file that are read as one, without a gap between them, wherever in
 * memory they go. Where one ends and the next begins in the same block of the file
 * system, that block is read once and copied.
 */
final class JoinedRead implements ReadQueue.Task {

	/** In the order of the file. */
	private final List<ReadRange> stretches;

	/** Bytes that are read for each of them: what it shares with one before it is not. */
	private final long[] bytes;

	private final List<MemorySegment> targets = new ArrayList<>();

	private final List<Copy> copies = new ArrayList<>();

	private JoinedRead(List<ReadRange> stretches) {
		this.stretches = List.copyOf(stretches);
		this.bytes = new long[stretches.size()];
		ReadRange last = stretches.getFirst();
		this.targets.add(last.memory(last.from(), last.to()));
		this.bytes[0] = last.extent().length();
		for (int i = 1; i < this.bytes.length; i++) {
			ReadRange stretch = this.stretches.get(i);
			long known = Math.min(last.to(), stretch.to());
			if (known > stretch.from()) {
				this.copies.add(new Copy(last.memory(stretch.from(), known), stretch.memory(stretch.from(), known)));
			}
			this.bytes[i] = stretch.to() - known;
			if (this.bytes[i] > 0) {
				if (stretch.follows(last)) {
					// One target of both, where one goes on in memory as well.
					long length = this.targets.removeLast().byteSize();
					this.targets
						.add(stretch.load().base().asSlice(stretch.position() - length, length + this.bytes[i]));
				}
				else {
					this.targets.add(stretch.memory(known, stretch.to()));
				}
				last = stretch;
			}
		}
	}

	/**
	 * Takes the first stretch out of a queue, and its neighbours with it. Blocks that
	 * every pass needs are joined where they follow one another in memory too; blocks on
	 * demand lie apart, and those that are missing at once are neighbours by chance.
	 * @param queue what is to be read, not empty
	 * @param mostBytes longest read that is made of neighbours
	 * @param mostOnDemand the same where blocks on demand are read
	 * @return what is read at once
	 */
	static JoinedRead take(Deque<ReadRange> queue, long mostBytes, long mostOnDemand) {
		ReadRange first = queue.removeFirst();
		List<ReadRange> joined = new ArrayList<>(List.of(first));
		if (!first.apart()) {
			if (first.load().block().onDemand()) {
				addNeighbours(joined, queue, mostOnDemand);
			}
			else {
				addFollowing(joined, queue, mostBytes);
			}
		}
		return new JoinedRead(joined);
	}

	private static void addFollowing(List<ReadRange> joined, Deque<ReadRange> queue, long most) {
		long length = joined.getFirst().extent().length();
		ReadRange next = queue.peekFirst();
		while (next != null && !next.apart() && next.follows(joined.getLast()) && !isOf(next, joined)
				&& length + next.extent().length() <= most) {
			joined.add(queue.removeFirst());
			length += next.extent().length();
			next = queue.peekFirst();
		}
	}

	private static void addNeighbours(List<ReadRange> joined, Deque<ReadRange> queue, long most) {
		long from = joined.getFirst().from();
		long to = joined.getFirst().to();
		int before;
		do {
			before = joined.size();
			for (Iterator<ReadRange> rest = queue.iterator(); rest.hasNext();) {
				ReadRange next = rest.next();
				if (next.from() <= to && next.to() >= from
						&& Math.max(to, next.to()) - Math.min(from, next.from()) <= most && !next.apart()
						&& next.load().block().onDemand() && !isOf(next, joined)
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
	private static boolean isOf(ReadRange stretch, List<ReadRange> joined) {
		return joined.stream().anyMatch((other) -> other.load() == stretch.load());
	}

	List<ReadRange> stretches() {
		return this.stretches;
	}

	Path file() {
		return this.stretches.getFirst().file();
	}

	/** First byte in the file. */
	long offset() {
		return this.stretches.getFirst().from();
	}

	/** Bytes that are read. */
	long length() {
		return this.targets.stream().mapToLong(MemorySegment::byteSize).sum();
	}

	/**
	 * Bytes that are read for a stretch.
	 * @param index its place
	 */
	long bytes(int index) {
		return this.bytes[index];
	}

	/** Where the bytes go, in the order of the file. */
	List<MemorySegment> targets() {
		return this.targets;
	}

	/** Copies what stretches share, after the read. */
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
