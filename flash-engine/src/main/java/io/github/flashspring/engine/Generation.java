package io.github.flashspring.engine;

import org.jspecify.annotations.Nullable;

/**
 * A running generation. The engine computes ahead of the reader by a few tokens at most:
 * whoever reads slowly, slows only the own generation down. One thread reads; any thread
 * may {@link #cancel()}.
 */
public interface Generation extends AutoCloseable {

	/**
	 * Waits for the next event.
	 * @return the event, or null after {@link GenerationEvent.Finished}
	 * @throws RuntimeException what made the generation fail: a
	 * {@link io.github.flashspring.engine.checkpoint.CheckpointException} when weights
	 * can no longer be read, a {@link FlashEngineException} when the engine was closed or
	 * the waiting thread interrupted
	 */
	@Nullable GenerationEvent next();

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

}
