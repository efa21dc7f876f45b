package io.github.flashspring.engine;

import java.util.concurrent.CompletableFuture;

import io.github.flashspring.engine.generate.SequenceListener;

/**
 * Hands the logits of all positions of a sequence to a consumer.
 */
final class LogitsTask implements SequenceListener {

	private final int last;

	private final LogitsConsumer consumer;

	private final CompletableFuture<Void> done = new CompletableFuture<>();

	LogitsTask(int tokens, LogitsConsumer consumer) {
		this.last = tokens - 1;
		this.consumer = consumer;
	}

	CompletableFuture<Void> done() {
		return this.done;
	}

	@Override
	public boolean isReady() {
		return true;
	}

	@Override
	public boolean wantsAllLogits() {
		return true;
	}

	@Override
	public void started() {
	}

	@Override
	public int next(int position, float[] logits) {
		this.consumer.accept(position, logits);
		if (position == this.last) {
			this.done.complete(null);
		}
		return END;
	}

	@Override
	public void cancelled() {
		this.done.completeExceptionally(new FlashEngineException("The computation of logits was cancelled"));
	}

	@Override
	public void closed() {
		this.done
			.completeExceptionally(new EngineClosedException("The engine was closed before all logits were computed."));
	}

	@Override
	public void failed(RuntimeException cause) {
		this.done.completeExceptionally(cause);
	}

}
