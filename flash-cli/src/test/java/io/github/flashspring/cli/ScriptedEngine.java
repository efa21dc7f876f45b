package io.github.flashspring.cli;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CountDownLatch;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.FlashConfig;
import io.github.flashspring.engine.FlashEngine;
import io.github.flashspring.engine.Generation;
import io.github.flashspring.engine.GenerationEvent;
import io.github.flashspring.engine.GenerationEvent.Finished;
import io.github.flashspring.engine.GenerationRequest;
import io.github.flashspring.engine.LogitsConsumer;
import io.github.flashspring.engine.ModelInfo;
import io.github.flashspring.engine.Usage;
import io.github.flashspring.engine.generate.FinishReason;
import io.github.flashspring.engine.generate.Sampling;
import io.github.flashspring.engine.metrics.EngineSnapshot;
import io.github.flashspring.engine.metrics.IoMetrics;
import io.github.flashspring.engine.metrics.PacingMetrics;

/**
 * An engine that says what the test wants and remembers what it was asked.
 */
final class ScriptedEngine implements FlashEngine {

	static final Sampling MODEL_SAMPLING = new Sampling(1.1f, 0, 0, 0.6f, 20, 0.95f, 0, null);

	final List<GenerationRequest> requests = new ArrayList<>();

	final Queue<Generation> answers = new ArrayDeque<>();

	boolean chat = true;

	@Nullable RuntimeException failure;

	@Nullable FlashConfig config;

	boolean closed;

	static Usage usage(int prompt, int completion) {
		return new Usage(prompt, completion, Duration.ZERO, Duration.ofMillis(500), Duration.ofMillis(1500), 3 << 20);
	}

	/** The next answer: the pieces of a text, then the end. */
	ScriptedEngine says(String... pieces) {
		List<GenerationEvent> events = new ArrayList<>();
		for (String piece : pieces) {
			events.add(new GenerationEvent.Text(piece));
		}
		return answers(events, FinishReason.STOP);
	}

	ScriptedEngine answers(List<GenerationEvent> events, FinishReason reason) {
		List<GenerationEvent> all = new ArrayList<>(events);
		all.add(new Finished(reason, usage(5, 11), new int[] { 7, 8, 9 }));
		this.answers.add(new Scripted(new ArrayDeque<>(all)));
		return this;
	}

	FlashEngine load(FlashConfig config) {
		this.config = config;
		return this;
	}

	@Override
	public ModelInfo model() {
		return new ModelInfo("scripted", "llama", 1, 2, "BF16", 1, 4, 4096, true, this.chat, MODEL_SAMPLING);
	}

	@Override
	public Generation generate(GenerationRequest request) {
		this.requests.add(request);
		if (this.failure != null) {
			throw this.failure;
		}
		return this.answers.remove();
	}

	@Override
	public void logits(int[] tokens, LogitsConsumer consumer) {
		for (int i = 0; i < tokens.length; i++) {
			if (this.failure != null && i == 1) {
				throw this.failure;
			}
			consumer.accept(i, new float[] { tokens[i], 0.5f, -1, 2 });
		}
	}

	@Override
	public EngineSnapshot snapshot() {
		return new EngineSnapshot("script", null, List.of(), List.of(), new IoMetrics(0, 0, 0, 0),
				new EngineSnapshot.Work(0, 0, 0, 0, 0, 0), List.of(), PacingMetrics.NONE);
	}

	@Override
	public void close() {
		this.closed = true;
	}

	/** Plays events back. */
	private record Scripted(Queue<GenerationEvent> events) implements Generation {

		@Override
		public @Nullable GenerationEvent next() {
			return this.events.poll();
		}

		@Override
		public void cancel() {
		}

	}

	/** Says one word, then nothing until it is cancelled. */
	static final class Endless implements Generation {

		final CountDownLatch waiting = new CountDownLatch(1);

		private final CountDownLatch cancelled = new CountDownLatch(1);

		private int calls;

		@Override
		public @Nullable GenerationEvent next() {
			if (this.calls++ == 0) {
				return new GenerationEvent.Text("Well");
			}
			this.waiting.countDown();
			try {
				this.cancelled.await();
			}
			catch (InterruptedException ex) {
				throw new IllegalStateException(ex);
			}
			return new Finished(FinishReason.CANCELLED, usage(5, 1), new int[] { 1 });
		}

		@Override
		public void cancel() {
			this.cancelled.countDown();
		}

	}

}
