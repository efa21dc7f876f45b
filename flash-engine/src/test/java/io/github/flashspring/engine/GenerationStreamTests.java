package io.github.flashspring.engine;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Flow;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import io.github.flashspring.engine.generate.FinishReason;
import io.github.flashspring.engine.generate.Sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/**
 * Generations that are read by subscribers: demand, threads, cancellation, failures.
 */
@Timeout(60)
class GenerationStreamTests {

	private static final int PARALLEL = 2;

	private final FlashEngine engine = FlashEngine
		.load(FlashConfig.builder(Golden.path("models/stories260K/bf16").toString())
			.threads(1)
			.parallel(PARALLEL)
			.build());

	GenerationStreamTests() throws Exception {
	}

	@AfterEach
	void close() {
		this.engine.close();
	}

	private Generation generate(int maxTokens) {
		return this.engine
			.generate(new GenerationRequest(new GenerationRequest.Tokens(new int[] { 1, 403, 407, 261, 378 }),
					Sampling.GREEDY, maxTokens, List.of(), true));
	}

	private static List<GenerationEvent> read(Generation generation) {
		List<GenerationEvent> events = new ArrayList<>();
		for (GenerationEvent event = generation.next(); event != null; event = generation.next()) {
			events.add(event);
		}
		return events;
	}

	private static String text(List<GenerationEvent> events) {
		StringBuilder text = new StringBuilder();
		events.forEach((event) -> {
			if (event instanceof GenerationEvent.Text piece) {
				text.append(piece.text());
			}
		});
		return text.toString();
	}

	@Test
	void subscribersGetWhatReadersGet() throws Exception {
		List<GenerationEvent> expected = read(generate(200));
		for (long demand : new long[] { 1, 7, Long.MAX_VALUE }) {
			Subscriber subscriber = new Subscriber(demand);
			generate(200).subscribe(subscriber);
			assertThat(subscriber.end.get()).isNull();
			assertThat(text(List.copyOf(subscriber.events))).isEqualTo(text(expected));
			assertThat(((GenerationEvent.Finished) List.copyOf(subscriber.events).getLast()).tokens())
				.isEqualTo(((GenerationEvent.Finished) expected.getLast()).tokens());
			assertThat(subscriber.most).as("more than was requested").isLessThanOrEqualTo(demand);
		}
	}

	@Test
	void subscribersThatBlockHoldUpNobody() throws Exception {
		CountDownLatch open = new CountDownLatch(1);
		List<Subscriber> blocked = Stream.generate(() -> new Subscriber(Long.MAX_VALUE) {
			@Override
			public void onNext(GenerationEvent event) {
				awaitUninterruptibly(open);
				super.onNext(event);
			}
		}).limit(40).map(Subscriber.class::cast).toList();
		blocked.forEach((subscriber) -> generate(200).subscribe(subscriber));
		assertThat(Golden.finish(generate(200)).tokens()).hasSize(200);
		assertThat(blocked).allSatisfy((subscriber) -> assertThat(subscriber.end).isNotDone());
		open.countDown();
		for (Subscriber subscriber : blocked) {
			assertThat(subscriber.end.get()).isNull();
		}
	}

	@Test
	void waitingStreamsHoldNoThread() throws Exception {
		CountDownLatch open = new CountDownLatch(1);
		CompletableFuture<Void> blocker = CompletableFuture
			.runAsync(() -> this.engine.logits(new int[] { 1 }, (position, logits) -> awaitUninterruptibly(open)));
		long before = platformThreads();
		List<Subscriber> waiting = Stream.generate(() -> new Subscriber(1)).limit(200).toList();
		waiting.forEach((subscriber) -> generate(2).subscribe(subscriber));
		// carriers of virtual threads may come, one a processor
		assertThat(platformThreads()).isLessThanOrEqualTo(before + Runtime.getRuntime().availableProcessors() + 2);
		open.countDown();
		blocker.get();
		for (Subscriber subscriber : waiting) {
			assertThat(subscriber.end.get()).isNull();
		}
	}

	private static long platformThreads() {
		return Thread.getAllStackTraces().size();
	}

	@Test
	void cancellingASubscriptionEndsTheGeneration() throws Exception {
		Subscriber subscriber = new Subscriber(1) {
			@Override
			public void onNext(GenerationEvent event) {
				this.events.add(event);
				this.subscription.cancel();
			}
		};
		generate(500).subscribe(subscriber);
		assertThat(subscriber.events.poll(10, TimeUnit.SECONDS)).isInstanceOf(GenerationEvent.Text.class);
		while (this.engine.snapshot().work().activeRequests() > 0) {
			TimeUnit.MILLISECONDS.sleep(1);
		}
		assertThat(this.engine.snapshot().work().generatedTokens()).isLessThan(2L * EventBuffer.MAX_UNREAD);
		assertThat(subscriber.events).isEmpty();
		assertThat(subscriber.end).isNotDone();
	}

