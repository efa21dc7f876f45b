package io.github.flashspring.engine;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.concurrent.Flow;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.LongSupplier;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.checkpoint.Checkpoint;
import io.github.flashspring.engine.checkpoint.CheckpointException;
import io.github.flashspring.engine.checkpoint.NonFiniteScan;
import io.github.flashspring.engine.generate.Constraint;
import io.github.flashspring.engine.generate.FinishReason;
import io.github.flashspring.engine.generate.NonFiniteLogitsException;
import io.github.flashspring.engine.generate.Sampler;
import io.github.flashspring.engine.generate.Scheduler;
import io.github.flashspring.engine.generate.Sequence;
import io.github.flashspring.engine.generate.SequenceListener;

/**
 * A generation of a {@link LocalFlashEngine}. The scheduler's thread draws tokens, the
 * engine's text thread turns them into events, and these wait in a bounded buffer for the
 * reader. Tokens after a stop sequence may be drawn, but are never part of the answer.
 */
final class LocalGeneration implements Generation, SequenceListener {

	private final Context context;

	private final Sequence sequence;

	private final Sampler sampler;

	private final @Nullable Constraint constraint;

	private final TextPipeline text;

	private final Set<Integer> endTokens;

	private final int promptTokens;

	private final int maxTokens;

	private final long submitted = System.nanoTime();

	private long started = this.submitted;

	private long bytesBefore;

	private long firstToken;

	private int sampled;

	/** Whether the text has ended, so that no further token is wanted. */
	private volatile boolean textEnded;

	/** Tokens of the answer; used by the text thread. */
	private final List<Integer> tokens = new ArrayList<>();

	private final EventBuffer events;

	private final AtomicReference<@Nullable GenerationSubscription> subscription = new AtomicReference<>();

	LocalGeneration(Context context, int[] prompt, int maxTokens, Sampler sampler, @Nullable Constraint constraint,
			TextPipeline text, Set<Integer> endTokens) {
		this.context = context;
		this.events = new EventBuffer(() -> context.scheduler().wake());
		this.sampler = sampler;
		this.constraint = constraint;
		this.text = text;
		this.endTokens = endTokens;
		this.promptTokens = prompt.length;
		this.maxTokens = maxTokens;
		this.sequence = new Sequence(prompt, this);
	}

	Sequence sequence() {
		return this.sequence;
	}

	@Override
	public @Nullable GenerationEvent next() {
		try {
			GenerationEvent event = this.events.poll(true);
			while (event == null && this.events.await()) {
				event = this.events.poll(true);
			}
			return event;
		}
		catch (InterruptedException ex) {
			cancel();
			Thread.currentThread().interrupt();
			throw new FlashEngineException("Interrupted while waiting for the next token", ex);
		}
	}

	@Override
	public void subscribe(Flow.Subscriber<? super GenerationEvent> subscriber) {
		GenerationSubscription begun = new GenerationSubscription(subscriber, this.events::poll, this::cancel);
		if (!this.subscription.compareAndSet(null, begun)) {
			throw new IllegalStateException("This generation has a subscriber already");
		}
		begun.begin();
	}

	@Override
	public PromptProgress promptProgress() {
		return new PromptProgress(Math.min(this.sequence.progress(), this.promptTokens), this.promptTokens);
	}

	@Override
	public void cancel() {
		this.context.scheduler().cancel(this.sequence);
	}

	@Override
	public boolean isReady() {
		return !this.events.isPaused();
	}

	@Override
	public long idleNanos() {
		return this.events.idleNanos();
	}

	@Override
	public boolean wantsAllLogits() {
		return false;
	}

	@Override
	public void started() {
		this.started = System.nanoTime();
		this.bytesBefore = this.context.bytesRead().getAsLong();
	}

	@Override
	public int next(int position, float[] logits) {
		if (this.textEnded) {
			return END;
		}
		if (isComplete()) {
			finish(FinishReason.STOP, 0);
			return END;
		}
		int token = this.sampler.next(logits, this.constraint, this.endTokens);
		if (this.firstToken == 0) {
			this.firstToken = System.nanoTime();
		}
		if (this.endTokens.contains(token)) {
			finish(FinishReason.STOP, 1);
			return END;
		}
		this.sampled++;
		this.events.tokenDrawn();
		onTextThread(() -> read(token));
		if (this.constraint != null) {
			this.constraint.advance(token);
			if (isComplete()) {
				finish(FinishReason.STOP, 0);
				return END;
			}
			// The next mask is computed beside the next pass.
			this.context.textThread().execute(this.constraint.preparation());
		}
		if (this.sampled == this.maxTokens) {
			finish(FinishReason.LENGTH, 0);
			return END;
		}
		return token;
	}

