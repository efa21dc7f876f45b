package io.github.flashspring.engine.generate;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.stream.LongStream;
import java.util.stream.Stream;

import io.github.flashspring.engine.cache.KvCache;
import io.github.flashspring.engine.device.DeviceException;

/**
 * The sequences of a {@link Scheduler}: queued ones wait for a slot, active ones have
 * memory for keys and values, and preempted ones lost it because nobody reads them. A
 * sequence whose reader lags behind uses no slot. It keeps its memory until another
 * sequence needs that and its reader was idle for as long as the keys and values took to
 * compute: then waiting and computing them again cost at most twice what the better of
 * both would have. It computes them again, to the same bits, when the reader goes on. Not
 * thread-safe: used under the scheduler's lock.
 */
final class RunQueue {

	/** A reader that is idle for so long does not merely lag, whatever was computed. */
	private static final long MAX_LAG_NANOS = 250_000_000;

	private final KvCache kv;

	private final int parallel;

	private final Deque<Sequence> queued = new ArrayDeque<>();

	private final Deque<Sequence> active = new ArrayDeque<>();

	private final Deque<Sequence> preempted = new ArrayDeque<>();

	/**
	 * Makes an empty queue.
	 * @param kv has room for at least one sequence
	 * @param parallel most sequences that run at once
	 */
	RunQueue(KvCache kv, int parallel) {
		this.kv = kv;
		this.parallel = parallel;
	}

	void add(Sequence sequence) {
		this.queued.add(sequence);
	}

	/** Removes a sequence and takes its memory back. */
	void remove(Sequence sequence) {
		this.active.remove(sequence);
		this.queued.remove(sequence);
		this.preempted.remove(sequence);
		giveBack(sequence);
	}

	/**
	 * {@return all sequences, those that have begun first}
	 */
	List<Sequence> all() {
		return Stream.of(this.active, this.preempted, this.queued).flatMap(Deque::stream).toList();
	}

	/**
	 * {@return sequences that have begun}
	 */
	int activeCount() {
		return this.active.size() + this.preempted.size();
	}

	int queuedCount() {
		return this.queued.size();
	}

	/**
	 * Admits waiting sequences in order of arrival, and chooses those of the next pass.
	 * @param refused gets sequences for which there is no memory; they are removed
	 * @return sequences that are ready, at most as many as run at once
	 */
	List<Sequence> admit(BiConsumer<Sequence, RuntimeException> refused) {
		requeue();
		List<Sequence> ready = new ArrayList<>(
				this.active.stream().filter((sequence) -> sequence.listener().isReady()).toList());
		while (!this.queued.isEmpty() && ready.size() < this.parallel) {
			Sequence next = this.queued.getFirst();
			Optional<int[]> blocks;
			try {
				blocks = lend(next, ready);
			}
			catch (RuntimeException ex) {
				this.queued.removeFirst();
				refused.accept(next, ex);
				continue;
			}
			if (blocks.isEmpty()) {
				break;
			}
			next.blocks(blocks.get());
			this.queued.removeFirst();
			this.active.addLast(next);
			ready.add(next);
		}
		if (!ready.isEmpty()) {
			this.active.addLast(this.active.removeFirst());
		}
		return ready.subList(0, Math.min(ready.size(), this.parallel));
	}

	/** Preempted sequences whose readers go on queue behind those that wait already. */
	private void requeue() {
		for (Iterator<Sequence> each = this.preempted.iterator(); each.hasNext();) {
			Sequence sequence = each.next();
			if (sequence.listener().isReady()) {
				each.remove();
				this.queued.addLast(sequence);
			}
		}
	}

	private Optional<int[]> lend(Sequence next, List<Sequence> ready) {
		while (true) {
			List<Sequence> idle = this.active.stream().filter((sequence) -> !ready.contains(sequence)).toList();
			Optional<Sequence> unread = idle.stream()
				.filter((sequence) -> nanosToPreemption(sequence) <= 0)
				.max(Comparator.comparingLong((sequence) -> sequence.listener().idleNanos()));
			try {
				Optional<int[]> blocks = this.kv.lend(next.capacity());
				if (blocks.isPresent() || unread.isEmpty()) {
					return blocks;
				}
			}
			catch (DeviceException ex) {
				if (idle.isEmpty()) {
					throw ex;
				}
				if (unread.isEmpty()) {
					return Optional.empty();
				}
			}
			preempt(unread.get());
		}
	}

	private void preempt(Sequence sequence) {
		this.active.remove(sequence);
		giveBack(sequence);
		this.preempted.addLast(sequence);
	}

	private void giveBack(Sequence sequence) {
		int[] blocks = sequence.takeBlocks();
		if (blocks != null) {
			this.kv.giveBack(blocks);
		}
	}

	/** Time until the memory of a sequence whose reader is idle may go to another one. */
	private static long nanosToPreemption(Sequence sequence) {
		return Math.min(sequence.computeNanos(), MAX_LAG_NANOS) - sequence.listener().idleNanos();
	}

	/**
	 * Time until a reader is idle for too long: for its request, or, where another
	 * sequence is queued, for its memory.
	 * @param timeoutNanos time that readers have, in nanoseconds
	 * @return nanoseconds, at most 0 if the time is over; {@link Long#MAX_VALUE} if no
	 * sequence waits for its reader
	 */
	long nanosToTimeout(long timeoutNanos) {
		LongStream timeouts = unread().mapToLong((sequence) -> timeoutNanos - sequence.listener().idleNanos());
		LongStream preemptions = this.queued.isEmpty() ? LongStream.empty()
				: this.active.stream()
					.filter((sequence) -> !sequence.listener().isReady())
					.mapToLong(RunQueue::nanosToPreemption);
		return LongStream.concat(timeouts, preemptions).min().orElse(Long.MAX_VALUE);
	}

	/**
	 * Sequences whose readers are idle for too long.
	 * @param timeoutNanos time that readers have, in nanoseconds
	 * @return the sequences
	 */
	List<Sequence> timedOut(long timeoutNanos) {
		return unread().filter((sequence) -> sequence.listener().idleNanos() >= timeoutNanos).toList();
	}

	private Stream<Sequence> unread() {
		return Stream.concat(this.active.stream(), this.preempted.stream())
			.filter((sequence) -> !sequence.listener().isReady());
	}

}
