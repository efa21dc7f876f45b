package io.github.flashspring.engine;

import java.util.concurrent.Flow;

import org.jspecify.annotations.Nullable;

/**
 * A running generation, read once: either by a thread that waits for the {@link #next()}
 * event, or by a subscriber that is called with each event it requested. The engine
 * computes some dozens of tokens ahead of the reader. A generation whose reader lags
 * behind further pauses and holds up no other. Any thread may {@link #cancel()}.
 */
public interface Generation extends AutoCloseable, Flow.Publisher<GenerationEvent> {

	/**
	 * Waits for the next event.
	 * @return the event, or null after {@link GenerationEvent.Finished}
	 * @throws io.github.flashspring.engine.checkpoint.CheckpointException if weights can
	 * no longer be read, or are damaged
	 * @throws io.github.flashspring.engine.generate.NonFiniteLogitsException if the model
	 * computes NaN although no weight is damaged
	 * @throws IdleTimeoutException if the reader took nothing for longer than
	 * {@link FlashConfig#idleTimeout()}
	 * @throws FlashEngineException if the engine was closed or the waiting thread
	 * interrupted
	 */
	@Nullable GenerationEvent next();

	/**
	 * Hands the events to a subscriber, which completes after
	 * {@link GenerationEvent.Finished}. What {@link #next()} throws, it gets as an error.
	 * It is called on a virtual thread of its own and may block; no thread is held while
	 * it requests nothing or the engine computes. Its cancellation cancels the
	 * generation.
	 * @param subscriber the only reader
	 * @throws IllegalStateException if there is a subscriber already
	 * @implSpec This one calls {@link #next()} on the virtual thread, which is held while
	 * that waits.
	 */
	@Override
	default void subscribe(Flow.Subscriber<? super GenerationEvent> subscriber) {
		new GenerationSubscription(subscriber, (demanded) -> {
			if (!demanded) {
				return null;
			}
			GenerationEvent event = next();
			if (event == null) {
				throw new IllegalStateException("The generation ended without GenerationEvent.Finished");
			}
			return event;
		}, this::cancel).begin();
	}

	/**
	 * How far the prompt is computed, for a display while one waits. Any thread may ask.
	 * @return tokens computed, of how many
	 */
	default PromptProgress promptProgress() {
		return PromptProgress.UNKNOWN;
	}

	/**
	 * Ends the generation after the token that is being computed; the reader then gets
	 * {@link GenerationEvent.Finished} with reason
	 * {@link io.github.flashspring.engine.generate.FinishReason#CANCELLED}. Has no effect
	 * on one that has ended.
	 */
	void cancel();

	/**
	 * Cancels what still runs.
	 */
	@Override
	default void close() {
		cancel();
	}

	/**
	 * How far a prompt is.
	 *
	 * @param computed tokens computed; grows with each pass
	 * @param total tokens of the prompt; 0: not known
	 */
	record PromptProgress(int computed, int total) {

		/** Nothing is known. */
		public static final PromptProgress UNKNOWN = new PromptProgress(0, 0);

	}

}
