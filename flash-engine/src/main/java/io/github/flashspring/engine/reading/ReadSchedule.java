package io.github.flashspring.engine.reading;

import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToIntFunction;

import io.github.flashspring.engine.reading.ReadRange.Urgency;
import io.github.flashspring.engine.weights.Block;
import org.jspecify.annotations.Nullable;

/**
 * What is read next: rows, then what compute needs, what it will need, and what it may
 * need. Ranges that are neighbours in the file become one read. It reads nothing itself.
 * Not safe for use by several threads.
 */
public final class ReadSchedule {

	/**
	 * Longest range of a block on demand: the readers share a longer one, so that the
	 * first block is there early, while the disk has as much to do. Neighbours are joined
	 * up to that.
	 */
	static final long SHARED_BYTES = 1 << 20;

	private final long joinedBytes;

	private final ToIntFunction<Path> alignment;

	private final Deque<RowBatch.Task> rows = new ArrayDeque<>();

	private final Map<Urgency, Deque<ReadRange>> queues = new EnumMap<>(Urgency.class);

	private @Nullable RuntimeException closed;

	/**
	 * An empty schedule.
	 * @param joinedBytes longest read that is made of neighbours
	 * @param alignment what offsets and lengths of reads of a file are multiples of
	 */
	public ReadSchedule(long joinedBytes, ToIntFunction<Path> alignment) {
		this.joinedBytes = joinedBytes;
		this.alignment = alignment;
		for (Urgency urgency : Urgency.values()) {
			this.queues.put(urgency, new ArrayDeque<>());
		}
	}

	/** Schedules all ranges of a block behind those that are as urgent. */
	public void add(BlockRead read, Urgency urgency) {
		List<Block.Extent> ranges = new ArrayList<>();
		for (Block.Extent extent : read.block().extents()) {
			if (read.block().onDemand()) {
				share(extent, ranges);
			}
			else {
				ranges.add(extent);
			}
		}
		read.begin(ranges.size());
		ranges.forEach((range) -> queue(urgency).addLast(new ReadRange(read, range, urgency)));
	}

	/** Cuts an extent so that several readers share it. */
	private void share(Block.Extent extent, List<Block.Extent> parts) {
		long alignment = this.alignment.applyAsInt(extent.file());
		long count = Math.ceilDiv(extent.length(), SHARED_BYTES);
		long length = Math.ceilDiv(Math.ceilDiv(extent.length(), count), alignment) * alignment;
		for (long from = 0; from < extent.length(); from += length) {
			parts.add(new Block.Extent(extent.file(), extent.offset() + from, Math.min(length, extent.length() - from),
					extent.position() + from));
		}
	}

	/** Schedules rows, which fail at once after {@link #close}. */
	public void addRows(RowBatch batch) {
		if (this.closed != null) {
			batch.tasks().forEach((row) -> batch.ended(this.closed));
		}
		else {
			this.rows.addAll(batch.tasks());
		}
	}

	/** Fails all rows from now on. */
	void close(RuntimeException reason) {
		this.closed = reason;
		this.rows.forEach((row) -> row.batch().ended(reason));
		this.rows.clear();
	}

	/**
	 * Schedules what has failed of a block once more, each range alone, before others.
	 */
	public void retry(BlockRead read) {
		read.retry().forEach((range) -> queue(Urgency.NOW).addFirst(new ReadRange(read, range, Urgency.NOW, true)));
	}

	/**
	 * Ends a read. Ranges that failed together are scheduled again one by one, so that
	 * none fails for another one's sake.
	 * @param joined what was read
	 * @param failure null if it is in memory
	 * @param retries whether to try again
	 * @return blocks of which nothing is under way any more
	 */
	List<BlockRead> ended(JoinedRead joined, @Nullable RuntimeException failure, boolean retries) {
		List<BlockRead> ended = new ArrayList<>();
		for (ReadRange range : joined.ranges()) {
			BlockRead read = range.read();
			if (failure != null && joined.ranges().size() > 1 && retries && !read.dropped()) {
				queue(Urgency.NOW).addFirst(range.retried());
			}
			else if (read.ended(range.extent(), failure)) {
				ended.add(read);
			}
		}
		return ended;
	}

	/** Makes what is left of a block urgent, behind what already is. */
	public void promote(BlockRead read) {
		if (!read.underWay()) {
			return;
		}
		for (Urgency urgency : List.of(Urgency.AHEAD, Urgency.LIKELY)) {
			queue(urgency).removeIf((range) -> {
				boolean its = range.read() == read;
				if (its) {
					queue(Urgency.NOW).addLast(range.promoted());
				}
				return its;
			});
		}
	}

	/**
	 * Removes what is left of a block. If the rest is under way, the block will have
	 * failed.
	 * @return bytes that will not be read
	 */
	public long cancel(BlockRead read) {
		if (!read.underWay()) {
			return 0;
		}
		List<Block.Extent> cancelled = new ArrayList<>();
		for (Deque<ReadRange> queue : this.queues.values()) {
			queue.removeIf((range) -> {
				boolean its = range.read() == read;
				if (its) {
					cancelled.add(range.extent());
				}
				return its;
			});
		}
		if (!cancelled.isEmpty()) {
			read.cancelled(cancelled, new IllegalStateException("The read of the block was cancelled"));
		}
		return cancelled.stream().mapToLong(Block.Extent::length).sum();
	}

	/**
	 * {@return the next row, no longer scheduled; null if there is none}
	 */
	RowBatch.@Nullable Task takeRow() {
		return this.rows.pollFirst();
	}

	/**
	 * {@return the most urgent range; null if there is none}
	 */
	@Nullable ReadRange first() {
		for (Deque<ReadRange> queue : this.queues.values()) {
			if (!queue.isEmpty()) {
				return queue.getFirst();
			}
		}
		return null;
	}

	/**
	 * {@return the most urgent range and its neighbours, no longer scheduled}
	 */
	JoinedRead take() {
		ReadRange first = first();
		if (first == null) {
			throw new IllegalStateException("Nothing is scheduled");
		}
		return JoinedRead.take(queue(first.urgency()), this.joinedBytes, SHARED_BYTES);
	}

	/**
	 * {@return whether compute needs something that nobody reads yet}
	 */
	boolean isUrgent() {
		return !queue(Urgency.NOW).isEmpty();
	}

	/**
	 * {@return rows and ranges}
	 */
	int size() {
		int size = this.rows.size();
		for (Deque<ReadRange> queue : this.queues.values()) {
			size += queue.size();
		}
		return size;
	}

	/** Removes all ranges; rows stay, as somebody waits for them. */
	void clear() {
		this.queues.values().forEach(Deque::clear);
	}

	private Deque<ReadRange> queue(Urgency urgency) {
		Deque<ReadRange> queue = this.queues.get(urgency);
		if (queue == null) {
			throw new IllegalStateException("There is no queue " + urgency);
		}
		return queue;
	}

}