	/** Whether the answer has its structure, and nothing can follow. */
	private boolean isComplete() {
		return this.constraint != null && this.constraint.isComplete();
	}

	@Override
	public void cancelled() {
		finish(FinishReason.CANCELLED, 0);
	}

	@Override
	public void timedOut() {
		cut(new IdleTimeoutException(this.context.idleTimeout()));
	}

	@Override
	public void closed() {
		cut(new EngineClosedException(
				"The engine of " + this.context.model() + " was closed before the answer was complete."));
	}

	/** Fails at once, whether the reader takes what waits for it or not. */
	private void cut(RuntimeException cause) {
		onTextThread(() -> {
			this.events.clear();
			fail(cause);
		});
	}

	/**
	 * Looks for damage on a thread of its own, so that other requests go on meanwhile.
	 */
	@Override
	public void failed(RuntimeException cause) {
		if (cause instanceof NonFiniteLogitsException) {
			onTextThread(() -> Thread.ofPlatform().name("flash-damage").daemon().start(() -> fail(explained(cause))));
		}
		else {
			onTextThread(() -> fail(cause));
		}
	}

	private RuntimeException explained(RuntimeException cause) {
		try {
			Optional<String> found = NonFiniteScan.find(this.context.checkpoint());
			return found.isEmpty() ? cause
					: new CheckpointException(cause.getMessage() + ": " + found.get() + ", expected a finite number.",
							"Download or convert the model again.", cause);
		}
		catch (RuntimeException ex) {
			cause.addSuppressed(ex);
			return cause;
		}
	}

	private void finish(FinishReason reason, int endTokens) {
		long now = System.nanoTime();
		long bytesRead = this.context.bytesRead().getAsLong() - this.bytesBefore;
		onTextThread(() -> complete(reason, endTokens, now, bytesRead));
	}

	/** What follows the end of the text is dropped. */
	private void onTextThread(Runnable step) {
		this.context.textThread().execute(() -> {
			if (this.textEnded) {
				return;
			}
			try {
				step.run();
			}
			catch (RuntimeException | Error ex) {
				fail((ex instanceof RuntimeException failure) ? failure
						: new FlashEngineException("The tokens of the answer cannot be turned into text: " + ex, ex));
				cancel();
			}
		});
	}

	private void read(int token) {
		this.tokens.add(token);
		List<GenerationEvent> more = this.text.append(token);
		emit(more, 1);
		if (this.text.isStopped()) {
			long bytesRead = this.context.bytesRead().getAsLong() - this.bytesBefore;
			complete(FinishReason.STOP, 0, System.nanoTime(), bytesRead);
			cancel();
		}
	}

	private void complete(FinishReason reason, int endTokens, long now, long bytesRead) {
		List<GenerationEvent> last = new ArrayList<>(
				(reason == FinishReason.STOP) ? this.text.flush() : this.text.cut());
		FinishReason known = (reason == FinishReason.LENGTH && this.text.isStopped()) ? FinishReason.STOP : reason;
		Usage usage = new Usage(this.promptTokens, this.tokens.size() + endTokens,
				Duration.ofNanos(this.started - this.submitted),
				Duration.ofNanos(((this.firstToken != 0) ? this.firstToken : now) - this.submitted),
				Duration.ofNanos(now - this.submitted), bytesRead, this.sequence.cacheReadTokens(),
				this.sequence.cacheWriteTokens());
		FinishReason told = (known == FinishReason.STOP && this.text.hasToolCalls()) ? FinishReason.TOOL_CALLS : known;
		last.add(new GenerationEvent.Finished(told, usage, this.tokens.stream().mapToInt(Integer::intValue).toArray()));
		this.textEnded = true;
		emit(last, 0);
	}

	private void fail(RuntimeException cause) {
		this.textEnded = true;
		this.events.fail(cause);
		signal();
	}

	/** Hands events to the reader, in exchange for tokens. */
	private void emit(List<GenerationEvent> more, int read) {
		this.events.add(more, read, this.textEnded);
		if (!more.isEmpty()) {
			signal();
		}
	}

	private void signal() {
		GenerationSubscription reader = this.subscription.get();
		if (reader != null) {
			reader.signal();
		}
	}

	/**
	 * What the generations of an engine share.
	 *
	 * @param model name of the model
	 * @param checkpoint its files
	 * @param scheduler computes
	 * @param textThread turns tokens into text, in order
	 * @param bytesRead bytes of weights read until now
	 * @param idleTimeout for how long a reader may leave its next event unread; zero: for
	 * ever
	 */
	record Context(String model, Checkpoint checkpoint, Scheduler scheduler, Executor textThread,
			LongSupplier bytesRead, Duration idleTimeout) {

	}

}
