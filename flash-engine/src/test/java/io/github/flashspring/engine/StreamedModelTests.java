package io.github.flashspring.engine;

import java.util.List;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import io.github.flashspring.engine.generate.Sampling;
import io.github.flashspring.engine.metrics.EngineSnapshot;
import io.github.flashspring.engine.metrics.Timeline;
import io.github.flashspring.engine.memory.BudgetExceededException;
import io.github.flashspring.engine.memory.RamBudget;
import io.github.flashspring.engine.residency.ResidencyPlan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/**
 * What a model reads that does not fit into its budget.
 */
@Timeout(60)
class StreamedModelTests {

	private static FlashConfig.Builder config() throws Exception {
		return FlashConfig.builder(Golden.path("models/stories260K/bf16").toString())
			.contextLength(64)
			.parallel(1)
			.threads(2);
	}

	private static RamBudget budget(double share) throws Exception {
		try (FlashEngine least = FlashEngine.load(config().ramBudget(RamBudget.MINIMUM).build())) {
			ResidencyPlan plan = least.plan();
			return RamBudget.ofBytes(plan.minimumBytes() + (long) (share * plan.weightBytes()));
		}
	}

	/** Bytes of blocks that were read for passes between two moments. */
	private static long streamed(EngineSnapshot before, EngineSnapshot after) {
		return after.io().bytesRead() - after.io().rowBytes() - after.io().aheadBytes()
				- (before.io().bytesRead() - before.io().rowBytes() - before.io().aheadBytes());
	}

	private static long layerBytes(ResidencyPlan plan) {
		return plan.streamedBytes() - headBytes(plan);
	}

	private static long headBytes(ResidencyPlan plan) {
		return plan.units().getLast().streamedBytes();
	}

	@ParameterizedTest
	@ValueSource(doubles = { 0.01, 0.3, 0.6, 0.8 })
	void everyPassReadsExactlyWhatIsNotPinned(double share) throws Exception {
		try (FlashEngine engine = FlashEngine.load(config().ramBudget(budget(share)).build())) {
			ResidencyPlan plan = engine.plan();
			assertThat(plan.streamedBytes()).isPositive();
			assertThat(plan.plannedBytes()).isLessThanOrEqualTo(plan.budgetBytes());
			Golden.generate(engine, new int[] { 1, 403 }, 3);
			EngineSnapshot before = Settled.snapshot(engine);
			Golden.generate(engine, new int[] { 1, 403, 407, 261, 378 }, 9);
			EngineSnapshot after = Settled.snapshot(engine);
			long passes = after.work().passes() - before.work().passes();
			assertThat(passes).isGreaterThanOrEqualTo(9);
			assertThat(streamed(before, after)).isEqualTo(passes * layerBytes(plan) + 9 * headBytes(plan));
			assertThat(after.io().computeNanos()).isPositive();
			assertThat(after.memory().stream().mapToLong(EngineSnapshot.Memory::bytes).sum())
				.isLessThanOrEqualTo(after.budgetBytes());
		}
	}

	@Test
	void aModelThatFitsIsReadOnce() throws Exception {
		try (FlashEngine engine = FlashEngine.load(config().ramBudget(RamBudget.ofGigabytes(1)).build())) {
			ResidencyPlan plan = engine.plan();
			assertThat(plan.streamedBytes()).isZero();
			Golden.generate(engine, new int[] { 1, 403 }, 3);
			EngineSnapshot before = Settled.snapshot(engine);
			assertThat(before.units()).allMatch(EngineSnapshot.Unit::pinned);
			Golden.generate(engine, new int[] { 1, 403, 407, 261, 378 }, 9);
			assertThat(Settled.snapshot(engine).io().bytesRead()).isEqualTo(before.io().bytesRead());
			assertThat(before.io().bytesRead()).isBetween(plan.weightBytes() - plan.vectorBytes(),
					plan.weightBytes() + 4 * 8192);
		}
	}

	@Test
	void aPromptReadsTheStreamedWeightsOnceHoweverManyChunksItHas() throws Exception {
		int[] prompt = new int[50];
		java.util.Arrays.setAll(prompt, (i) -> 1 + 7 * i);
		List<float[]> expected;
		try (FlashEngine whole = FlashEngine.load(config().build())) {
			expected = Golden.logits(whole, prompt);
		}
		try (FlashEngine engine = FlashEngine.load(config().prefillChunk(8).ramBudget(budget(0.5)).build())) {
			ResidencyPlan plan = engine.plan();
			assertThat(plan.chunkRows()).isLessThanOrEqualTo(8);
			assertThat(plan.passRows()).isEqualTo(64);
			assertThat(plan.streamedBytes()).isPositive();
			Golden.generate(engine, new int[] { 1, 403 }, 3);
			EngineSnapshot before = Settled.snapshot(engine);
			Golden.generate(engine, prompt, 1);
			EngineSnapshot after = Settled.snapshot(engine);
			assertThat(after.work().passes() - before.work().passes()).isEqualTo(1);
			assertThat(streamed(before, after)).isEqualTo(plan.streamedBytes());
			List<float[]> found = Golden.logits(engine, prompt);
			for (int i = 0; i < prompt.length; i++) {
				assertThat(found.get(i)).isEqualTo(expected.get(i));
			}
		}
	}

