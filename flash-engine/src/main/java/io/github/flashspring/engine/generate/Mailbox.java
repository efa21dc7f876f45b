package io.github.flashspring.engine.generate;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.metrics.EngineSnapshot;
import io.github.flashspring.engine.metrics.PrefixMetrics;

/**
 * What callers tell the thread of a {@link Scheduler}: sequences to run or to cancel, and
 * changes to make between passes. The thread waits here for sequences that are ready.
 */
final class Mailbox {

	private final long idleTimeoutNanos;

	@GuardedBy("this")
	private final RunQueue sequences;

	@GuardedBy("this")
	private final Deque<FutureTask<Void>> changes = new ArrayDeque<>();

	@GuardedBy("this")
	private boolean closed;

	/** What ended the scheduler, without being asked to. */
	@GuardedBy("this")
	private @Nullable RuntimeException broken;

	@GuardedBy("this")
	private long passes;

	@GuardedBy("this")
	private long promptTokens;

	@GuardedBy("this")
	private long generatedTokens;

	@GuardedBy("this")
	private long requests;

	/**
	 * Makes an empty mailbox.
	 * @param sequences used under the lock of this mailbox from now on
	 * @param idleTimeoutNanos for how long a reader may leave its next event unread
	 */
	Mailbox(RunQueue sequences, long idleTimeoutNanos) {
		this.sequences = sequences;
		this.idleTimeoutNanos = idleTimeoutNanos;
	}

	synchronized void submit(Sequence sequence) {
		requireOpen();
		this.sequences.add(sequence);
		notifyAll();
	}

	synchronized void submit(FutureTask<Void> change) {
		requireOpen();
		this.changes.add(change);
		notifyAll();
	}

	@GuardedBy("this")
	private void requireOpen() {
		if (this.closed) {
			throw new IllegalStateException("The engine is closed", this.broken);
		}
	}

	synchronized void cancel(Sequence sequence) {
		sequence.cancel();
		notifyAll();
	}

	/**
	 * {@return sequences that wait, for which the disk was not asked yet}
	 */
	synchronized List<Sequence> unloaded() {
		return this.sequences.unloaded();
	}

	/** Looks again for sequences that are ready. */
	synchronized void wake() {
		notifyAll();
	}

	/** Cancels everything; nothing is accepted any more. */
	synchronized void close() {
		this.closed = true;
		this.sequences.all().forEach(Sequence::cancel);
		notifyAll();
	}

	synchronized @Nullable RuntimeException broken() {
		return this.broken;
	}

	synchronized EngineSnapshot.Work work() {
		return new EngineSnapshot.Work(this.passes, this.promptTokens, this.generatedTokens, this.requests,
				this.sequences.activeCount(), this.sequences.queuedCount());
	}

	/**
	 * Waits for sequences or changes.
	 * @return sequences for the next pass, or none if there are only changes or work of
	 * the prefix cache on disk; empty when the scheduler is closed
	 */
	synchronized Optional<List<Sequence>> awaitReady() {
		while (!this.closed) {
			for (Sequence sequence : this.sequences.all()) {
				if (sequence.isCancelled()) {
					end(sequence, SequenceListener::cancelled);
				}
			}
			for (Sequence sequence : this.sequences.timedOut(this.idleTimeoutNanos)) {
				end(sequence, SequenceListener::timedOut);
			}
			if (!this.sequences.unloaded().isEmpty()) {
				return Optional.of(List.of());
			}
			List<Sequence> ready = this.sequences.admit((sequence, cause) -> end(sequence, failed(cause)));
			if (!ready.isEmpty() || !this.changes.isEmpty() || this.sequences.hasWork()) {
				return Optional.of(ready);
			}
			await(this.sequences.nanosToTimeout(this.idleTimeoutNanos));
		}
		return Optional.empty();
	}

	@GuardedBy("this")
	private void await(long nanos) {
		try {
			if (nanos == Long.MAX_VALUE) {
				wait();
			}
			else if (nanos > 0) {
				TimeUnit.NANOSECONDS.timedWait(this, nanos);
			}
		}
		catch (InterruptedException ex) {
			// only looks again: nobody else knows this thread
		}
	}

	/**
	 * {@return changes that are due}
	 */
	synchronized List<FutureTask<Void>> takeChanges() {
		List<FutureTask<Void>> due = new ArrayList<>(this.changes);
		this.changes.clear();
		return due;
	}

	/**
	 * Notes that a pass was computed.
	 * @param batch its rows
	 * @param nanos time that it took
	 */
	synchronized void passed(Batch batch, long nanos) {
		this.passes++;
		for (Batch.Share share : batch.shares()) {
			share.sequence().advance(share.count(), nanos / batch.rows().rows() * share.count());
			this.promptTokens += share.promptTokens();
		}
	}

	/** Forgets what sequences left behind: it may be what made logits not finite. */
	synchronized void forgetPrefixes() {
		this.sequences.forgetPrefixes();
	}

	/**
	 * {@return what the prefix cache has done and holds}
	 */
	synchronized PrefixMetrics prefixes() {
		return this.sequences.prefixes();
	}

	/** Notes that a token was generated. */
	synchronized void generated() {
		this.generatedTokens++;
	}

	/** Removes a sequence that has ended and knows it. */
	synchronized void end(Sequence sequence) {
		this.sequences.remove(sequence);
		this.requests++;
	}

	/** Removes a sequence, and tells it why. */
	void end(Sequence sequence, Consumer<SequenceListener> word) {
		end(sequence);
		word.accept(sequence.listener());
	}

	static Consumer<SequenceListener> failed(RuntimeException cause) {
		return (listener) -> listener.failed(cause);
	}

	/**
	 * Ends all sequences and drops all changes.
	 * @param cause what ended the scheduler; null if it was closed
	 */
	synchronized void endAll(@Nullable RuntimeException cause) {
		this.closed = true;
		this.broken = cause;
		for (Sequence sequence : this.sequences.all()) {
			this.sequences.remove(sequence);
			if (cause == null) {
				sequence.listener().closed();
			}
			else {
				sequence.listener().failed(cause);
			}
		}
		this.changes.forEach((change) -> change.cancel(false));
		this.changes.clear();
	}

}
