package io.github.flashspring.engine;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.checkpoint.Checkpoint;
import io.github.flashspring.engine.checkpoint.CheckpointException;
import io.github.flashspring.engine.checkpoint.NotNumbers;
import io.github.flashspring.engine.generate.FinishReason;
import io.github.flashspring.engine.generate.NotNumbersException;
import io.github.flashspring.engine.generate.Sampler;
import io.github.flashspring.engine.generate.Scheduler;
import io.github.flashspring.engine.generate.Sequence;
import io.github.flashspring.engine.generate.SequenceListener;

/**
 * A generation of a {@link LocalFlashEngine}: draws tokens on the scheduler's thread,
 * turns them into events, and hands these to the reader.
 */
final class LocalGeneration implements Generation, SequenceListener {

	/** Events that may wait for the reader before the sequence pauses. */
	private static final int READ_AHEAD = 16;

	private final Scheduler scheduler;

	private final Sequence sequence;

	private final Sampler sampler;

	private final TextPipeline text;

	private final Set<Integer> endTokens;

	private final int promptTokens;

	private final int maxTokens;

	private final LongSupplier bytesRead;

	private final Checkpoint checkpoint;

	private final List<Integer> tokens = new ArrayList<>();

	private final ReentrantLock lock = new ReentrantLock();

	private final Condition changed = this.lock.newCondition();

	private final Deque<GenerationEvent> events = new ArrayDeque<>();

	private final long submitted = System.nanoTime();

	private long started = this.submitted;

	private long firstToken;

	private long bytesBefore;

	private boolean ended;

	private @Nullable RuntimeException failure;

	/** The failure, once its cause was looked for. */
	private @Nullable RuntimeException explained;

	LocalGeneration(Scheduler scheduler, int[] prompt, int maxTokens, Sampler sampler, TextPipeline text,
			Set<Integer> endTokens, LongSupplier bytesRead, Checkpoint checkpoint) {
		this.scheduler = scheduler;
		this.sampler = sampler;
		this.text = text;
		this.endTokens = endTokens;
		this.promptTokens = prompt.length;
		this.maxTokens = maxTokens;
		this.bytesRead = bytesRead;
		this.checkpoint = checkpoint;
		this.sequence = new Sequence(prompt, maxTokens, this);
	}

	Sequence sequence() {
		return this.sequence;
	}

	/**
	 * {@inheritDoc} The scheduler asks under its own lock whether a generation is ready,
	 * so it must not be called under this one's.
	 */
	@Override
	public @Nullable GenerationEvent next() {
		GenerationEvent event;
		boolean ready;
		try {
			this.lock.lock();
			try {
				event = take();
				ready = this.events.size() == READ_AHEAD - 1;
			}
			finally {
				this.lock.unlock();
			}
		}
		catch (InterruptedException ex) {
			cancel();
			Thread.currentThread().interrupt();
			throw new FlashEngineException("Interrupted while waiting for the next token", ex);
		}
		if (ready) {
			this.scheduler.wake();
		}
		return event;
	}

	private @Nullable GenerationEvent take() throws InterruptedException {
		while (this.events.isEmpty()) {
			if (this.failure != null) {
				throw explained(this.failure);
			}
			if (this.ended) {
				return null;
			}
			this.changed.await();
		}
		return this.events.removeFirst();
	}

	/** The thread that asked looks for damage, so that other requests go on meanwhile. */
	private RuntimeException explained(RuntimeException cause) {
		if (!(cause instanceof NotNumbersException) || cause == this.explained) {
			return cause;
		}
		Optional<String> found = NotNumbers.find(this.checkpoint);
		RuntimeException named = found.isEmpty() ? cause
				: new CheckpointException(cause.getMessage() + ": " + found.get() + ", expected a finite number.",
						"Download or convert the model again.", cause);
		this.explained = named;
		this.failure = named;
		return named;
	}

	@Override
	public void cancel() {
		this.scheduler.cancel(this.sequence);
	}

	@Override
	public boolean isReady() {
		this.lock.lock();
		try {
			return this.events.size() < READ_AHEAD;
		}
		finally {
			this.lock.unlock();
		}
	}

	@Override
	public boolean wantsAllLogits() {
		return false;
	}

	@Override
	public void started() {
		this.started = System.nanoTime();
		this.bytesBefore = this.bytesRead.getAsLong();
	}

	@Override
	public int next(int position, float[] logits) {
		int token = this.sampler.next(logits);
		if (this.firstToken == 0) {
			this.firstToken = System.nanoTime();
		}
		if (this.endTokens.contains(token)) {
			finish(FinishReason.STOP, 1);
			return END;
		}
		this.tokens.add(token);
		emit(this.text.append(token));
		if (this.text.isStopped()) {
			finish(FinishReason.STOP, 0);
			return END;
		}
		if (this.tokens.size() == this.maxTokens) {
			finish(FinishReason.LENGTH, 0);
			return END;
		}
		return token;
	}

	@Override
	public void cancelled() {
		finish(FinishReason.CANCELLED, 0);
	}

	@Override
	public void failed(RuntimeException cause) {
		locked(() -> this.failure = cause);
	}

	private void finish(FinishReason reason, int endTokens) {
		emit(this.text.flush());
		long now = System.nanoTime();
		Usage usage = new Usage(this.promptTokens, this.tokens.size() + endTokens,
				Duration.ofNanos(this.started - this.submitted),
				Duration.ofNanos(((this.firstToken != 0) ? this.firstToken : now) - this.submitted),
				Duration.ofNanos(now - this.submitted), this.bytesRead.getAsLong() - this.bytesBefore);
		FinishReason told = (reason == FinishReason.STOP && this.text.hasToolCalls()) ? FinishReason.TOOL_CALLS
				: reason;
		emit(List
			.of(new GenerationEvent.Finished(told, usage, this.tokens.stream().mapToInt(Integer::intValue).toArray())));
		locked(() -> this.ended = true);
	}

	private void emit(List<GenerationEvent> more) {
		if (!more.isEmpty()) {
			locked(() -> this.events.addAll(more));
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

}
