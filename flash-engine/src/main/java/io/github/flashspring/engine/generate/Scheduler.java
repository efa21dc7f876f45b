package io.github.flashspring.engine.generate;

import java.time.Duration;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.function.IntSupplier;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.cache.KvCache;
import io.github.flashspring.engine.device.DeviceException;
import io.github.flashspring.engine.metrics.EngineSnapshot;
import io.github.flashspring.engine.metrics.PrefixMetrics;
import io.github.flashspring.engine.model.Forward;
import io.github.flashspring.engine.model.Logits;

/**
 * Runs sequences on a model: one thread and its {@link Mailbox}. Each pass takes the next
 * token of every running sequence and parts of prompts; when it has ended, its logits go
 * to the sequences. Waiting sequences are admitted in order of arrival as soon as there
 * is memory for their keys and values. Sequences that nobody reads do not hold up others,
 * and end after a timeout.
 */
public final class Scheduler implements AutoCloseable {

	private final Forward model;

	private final KvCache kv;

	private final PassListener listener;

	private final Mailbox mailbox;

	private final PrefillLimit prefill = new PrefillLimit();

	private final Thread thread;

	/** Used by the thread. */
	private int maxRows;

	/** Logits of a row, on their way to a sequence. */
	private float[] row = {};

	/** Whether logits of the latest pass were not finite; used by the thread. */
	private boolean damaged;

	/** What the latest pass failed with. */
	private volatile @Nullable RuntimeException failure;

	/**
	 * Starts the thread.
	 * @param model computes; used by the scheduler's thread alone from now on
	 * @param kv has memory for at least one sequence
	 * @param maxRows most rows of a pass
	 * @param parallel most sequences that run at once
	 * @param idleTimeout for how long a reader may leave its next event unread while its
	 * sequence waits for it; zero: for ever
	 * @param listener hears of passes
	 */
	public Scheduler(Forward model, KvCache kv, int maxRows, int parallel, Duration idleTimeout,
			PassListener listener) {
		this.model = model;
		this.kv = kv;
		this.maxRows = maxRows;
		this.mailbox = new Mailbox(new RunQueue(kv, parallel),
				idleTimeout.isZero() ? Long.MAX_VALUE : idleTimeout.toNanos());
		this.listener = listener;
		this.thread = Thread.ofPlatform().name("flash-scheduler").daemon().start(this::run);
	}

	/**
	 * Queues a sequence.
	 * @param sequence its listener hears of everything else
	 * @throws IllegalStateException if the scheduler is closed
	 */
	public void submit(Sequence sequence) {
		this.mailbox.submit(sequence);
	}

	/**
	 * Ends a sequence after the layer that is being computed, if it is alone in its pass,
	 * or else after the pass.
	 * @param sequence a sequence that was submitted
	 */
	public void cancel(Sequence sequence) {
		this.mailbox.cancel(sequence);
	}

	/**
	 * Changes something that passes use, between two of them, and waits until that is
	 * done. Sequences go on afterwards.
	 * @param change run by the scheduler's thread; gives the most rows of a pass from now
	 * on, at most those it was made with
	 * @throws IllegalStateException if the scheduler is closed
	 */
	public void betweenPasses(IntSupplier change) {
		FutureTask<Void> task = new FutureTask<>(() -> {
			this.maxRows = change.getAsInt();
			return null;
		});
		this.mailbox.submit(task);
		boolean interrupted = false;
		try {
			while (true) {
				try {
					task.get();
					return;
				}
				catch (InterruptedException ex) {
					interrupted = true;
				}
			}
		}
		catch (CancellationException ex) {
			throw new IllegalStateException("The engine is closed", ex);
		}
		catch (ExecutionException ex) {
			if (ex.getCause() instanceof RuntimeException cause) {
				throw cause;
			}
			throw new IllegalStateException("The change failed", ex.getCause());
		}
		finally {
			if (interrupted) {
				Thread.currentThread().interrupt();
			}
		}
	}

	/**
	 * What ended the scheduler, without being asked to.
	 * @return null while it runs, and after it was closed
	 */
	public @Nullable RuntimeException broken() {
		return this.mailbox.broken();
	}

	/**
	 * What the latest pass failed with.
	 * @return null if it succeeded
	 */
	public @Nullable RuntimeException failure() {
		return this.failure;
	}

	/** Looks again for sequences that are ready. */
	public void wake() {
		this.mailbox.wake();
	}

