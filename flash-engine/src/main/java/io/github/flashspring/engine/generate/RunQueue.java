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
import io.github.flashspring.engine.cache.SequenceMemory;
import io.github.flashspring.engine.device.DeviceException;
import io.github.flashspring.engine.metrics.PrefixMetrics;

/**
 * The sequences of a {@link Scheduler}: queued ones wait for a slot, active ones have
 * memory for keys and values, and preempted ones lost it because nobody reads them. A
 * sequence whose reader lags behind uses no slot. It keeps its memory until another
 * sequence needs that and its reader was idle for as long as the keys and values took to
 * compute: then waiting and computing them again cost at most twice what the better of
 * both would have. It computes what is lost again, to the same bits, when the reader goes
 * on.
 * <p>
 * Memory grows with the sequences. When it runs out and no reader lags, the youngest
 * sequence loses its own and is the next to get some. Not thread-safe: used under the
 * lock of the {@link Mailbox}.
 * <p>
 * Sequences leave their pages behind, and begin and go on behind those that others left.
 */
final class RunQueue {

	/** A reader that is idle for so long does not merely lag, whatever was computed. */
	private static final long MAX_LAG_NANOS = 250_000_000;

	private final KvCache kv;

	private final int parallel;

	private final Deque<Sequence> queued = new ArrayDeque<>();

	private final Deque<Sequence> active = new ArrayDeque<>();

	private final Deque<Sequence> preempted = new ArrayDeque<>();

	private long arrivals;

	/** Whether a sequence with memory needs more, and waits for an idle reader's. */
	private boolean shortOfPages;

	/**
	 * Makes an empty queue.
	 * @param kv has memory for at least one sequence
	 * @param parallel most sequences that run at once
	 */
	RunQueue(KvCache kv, int parallel) {
		this.kv = kv;
		this.parallel = parallel;
	}

	void add(Sequence sequence) {
		sequence.arrival(this.arrivals++);
		this.queued.add(sequence);
	}

	/**
	 * {@return sequences for which the disk must be asked before they begin}
	 */
	List<Sequence> unloaded() {
		if (!this.kv.prefixes().hasDisk()) {
			return List.of();
		}
		return this.queued.stream()
			.limit(this.parallel)
			.filter((sequence) -> !sequence.isLoaded() && !sequence.listener().wantsAllLogits())
			.toList();
	}

	/**
	 * {@return whether prefixes can be written to disk now}
	 */
	boolean hasWork() {
		return this.kv.prefixes().hasWork();
	}

	void forgetPrefixes() {
		this.kv.prefixes().forget();
	}

	PrefixMetrics prefixes() {
		return this.kv.prefixes().metrics();
	}