	@Test
	void aCancelledPassLeavesNothingBehind() throws Exception {
		try (FlashEngine engine = FlashEngine.load(config().ramBudget(budget(0.2)).build())) {
			int[] tokens = Golden.generate(engine, new int[] { 1, 403 }, 20).tokens();
			for (int i = 0; i < 20; i++) {
				Generation generation = engine.generate(new GenerationRequest(
						new GenerationRequest.Tokens(new int[] { 1, 403, 5 }), Sampling.GREEDY, 30, List.of(), true));
				TimeUnit.MICROSECONDS.sleep(137 * i);
				generation.cancel();
			}
			assertThat(Golden.generate(engine, new int[] { 1, 403 }, 20).tokens()).isEqualTo(tokens);
		}
	}

	@Test
	void theBudgetChangesWhileRequestsRun() throws Exception {
		int[] expected;
		try (FlashEngine engine = FlashEngine.load(config().build())) {
			expected = Golden.generate(engine, new int[] { 1, 403, 407 }, 60).tokens();
		}
		try (FlashEngine engine = FlashEngine.load(config().parallel(2).ramBudget(budget(0.5)).build())) {
			long before = engine.plan().pinnedBytes();
			long smallest = engine.ramBudget(RamBudget.MINIMUM).budgetBytes();
			for (double share : new double[] { 0.8, 0.4, 3, 0.1, 0.6 }) {
				Generation generation = engine.generate(new GenerationRequest(
						new GenerationRequest.Tokens(new int[] { 1, 403, 407 }), Sampling.GREEDY, 60, List.of(), true));
				ResidencyPlan plan = engine
					.ramBudget(RamBudget.ofBytes(smallest + (long) (share * engine.plan().weightBytes())));
				assertThat(engine.plan()).isSameAs(plan);
				assertThat(plan.plannedBytes()).isLessThanOrEqualTo(plan.budgetBytes());
				assertThat(Golden.finish(generation).tokens()).isEqualTo(expected);
			}
			engine.ramBudget(RamBudget.UNLIMITED);
			assertThat(engine.plan().streamedBytes()).isZero();
			assertThat(engine.plan().pinnedBytes()).isGreaterThan(before);
			assertThat(Golden.generate(engine, new int[] { 1, 403, 407 }, 60).tokens()).isEqualTo(expected);
			ResidencyPlan least = engine.ramBudget(RamBudget.MINIMUM);
			assertThat(least.streamedBytes()).isPositive();
			assertThat(Golden.generate(engine, new int[] { 1, 403, 407 }, 60).tokens()).isEqualTo(expected);
			assertThatExceptionOfType(BudgetExceededException.class)
				.isThrownBy(() -> engine.ramBudget(RamBudget.ofBytes(least.budgetBytes() - 1)))
				.withMessageContaining("flash.context-length");
			assertThat(engine.plan()).isSameAs(least);
		}
	}

	@ParameterizedTest
	@ValueSource(booleans = { true, false })
	void aModelWithoutBudgetStreamsWhenItMustAndBack(boolean map) throws Exception {
		try (FlashEngine engine = FlashEngine.load(config().reading(FlashConfig.Reading.DEFAULT.mapped(map)).build())) {
			assertThat(engine.plan().mapped()).isEqualTo(map);
			int[] expected = Golden.generate(engine, new int[] { 1, 403, 407 }, 40).tokens();
			ResidencyPlan least = engine.ramBudget(RamBudget.MINIMUM);
			assertThat(least.streamedBytes()).isPositive();
			assertThat(Golden.generate(engine, new int[] { 1, 403, 407 }, 40).tokens()).isEqualTo(expected);
			assertThat(engine.snapshot().io().bytesRead()).isGreaterThan(30 * least.streamedBytes());
			assertThat(engine.ramBudget(RamBudget.UNLIMITED).mapped()).isEqualTo(map);
			assertThat(engine.plan().budget().unlimited()).isTrue();
			assertThat(Golden.generate(engine, new int[] { 1, 403, 407 }, 40).tokens()).isEqualTo(expected);
		}
	}

	@Test
	void aTimelineShowsReadsComputingAndWaiting() throws Exception {
		Timeline timeline = new Timeline(10_000);
		try (FlashEngine engine = FlashEngine.load(config().ramBudget(budget(0.2)).build())) {
			engine.diagnostics().record(timeline);
			Golden.generate(engine, new int[] { 1, 403 }, 5);
			engine.diagnostics().record(null);
		}
		assertThat(timeline.spans()).extracting(Timeline.Span::name)
			.contains("layers.0", "head", "pass of 1 token")
			.anyMatch((name) -> name.startsWith("prefetch layers.") || name.startsWith("demand layers."));
		assertThat(timeline.spans()).allMatch((span) -> span.endNanos() >= span.startNanos());
		StringBuilder json = new StringBuilder();
		timeline.writeChromeTrace(json);
		assertThat(new tools.jackson.databind.json.JsonMapper().readTree(json.toString()).get("traceEvents"))
			.hasSizeGreaterThan(timeline.spans().size());
	}

}