	/**
	 * Work done and waiting.
	 * @return a snapshot
	 */
	public EngineSnapshot.Work work() {
		return this.mailbox.work();
	}

	/**
	 * {@return what the prefix cache has done and holds}
	 */
	public PrefixMetrics prefixes() {
		return this.mailbox.prefixes();
	}

	/**
	 * Cancels everything and waits for the thread to end.
	 */
	@Override
	public void close() {
		this.mailbox.close();
		boolean interrupted = false;
		while (this.thread.isAlive()) {
			try {
				this.thread.join();
			}
			catch (InterruptedException ex) {
				interrupted = true;
			}
		}
		if (interrupted) {
			Thread.currentThread().interrupt();
		}
	}

	private void run() {
		try {
			Optional<List<Sequence>> ready = this.mailbox.awaitReady();
			while (ready.isPresent()) {
				this.mailbox.takeChanges().forEach(FutureTask::run);
				movePrefixes();
				if (!ready.get().isEmpty()) {
					pass(Batch.of(ready.get(), this.maxRows, this.prefill.rows()));
				}
				ready = this.mailbox.awaitReady();
			}
			this.mailbox.endAll(null);
		}
		catch (Throwable ex) {
			// not the fault of a request: nothing can be computed any more
			this.mailbox.endAll(new IllegalStateException("The engine has stopped: " + ex, ex));
			throw ex;
		}
	}

	/** Reads and writes files without the lock, which callers wait for. */
	private void movePrefixes() {
		for (Sequence sequence : this.mailbox.unloaded()) {
			sequence.loaded();
			this.kv.prefixes().load(sequence.tokens(), sequence.length());
		}
		this.kv.prefixes().work();
	}

	private void pass(Batch batch) {
		Set<Sequence> ended = Collections.newSetFromMap(new IdentityHashMap<>());
		try {
			long start = System.nanoTime();
			Logits logits = this.model.forward(batch.rows(), this.kv, batch.logitRows(),
					(earlier) -> handOver(batch, earlier, ended), batch::isCancelled);
			long nanos = System.nanoTime() - start;
			passed(batch, nanos);
			handOver(batch, logits, ended);
			this.failure = null;
		}
		catch (CancellationException ex) {
			return; // all of them are cancelled and will be ended as such
		}
		// An error, such as no memory on the heap, ends these requests and not the
		// engine.
		catch (Throwable ex) {
			RuntimeException cause = (ex instanceof RuntimeException known) ? known
					: new DeviceException("A pass failed: " + ex, ex);
			this.failure = cause;
			for (Batch.Share share : batch.shares()) {
				if (!ended.contains(share.sequence())) {
					this.mailbox.end(share.sequence(), Mailbox.failed(cause));
				}
			}
		}
		ended.forEach(this.mailbox::end);
		if (this.damaged) {
			this.damaged = false;
			this.mailbox.forgetPrefixes();
		}
	}

	private void passed(Batch batch, long nanos) {
		int rows = batch.rows().rows();
		this.listener.passed(rows, nanos);
		this.prefill.passed(batch.decodeRows(), rows - batch.decodeRows(), nanos);
		this.mailbox.passed(batch, nanos);
	}

	/** Hands logits to their sequences, and notes which of them end. */
	private void handOver(Batch batch, Logits logits, Set<Sequence> ended) {
		if (this.row.length != logits.vocabSize()) {
			this.row = new float[logits.vocabSize()];
		}
		for (int i = 0; i < logits.rows().length; i++) {
			int row = logits.rows()[i];
			Batch.Share share = batch.share(row);
			if (!ended.contains(share.sequence())) {
				logits.copy(i, this.row);
				if (!next(share.sequence(), share.position(row))) {
					ended.add(share.sequence());
				}
			}
		}
	}

	/** Hands the logits of a row to its sequence; false when that ends it. */
	private boolean next(Sequence sequence, int position) {
		try {
			int token = sequence.listener().next(position, this.row);
			if (!sequence.isLast(position)) {
				return true;
			}
			if (!sequence.listener().wantsAllLogits()) {
				this.mailbox.generated();
			}
			if (token == SequenceListener.END) {
				return false;
			}
			sequence.append(token);
			return true;
		}
		catch (RuntimeException ex) {
			this.damaged |= ex instanceof NonFiniteLogitsException;
			sequence.listener().failed(ex);
			return false;
		}
	}

}
