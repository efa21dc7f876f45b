package io.github.flashspring.engine.generate;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.IntSupplier;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.cache.KvCache;
import io.github.flashspring.engine.device.DeviceException;
import io.github.flashspring.engine.device.RaggedBatch;
import io.github.flashspring.engine.metrics.EngineSnapshot;
import io.github.flashspring.engine.model.CausalLanguageModel;

/**
 * Runs sequences on a model: one thread that puts the next token of every running
 * sequence, and parts of prompts, into one pass after the other. Waiting sequences are
 * admitted in order of arrival as soon as there is memory for their keys and values.
 * Sequences that nobody reads do not hold up others, and end after a timeout.
 */
public final class Scheduler implements AutoCloseable {

	private final CausalLanguageModel model;

	private final KvCache kv;

	private int maxRows;

	private final long idleTimeoutNanos;

	private final PassListener listener;

	private final Thread thread;

	private final ReentrantLock lock = new ReentrantLock();

	private final Condition changed = this.lock.newCondition();

	private final RunQueue sequences;

	private final Deque<FutureTask<Void>> tasks = new ArrayDeque<>();

	private boolean closed;

	private volatile @Nullable RuntimeException broken;

	/** What the latest pass failed with. */
	private volatile @Nullable RuntimeException failure;

	private long passes;

	private long promptTokens;

	private long generatedTokens;

	private long requests;

	/**
	 * Starts the thread.
	 * @param model computes; used by the scheduler's thread alone from now on
	 * @param kv has room for at least one sequence
	 * @param maxRows most rows of a pass
	 * @param parallel most sequences that run at once
	 * @param idleTimeout for how long a reader may leave its next event unread while its
	 * sequence waits for it; zero: for ever
	 * @param listener hears of passes
	 */
	public Scheduler(CausalLanguageModel model, KvCache kv, int maxRows, int parallel, Duration idleTimeout,
			PassListener listener) {
		this.model = model;
		this.kv = kv;
		this.maxRows = maxRows;
		this.sequences = new RunQueue(kv, parallel);
		this.idleTimeoutNanos = idleTimeout.isZero() ? Long.MAX_VALUE : idleTimeout.toNanos();
		this.listener = listener;
		this.thread = Thread.ofPlatform().name("flash-scheduler").daemon().start(this::run);
	}

	/**
	 * Queues a sequence.
	 * @param sequence its listener hears of everything else
	 * @throws IllegalStateException if the scheduler is closed
	 */
	public void submit(Sequence sequence) {
		locked(() -> {
			if (this.closed) {
				throw new IllegalStateException("The engine is closed", this.broken);
			}
			this.sequences.add(sequence);
		});
	}

	/**
	 * Ends a sequence after the layer that is being computed, if it is alone in its pass,
	 * or else after the pass.
	 * @param sequence a sequence that was submitted
	 */
	public void cancel(Sequence sequence) {
		locked(sequence::cancel);
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
		locked(() -> {
			if (this.closed) {
				throw new IllegalStateException("The engine is closed", this.broken);
			}
			this.tasks.add(task);
		});
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
		return this.broken;
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
		locked(() -> {
		});
	}

	/**
	 * Work done and waiting.
	 * @return a snapshot
	 */
	public EngineSnapshot.Work work() {
		this.lock.lock();
		try {
			return new EngineSnapshot.Work(this.passes, this.promptTokens, this.generatedTokens, this.requests,
					this.sequences.activeCount(), this.sequences.queuedCount());
		}
		finally {
			this.lock.unlock();
		}
	}

