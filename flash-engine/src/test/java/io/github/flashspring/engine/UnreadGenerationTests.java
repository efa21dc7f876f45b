package io.github.flashspring.engine;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import io.github.flashspring.engine.generate.Sampling;
import io.github.flashspring.engine.metrics.EngineSnapshot;
import io.github.flashspring.engine.memory.RamBudget;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/**
 * What becomes of generations that nobody reads, and of those next to them.
 */
@Timeout(60)
class UnreadGenerationTests {

	private static final int PARALLEL = 2;

	/** Prompt and answer take the whole context, so that a budget has memory for one. */
	private static final int ALL_TOKENS = 512 - 5 + 1;

	private static FlashEngine engine(RamBudget budget, Duration idleTimeout) throws Exception {
		return FlashEngine.load(FlashConfig.builder(Golden.path("models/stories260K/bf16").toString())
			.threads(1)
			.parallel(PARALLEL)
			.ramBudget(budget)
			.idleTimeout(idleTimeout)
			.build());
	}

	private static GenerationRequest request(long seed) {
		Sampling sampling = new Sampling(1, 0, 0, 1, 0, 1, 0, seed);
		return new GenerationRequest(new GenerationRequest.Tokens(new int[] { 1, 403, 407, 261, 378 }), sampling, null,
				List.of(), true);
	}

	private static void awaitPassesToStop(FlashEngine engine) throws InterruptedException {
		long before = -1;
		long passes = engine.snapshot().work().passes();
		while (passes != before || passes == 0) {
			TimeUnit.MILLISECONDS.sleep(20);
			before = passes;
			passes = engine.snapshot().work().passes();
		}
	}

	static Stream<RamBudget> budgets() {
		return Stream.of(RamBudget.UNLIMITED, RamBudget.MINIMUM);
	}

	@ParameterizedTest
	@MethodSource("budgets")
	void unreadGenerationsHoldUpNobodyAndGoOnToTheSameTokens(RamBudget budget) throws Exception {
		try (FlashEngine engine = engine(budget, Duration.ZERO)) {
			int[] expected = Golden.finish(engine.generate(request(7))).tokens();
			List<Generation> unread = new ArrayList<>();
			for (int i = 0; i < 3 * PARALLEL; i++) {
				unread.add(engine.generate(request(7)));
			}
			awaitPassesToStop(engine);
			assertThat(Golden.finish(engine.generate(request(7))).tokens()).isEqualTo(expected);
			EngineSnapshot.Work work = engine.snapshot().work();
			assertThat(work.queuedRequests()).isZero();
			assertThat(work.activeRequests()).isBetween(unread.size(), unread.size() + 1);
			for (Generation generation : unread) {
				assertThat(Golden.finish(generation).tokens()).hasSize(ALL_TOKENS).isEqualTo(expected);
			}
		}
	}

	@Test
	void pausedGenerationsComputeNoFurther() throws Exception {
		try (FlashEngine engine = engine(RamBudget.UNLIMITED, Duration.ZERO);
				Generation unread = engine.generate(request(7))) {
			awaitPassesToStop(engine);
			assertThat(engine.snapshot().work().generatedTokens()).isBetween(EventBuffer.MAX_UNREAD / 2L,
					2L * EventBuffer.MAX_UNREAD);
			assertThat(unread.next()).isInstanceOf(GenerationEvent.Text.class);
		}
	}

	@Test
	void idleReaderGetsATimeoutAndItsPlaceIsFree() throws Exception {
		try (FlashEngine engine = engine(RamBudget.MINIMUM, Duration.ofMillis(50))) {
			Generation idle = engine.generate(request(7));
			while (engine.snapshot().work().requests() == 0) {
				TimeUnit.MILLISECONDS.sleep(1);
			}
			assertThat(engine.snapshot().work().activeRequests()).isZero();
			// the text thread tells the reader after the scheduler has given its place up
			assertThatExceptionOfType(IdleTimeoutException.class).isThrownBy(() -> Golden.finish(idle))
				.withMessageContaining("0.05s")
				.withMessageContaining("flash.idle-timeout");
			assertThat(Golden.finish(engine.generate(request(7))).tokens()).hasSize(ALL_TOKENS);
		}
	}

	@Test
	void onlyReadersWithEventsBeforeThemAreIdle() throws Exception {
		try (FlashEngine engine = engine(RamBudget.UNLIMITED, Duration.ZERO)) {
			LocalGeneration generation = (LocalGeneration) engine.generate(request(7));
			awaitPassesToStop(engine);
			assertThat(generation.isReady()).isFalse();
			long idle = generation.idleNanos();
			assertThat(idle).isPositive();
			assertThat(generation.idleNanos()).isGreaterThan(idle);
			Golden.finish(generation);
			assertThat(generation.idleNanos()).isZero();
		}
	}

}