	@Test
	void aSubscriberThatThrowsEndsItsGenerationOnly() throws Exception {
		CompletableFuture<Throwable> thrown = new CompletableFuture<>();
		generate(500).subscribe(new Subscriber(1) {
			@Override
			public void onNext(GenerationEvent event) {
				Thread.currentThread().setUncaughtExceptionHandler((thread, ex) -> thrown.complete(ex));
				throw new IllegalStateException("broken subscriber");
			}
		});
		assertThat(thrown.get()).hasMessage("broken subscriber");
		assertThat(Golden.finish(generate(200)).tokens()).hasSize(200);
	}

	@Test
	void aRequestForNothingIsAnError() throws Exception {
		Subscriber subscriber = new Subscriber(0);
		generate(500).subscribe(subscriber);
		assertThat(subscriber.end.get()).isInstanceOf(IllegalArgumentException.class).hasMessageContaining("0");
	}

	@Test
	void closingTheEngineFailsStreamsAndReaders() throws Exception {
		List<Subscriber> streams = Stream.generate(() -> new Subscriber(1) {
			@Override
			public void onNext(GenerationEvent event) {
				// wants no more
			}
		}).limit(5).map(Subscriber.class::cast).toList();
		List<Generation> generations = Stream.generate(() -> generate(500)).limit(5).toList();
		for (int i = 0; i < 5; i++) {
			generations.get(i).subscribe(streams.get(i));
		}
		Generation unread = generate(500);
		this.engine.close();
		assertThatExceptionOfType(EngineClosedException.class).isThrownBy(() -> Golden.finish(unread))
			.withMessageContaining("was closed before the answer was complete");
		for (Subscriber stream : streams) {
			assertThat(stream.end.get()).isInstanceOf(EngineClosedException.class)
				.isInstanceOf(FlashEngineException.class);
		}
	}

	@Test
	void stopSequencesEndTheAnswerAtTheSameTokenEveryTime() {
		List<GenerationEvent> whole = read(generate(60));
		String stop = text(whole).substring(40, 44);
		GenerationRequest request = new GenerationRequest(
				new GenerationRequest.Tokens(new int[] { 1, 403, 407, 261, 378 }), Sampling.GREEDY, 500, List.of(stop),
				true);
		String expected = text(whole).substring(0, text(whole).indexOf(stop));
		int[] tokens = null;
		for (int i = 0; i < 20; i++) {
			List<GenerationEvent> events = read(this.engine.generate(request));
			GenerationEvent.Finished finished = (GenerationEvent.Finished) events.getLast();
			assertThat(text(events)).isEqualTo(expected);
			assertThat(finished.reason()).isEqualTo(FinishReason.STOP);
			assertThat(finished.usage().completionTokens()).isEqualTo(finished.tokens().length);
			assertThat(finished.tokens()).isEqualTo((tokens != null) ? tokens : finished.tokens());
			tokens = finished.tokens();
		}
	}

	private static void awaitUninterruptibly(CountDownLatch latch) {
		boolean interrupted = false;
		while (latch.getCount() > 0) {
			try {
				latch.await();
			}
			catch (InterruptedException ex) {
				interrupted = true;
			}
		}
		if (interrupted) {
			Thread.currentThread().interrupt();
		}
	}

	/** Requests so many events at a time, and keeps them. */
	private static class Subscriber implements Flow.Subscriber<GenerationEvent> {

		final LinkedBlockingQueue<GenerationEvent> events = new LinkedBlockingQueue<>();

		/** Completed at the end, with null if there was no failure. */
		final CompletableFuture<Throwable> end = new CompletableFuture<>();

		private final long batch;

		@SuppressWarnings("NullAway.Init")
		Flow.Subscription subscription;

		private long open;

		/** Most events that came without a new request. */
		private long most;

		Subscriber(long batch) {
			this.batch = batch;
		}

		@Override
		public void onSubscribe(Flow.Subscription subscription) {
			this.subscription = subscription;
			subscription.request(this.batch);
		}

		@Override
		public void onNext(GenerationEvent event) {
			this.events.add(event);
			this.most = Math.max(this.most, ++this.open);
			if (this.open == this.batch) {
				this.open = 0;
				this.subscription.request(this.batch);
			}
		}

		@Override
		public void onError(Throwable failure) {
			this.end.complete(failure);
		}

		@Override
		public void onComplete() {
			this.end.complete(null);
		}

	}

}