	/**
	 * Cancels everything and waits for the thread to end.
	 */
	@Override
	public void close() {
		locked(() -> {
			this.closed = true;
			this.sequences.all().forEach(Sequence::cancel);
		});
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

	private void locked(Runnable action) {
		this.lock.lock();
		try {
			action.run();
			this.changed.signalAll();
		}
		finally {
			this.lock.unlock();
		}
	}

	private void run() {
		try {
			Optional<List<Sequence>> ready = awaitReady();
			while (ready.isPresent()) {
				runTasks();
				if (!ready.get().isEmpty()) {
					pass(ready.get());
				}
				ready = awaitReady();
			}
			endAll(SequenceListener::closed);
		}
		catch (Throwable ex) {
			// not the fault of a request: nothing can be computed any more
			RuntimeException cause = new IllegalStateException("The engine has stopped: " + ex, ex);
			this.broken = cause;
			endAll((listener) -> listener.failed(cause));
			throw ex;
		}
	}

	private void endAll(Consumer<SequenceListener> word) {
		locked(() -> {
			this.closed = true;
			this.sequences.all().forEach((sequence) -> {
				word.accept(sequence.listener());
				this.sequences.remove(sequence);
			});
			this.tasks.forEach((task) -> task.cancel(false));
			this.tasks.clear();
		});
	}

	private void runTasks() {
		List<FutureTask<Void>> due = new ArrayList<>();
		locked(() -> {
			due.addAll(this.tasks);
			this.tasks.clear();
		});
		due.forEach(FutureTask::run);
	}

	/** Waits for sequences or changes; empty when the scheduler is closed. */
	private Optional<List<Sequence>> awaitReady() {
		this.lock.lock();
		try {
			while (!this.closed) {
				this.sequences.all().stream().filter(Sequence::isCancelled).forEach(this::endCancelled);
				this.sequences.timedOut(this.idleTimeoutNanos)
					.forEach((sequence) -> end(sequence, SequenceListener::timedOut));
				List<Sequence> ready = this.sequences
					.admit((sequence, cause) -> end(sequence, (listener) -> listener.failed(cause)));
				if (!ready.isEmpty() || !this.tasks.isEmpty()) {
					return Optional.of(ready);
				}
				await(this.sequences.nanosToTimeout(this.idleTimeoutNanos));
			}
			return Optional.empty();
		}
		finally {
			this.lock.unlock();
		}
	}

	private void await(long nanos) {
		if (nanos == Long.MAX_VALUE) {
			this.changed.awaitUninterruptibly();
			return;
		}
		try {
			boolean ignored = this.changed.await(nanos, TimeUnit.NANOSECONDS);
		}
		catch (InterruptedException ex) {
			// only looks again: nobody else knows this thread
		}
	}

	private void pass(List<Sequence> ready) {
		Plan plan = Plan.of(ready, this.maxRows);
		List<Sequence> ended = new ArrayList<>();
		long start = System.nanoTime();
		try {
			this.model.forward(plan.batch(), this.kv, plan.logitRows(), (row, logits) -> {
				Plan.Share share = plan.share(row);
				if (!ended.contains(share.sequence()) && !next(share, row, logits)) {
					ended.add(share.sequence());
				}
			}, () -> plan.shares().stream().allMatch((share) -> share.sequence().isCancelled()));
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
			plan.shares()
				.stream()
				.map(Plan.Share::sequence)
				.filter((sequence) -> !ended.contains(sequence))
				.forEach((sequence) -> end(sequence, (listener) -> listener.failed(cause)));
			ended.forEach((sequence) -> end(sequence, (listener) -> {
			}));
			return;
		}
		this.failure = null;
		long nanos = System.nanoTime() - start;
		int rows = plan.batch().rows();
		this.listener.passed(rows, nanos);
		locked(() -> {
			this.passes++;
			for (Plan.Share share : plan.shares()) {
				share.sequence().advance(share.count(), nanos / rows * share.count());
				this.promptTokens += share.promptTokens();
			}
		});
		ended.forEach((sequence) -> end(sequence, (listener) -> {
		}));
	}

	/** Hands logits to their sequence; false when that ends it. */
	private boolean next(Plan.Share share, int row, float[] logits) {
		Sequence sequence = share.sequence();
		int position = share.position() + row - share.firstRow();
		try {
			int token = sequence.listener().next(position, logits);
			if (!sequence.isLast(position)) {
				return true;
			}
			if (!sequence.listener().wantsAllLogits()) {
				locked(() -> this.generatedTokens++);
			}
			if (token == SequenceListener.END) {
				return false;
			}
			sequence.append(token);
			return true;
		}
		catch (RuntimeException ex) {
			sequence.listener().failed(ex);
			return false;
		}
	}

	private void endCancelled(Sequence sequence) {
		end(sequence, SequenceListener::cancelled);
	}

	private void end(Sequence sequence, Consumer<SequenceListener> word) {
		locked(() -> {
			this.sequences.remove(sequence);
			this.requests++;
		});
		word.accept(sequence.listener());
	}

	/**
	 * Which rows of a pass belong to whom.
	 *
	 * @param batch the rows
	 * @param logitRows rows whose logits are wanted
	 * @param shares parts of sequences in row order
	 */
	private record Plan(RaggedBatch batch, int[] logitRows, List<Share> shares) {

		/**
		 * Next tokens of sequences that generate come first, so that prompts do not hold
		 * them up; parts of prompts fill what is left.
		 */
		static Plan of(List<Sequence> ready, int maxRows) {
			List<Share> shares = new ArrayList<>();
			int rows = 0;
			for (boolean generating : new boolean[] { true, false }) {
				for (Sequence sequence : ready) {
					int count = Math.min(sequence.pending(), maxRows - rows);
					if ((sequence.pending() == 1) == generating && count > 0) {
						shares.add(new Share(sequence, rows, count, sequence.computed(), sequence.isPrompt()));
						rows += count;
					}
				}
			}
			int[] tokens = new int[rows];
			int[] positions = new int[rows];
			int[] logitRows = new int[rows];
			int wanted = 0;
			List<RaggedBatch.Span> spans = new ArrayList<>();
			for (Share share : shares) {
				Sequence sequence = share.sequence();
				spans.add(new RaggedBatch.Span(share.firstRow(), share.count(), share.position(),
						Objects.requireNonNull(sequence.blocks())));
				for (int i = 0; i < share.count(); i++) {
					int position = share.position() + i;
					tokens[share.firstRow() + i] = sequence.token(position);
					positions[share.firstRow() + i] = position;
					if (sequence.listener().wantsAllLogits() || sequence.isLast(position)) {
						logitRows[wanted++] = share.firstRow() + i;
					}
				}
			}
			return new Plan(new RaggedBatch(tokens, positions, spans), Arrays.copyOf(logitRows, wanted), shares);
		}

		Share share(int row) {
			return this.shares.stream()
				.filter((share) -> row < share.firstRow() + share.count())
				.findFirst()
				.orElseThrow();
		}

		/**
		 * Part of a sequence.
		 *
		 * @param sequence the sequence
		 * @param firstRow its first row
		 * @param count number of rows
		 * @param position position of the first row
		 * @param prompt whether the tokens are of the prompt
		 */
		record Share(Sequence sequence, int firstRow, int count, int position, boolean prompt) {

			int promptTokens() {
				return this.prompt ? this.count : 0;
			}

		}

	}

}