	/** Removes a sequence and takes its memory back. */
	void remove(Sequence sequence) {
		this.active.remove(sequence);
		this.queued.remove(sequence);
		this.preempted.remove(sequence);
		sequence.releaseMemory();
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
	 * Chooses the sequences of the next pass, makes sure that they have memory for all
	 * their tokens, and admits waiting ones in order of arrival.
	 * @param refused gets sequences for which there is no memory; they are removed
	 * @return sequences that are ready, at most as many as run at once; they take turns
	 * in being the first
	 */
	List<Sequence> admit(BiConsumer<Sequence, RuntimeException> refused) {
		requeue();
		this.shortOfPages = false;
		List<Sequence> ready = new ArrayList<>(
				this.active.stream().filter((sequence) -> sequence.listener().isReady()).limit(this.parallel).toList());
		for (Sequence sequence : ready.stream().sorted(Comparator.comparingLong(Sequence::arrival)).toList()) {
			if (sequence.hasMemory() && !grow(sequence, refused)) {
				ready.remove(sequence);
			}
		}
		ready.removeIf((sequence) -> !sequence.hasMemory());
		if (!this.shortOfPages) {
			admitQueued(ready, refused);
		}
		if (!ready.isEmpty()) {
			this.active.addLast(this.active.removeFirst());
		}
		return ready;
	}

	private void admitQueued(List<Sequence> ready, BiConsumer<Sequence, RuntimeException> refused) {
		while (!this.queued.isEmpty() && ready.size() < this.parallel) {
			Sequence next = this.queued.getFirst();
			Optional<SequenceMemory> memory;
			try {
				memory = lend(next, ready);
			}
			catch (RuntimeException ex) {
				this.queued.removeFirst();
				refused.accept(next, ex);
				continue;
			}
			if (memory.isEmpty()) {
				return;
			}
			next.memory(memory.get());
			if (!next.listener().wantsAllLogits()) {
				this.kv.prefixes().began(memory.get().length());
			}
			this.queued.removeFirst();
			this.active.addLast(next);
			ready.add(next);
			next.start();
		}
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

	/**
	 * Makes sure that a sequence has memory for the tokens of its next pass.
	 * @return false if it cannot be part of that pass
	 */
	private boolean grow(Sequence sequence, BiConsumer<Sequence, RuntimeException> refused) {
		while (true) {
			RuntimeException failure = null;
			try {
				if (sequence.memory().reserve(sequence.pending())) {
					return true;
				}
			}
			catch (RuntimeException ex) {
				failure = ex;
			}
			if (failure != null && (this.active.size() == 1 || !(failure instanceof DeviceException))) {
				refused.accept(sequence, failure);
				return false;
			}
			List<Sequence> idle = idle();
			Optional<Sequence> unread = unread(idle);
			if (unread.isEmpty() && !idle.isEmpty()) {
				this.shortOfPages = true;
				return false;
			}
			if (unread.isPresent()) {
				preempt(unread.get());
				continue;
			}
			Sequence youngest = youngest();
			this.active.remove(youngest);
			youngest.releaseMemory();
			this.queued.addFirst(youngest);
			if (youngest == sequence) {
				return false;
			}
		}
	}

	private Sequence youngest() {
		return this.active.stream().max(Comparator.comparingLong(Sequence::arrival)).orElseThrow();
	}

	/** The sequence whose reader was idle for longest, if that is long enough. */
	private static Optional<Sequence> unread(List<Sequence> idle) {
		return idle.stream()
			.filter((sequence) -> nanosToPreemption(sequence) <= 0)
			.max(Comparator.comparingLong((sequence) -> sequence.listener().idleNanos()));
	}

	/** Memory for a sequence that waits; empty while there is too little. */
	private Optional<SequenceMemory> lend(Sequence next, List<Sequence> ready) {
		while (true) {
			List<Sequence> idle = idle();
			Optional<Sequence> unread = unread(idle);
			try {
				Optional<SequenceMemory> memory = lend(next);
				if (memory.isPresent() || unread.isEmpty()) {
					return memory;
				}
			}
			catch (DeviceException ex) {
				if (idle.isEmpty() && (ready.isEmpty() || !next.hasStarted())) {
					throw ex;
				}
				if (unread.isEmpty()) {
					return Optional.empty();
				}
			}
			preempt(unread.get());
		}
	}

	private List<Sequence> idle() {
		return this.active.stream().filter((sequence) -> !sequence.listener().isReady()).toList();
	}

	private Optional<SequenceMemory> lend(Sequence next) {
		Optional<SequenceMemory> memory = next.listener().wantsAllLogits() ? this.kv.open()
				: this.kv.open(next.tokens(), next.length());
		boolean complete = false;
		try {
			complete = memory.isPresent() && memory.get().reserve(next.length() - memory.get().length());
		}
		finally {
			if (!complete) {
				memory.ifPresent(SequenceMemory::close);
			}
		}
		return complete ? memory : Optional.empty();
	}

	private void preempt(Sequence sequence) {
		this.active.remove(sequence);
		sequence.releaseMemory();
		this.preempted.addLast(sequence);
	}

	/** Time until the memory of a sequence whose reader is idle may go to another one. */
	private static long nanosToPreemption(Sequence sequence) {
		return Math.min(sequence.computeNanos(), MAX_LAG_NANOS) - sequence.listener().idleNanos();
	}

	/**
	 * Time until a reader is idle for too long: for its request, or, where another
	 * sequence waits for memory, for its memory.
	 * @param timeoutNanos time that readers have, in nanoseconds
	 * @return nanoseconds, at most 0 if the time is over; {@link Long#MAX_VALUE} if no
	 * sequence waits for its reader
	 */
	long nanosToTimeout(long timeoutNanos) {
		LongStream timeouts = unread().mapToLong((sequence) -> timeoutNanos - sequence.listener().idleNanos());
		LongStream preemptions = (this.queued.isEmpty() && !this.shortOfPages) ? LongStream.empty()
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
