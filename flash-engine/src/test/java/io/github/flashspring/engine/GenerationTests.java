package io.github.flashspring.engine;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import io.github.flashspring.engine.generate.FinishReason;
import io.github.flashspring.engine.metrics.EngineSnapshot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

/**
 * How generations begin, wait for each other, and end.
 */
@Timeout(60)
class GenerationTests {

	private final FlashEngine engine = FlashEngine
		.load(FlashConfig.builder(Golden.path("models/stories260K/bf16").toString()).threads(2).build());

	GenerationTests() throws Exception {
	}

	@AfterEach
	void close() {
		this.engine.close();
	}

	private static GenerationRequest request(@Nullable Integer maxTokens, boolean ignoreEnd) {
		return new GenerationRequest(new GenerationRequest.Tokens(new int[] { 1, 403, 407, 261, 378 }), null, maxTokens,
				List.of(), ignoreEnd);
	}

	private void awaitIdle() throws InterruptedException {
		awaitIdle(this.engine);
	}

	private static void awaitIdle(FlashEngine engine) throws InterruptedException {
		EngineSnapshot.Work work = engine.snapshot().work();
		while (work.activeRequests() > 0 || work.queuedRequests() > 0) {
			TimeUnit.MILLISECONDS.sleep(1);
			work = engine.snapshot().work();
		}
	}

	@Test
	void endsAtTheAllowedNumberOfTokens() throws Exception {
		GenerationEvent.Finished finished = Golden.finish(this.engine.generate(request(7, false)));
		assertThat(finished.reason()).isEqualTo(FinishReason.LENGTH);
		assertThat(finished.tokens()).hasSize(7);
		assertThat(finished.usage().promptTokens()).isEqualTo(5);
		assertThat(finished.usage().completionTokens()).isEqualTo(7);
		assertThat(finished.usage().timeToFirstToken()).isPositive().isLessThan(finished.usage().total());
		assertThat(finished.usage().tokensPerSecond()).isPositive();
		awaitIdle();
		assertThat(this.engine.snapshot().work().promptTokens()).isEqualTo(5);
		assertThat(this.engine.snapshot().work().requests()).isEqualTo(1);
	}

	@Test
	void endsAtTheContextLength() {
		GenerationEvent.Finished finished = Golden.finish(this.engine.generate(request(null, true)));
		assertThat(finished.reason()).isEqualTo(FinishReason.LENGTH);
		// every token but the last has its place among the 512 positions
		assertThat(finished.tokens()).hasSize(512 - 5 + 1);
	}

	@Test
	void endsWhenTheModelEndsTheText() {
		GenerationEvent.Finished finished = Golden.finish(this.engine.generate(request(null, false)));
		assertThat(finished.reason()).isEqualTo(FinishReason.STOP);
		assertThat(finished.tokens()).doesNotContain(1, 2);
		assertThat(finished.usage().completionTokens()).isEqualTo(finished.tokens().length + 1);
	}

	@Test
	void cancellingStopsComputing() throws Exception {
		Generation generation = this.engine.generate(request(null, true));
		generation.cancel();
		assertThat(Golden.finish(generation).reason()).isEqualTo(FinishReason.CANCELLED);
		awaitIdle();
		long passes = this.engine.snapshot().work().passes();
		TimeUnit.MILLISECONDS.sleep(50);
		assertThat(this.engine.snapshot().work().passes()).isEqualTo(passes).isLessThan(400);
	}

	@Test
	void aReaderThatWaitsGetsTheEndWhenAnotherThreadCancels() throws Exception {
		Generation blocker = this.engine.generate(request(null, true));
		List<Generation> waiting = java.util.stream.Stream.generate(() -> this.engine.generate(request(null, true)))
			.limit(5)
			.toList();
		CompletableFuture<FinishReason> reason = CompletableFuture
			.supplyAsync(() -> Golden.finish(waiting.getLast()).reason());
		waiting.getLast().cancel();
		assertThat(reason.get(10, TimeUnit.SECONDS)).isEqualTo(FinishReason.CANCELLED);
		waiting.forEach(Generation::close);
		blocker.close();
		awaitIdle();
		assertThat(Golden.finish(this.engine.generate(request(3, true))).tokens()).hasSize(3);
	}

	@Test
	void readersThatLagBehindAndTheSchedulerNeverWaitForEachOther() throws Exception {
		try (ExecutorService readers = Executors.newVirtualThreadPerTaskExecutor()) {
			for (int round = 0; round < 3; round++) {
				List<Future<Integer>> counts = new ArrayList<>();
				for (int i = 0; i < 4; i++) {
					Generation generation = this.engine.generate(request(300, true));
					counts.add(readers.submit(() -> countSlowly(generation)));
				}
				for (Future<Integer> count : counts) {
					assertThat(count.get(15, TimeUnit.SECONDS)).isEqualTo(300);
				}
			}
		}
	}

	/** Lags behind the engine, so that the sequence pauses again and again. */
	private static int countSlowly(Generation generation) {
		int events = 0;
		GenerationEvent event = generation.next();
		while (!(event instanceof GenerationEvent.Finished finished)) {
			LockSupport.parkNanos((events++ % 2 == 0) ? 6_000_000 : 1);
			event = generation.next();
		}
		return finished.tokens().length;
	}

	@Test
	void closingTheEngineEndsWhatRunsAndRefusesMore() {
		Generation generation = this.engine.generate(request(null, true));
		this.engine.close();
		assertThatExceptionOfType(RuntimeException.class).isThrownBy(() -> Golden.finish(generation))
			.withMessageContaining("closed");
		assertThatExceptionOfType(FlashEngineException.class).isThrownBy(() -> this.engine.generate(request(1, true)))
			.withMessageContaining("closed");
		assertThatExceptionOfType(FlashEngineException.class)
			.isThrownBy(() -> this.engine.logits(new int[] { 1 }, (position, logits) -> {
			}));
	}

	@Test
	void aConsumerOfLogitsThatFailsHarmsNobodyElse() {
		assertThatExceptionOfType(IllegalStateException.class)
			.isThrownBy(() -> this.engine.logits(new int[] { 1, 2, 3 }, (position, logits) -> {
				throw new IllegalStateException("disk full");
			}))
			.withMessage("disk full");
		assertThat(Golden.finish(this.engine.generate(request(3, true))).tokens()).hasSize(3);
	}

	@Test
	void promptsThatCannotBeServedAreRefusedAtOnce() {
		assertThatExceptionOfType(FlashEngineException.class).isThrownBy(
				() -> this.engine.generate(GenerationRequest.of(new GenerationRequest.Tokens(new int[] { 1, 512 }))))
			.withMessageContaining("512");
		assertThatExceptionOfType(FlashEngineException.class)
			.isThrownBy(() -> this.engine.generate(GenerationRequest.of(new GenerationRequest.Tokens(new int[512]))))
			.withMessageContaining("context");
		assertThatExceptionOfType(FlashEngineException.class)
			.isThrownBy(() -> this.engine.generate(GenerationRequest.of(new GenerationRequest.Tokens(new int[0]))));
	}

	@Test
	void aContextBeyondTheModelIsRefused() throws Exception {
		FlashConfig config = FlashConfig.builder(Golden.path("models/stories260K/bf16").toString())
			.contextLength(513)
			.build();
		assertThatIllegalArgumentException().isThrownBy(() -> FlashEngine.load(config)).withMessageContaining("512");
	}

}
