package io.github.flashspring.engine;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import io.github.flashspring.engine.metrics.EngineSnapshot;
import io.github.flashspring.engine.metrics.ExpertMetrics;
import io.github.flashspring.engine.residency.ExpertStreaming;
import io.github.flashspring.engine.residency.ExpertStreaming.Keep;
import io.github.flashspring.engine.memory.RamBudget;
import io.github.flashspring.engine.residency.ResidencyPlan;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Mixtures of experts that do not fit into their budget: what is read, and that the bits
 * stay the same whatever is kept and whatever is guessed.
 */
@Timeout(180)
class StreamedExpertsTests {

	/** The least budget, and a share of the weights on top. */
	private static RamBudget budget(Golden golden, double share) {
		ResidencyPlan least = FlashEngine.plan(golden.config().ramBudget(RamBudget.MINIMUM).build());
		return RamBudget.ofBytes(least.minimumBytes() + (long) (share * least.weightBytes()));
	}

	private static long expertBytesRead(EngineSnapshot snapshot) {
		return snapshot.units()
			.stream()
			.filter((unit) -> unit.name().endsWith(".experts"))
			.mapToLong(EngineSnapshot.Unit::bytesRead)
			.sum();
	}

	@ParameterizedTest
	@ValueSource(strings = { "golden/mixtral", "golden/qwen2_moe", "golden/qwen3_moe", "golden/deepseek_v2",
			"golden/deepseek_v3", "golden/nemotron_h", "golden/gpt_oss", "golden-mlx/qwen3_moe-4bit-g32",
			"golden-mlx/gpt_oss-4bit-g32" })
	void theBitsAreTheSameWhateverIsKeptAndGuessed(String name) throws Exception {
		Golden golden = Golden.load(name);
		List<float[]> expected;
		int[] tokens;
		try (FlashEngine engine = FlashEngine.load(golden.config().build())) {
			expected = Golden.logits(engine, golden.prompt());
			tokens = Golden.generate(engine, golden.prompt(), golden.greedy().length).tokens();
		}
		List<FlashConfig> variants = new ArrayList<>();
		for (Keep keep : Keep.values()) {
			variants.add(golden.config()
				.expertStreaming(new ExpertStreaming(keep, keep == Keep.LAST_USED))
				.ramBudget(budget(golden, 0.3))
				.build());
		}
		for (double share : new double[] { 0, 0.1, 0.5, 0.9 }) {
			variants.add(golden.config()
				.expertStreaming(new ExpertStreaming(Keep.BY_USE, true))
				.prefillChunk((share == 0.5) ? 5 : 0)
				.threads((share == 0.9) ? 3 : 1)
				.ramBudget(budget(golden, share))
				.build());
		}
		for (FlashConfig variant : variants) {
			try (FlashEngine engine = FlashEngine.load(variant)) {
				for (int round = 0; round < 2; round++) {
					List<float[]> found = Golden.logits(engine, golden.prompt());
					for (int row = 0; row < expected.size(); row++) {
						assertThat(found.get(row)).as("row %d with %s", row, variant).isEqualTo(expected.get(row));
					}
					assertThat(Golden.generate(engine, golden.prompt(), golden.greedy().length).tokens())
						.as("%s", variant)
						.isEqualTo(tokens);
				}
				assertThat(engine.plan().plannedBytes()).isLessThanOrEqualTo(engine.plan().budgetBytes());
			}
		}
	}

	@Test
	void withoutACacheEveryTokenReadsItsExperts() throws Exception {
		Golden golden = Golden.load("golden/qwen3_moe");
		try (FlashEngine engine = FlashEngine.load(golden.config()
			.expertStreaming(new ExpertStreaming(Keep.NONE, false))
			.ramBudget(budget(golden, 0.3))
			.build())) {
			ResidencyPlan plan = engine.plan();
			Golden.generate(engine, new int[] { 1 }, 2);
			EngineSnapshot before = Settled.snapshot(engine);
			Golden.generate(engine, new int[] { 1 }, 10);
			EngineSnapshot after = Settled.snapshot(engine);
			long passes = after.work().passes() - before.work().passes();
			double needed = plan.units()
				.stream()
				.filter(ResidencyPlan.PlannedUnit::experts)
				.mapToDouble((unit) -> unit.bytes() * unit.share())
				.sum();
			assertThat(needed).isPositive();
			assertThat((double) (expertBytesRead(after) - expertBytesRead(before))).isBetween(0.98 * passes * needed,
					1.02 * passes * needed);
			assertThat(after.experts().hits()).isZero();
		}
	}

	@Test
	void whatIsUsedMostStays() throws Exception {
		Golden golden = Golden.load("golden/qwen3_moe");
		try (FlashEngine engine = FlashEngine.load(golden.config().ramBudget(budget(golden, 0.5)).build())) {
			Golden.generate(engine, new int[] { 1 }, 20);
			EngineSnapshot before = Settled.snapshot(engine);
			Golden.generate(engine, new int[] { 1 }, 20);
			EngineSnapshot after = Settled.snapshot(engine);
			long hits = after.experts().hits() - before.experts().hits();
			long misses = after.experts().misses() - before.experts().misses();
			assertThat(hits).isGreaterThan(misses);
			assertThat(after.experts().hitRate()).isBetween(0.3, 1.0);
			assertThat(after.experts().cachedBytes()).isPositive().isLessThanOrEqualTo(after.experts().capacityBytes());
			assertThat(after.memoryOf("weights.experts")).isEqualTo(after.experts().capacityBytes());
			assertThat(after.memory().stream().mapToLong(EngineSnapshot.Memory::bytes).sum())
				.isLessThanOrEqualTo(after.budgetBytes());
			ExpertMetrics experts = after.experts();
			assertThat(experts.lookaheadReads())
				.isGreaterThanOrEqualTo(experts.lookaheadUsed() + experts.lookaheadUseless());
		}
	}

	@Test
	void aMixtureThatFitsReadsEachExpertOnce() throws Exception {
		Golden golden = Golden.load("golden/qwen3_moe");
		try (FlashEngine engine = FlashEngine.load(golden.config().ramBudget(RamBudget.ofGigabytes(1)).build())) {
			assertThat(engine.plan().streamedBytes()).isZero();
			for (int i = 0; i < 4; i++) {
				Golden.generate(engine, golden.prompt(), golden.greedy().length);
			}
			EngineSnapshot after = Settled.snapshot(engine);
			assertThat(after.units()).filteredOn((unit) -> !unit.name().equals("embed_tokens"))
				.allMatch((unit) -> unit.bytesRead() <= unit.bytes() * 11 / 10);
			Golden.generate(engine, golden.prompt(), golden.greedy().length);
			assertThat(Settled.snapshot(engine).experts().misses()).isEqualTo(after.experts().misses());
		}
	}

	@ParameterizedTest
	@ValueSource(strings = { "golden/qwen3_moe", "golden/deepseek_v3" })
	void aPromptReadsEachExpertOnceHoweverManyChunksItHas(String name) throws Exception {
		Golden golden = Golden.load(name);
		int[] prompt = new int[60];
		Arrays.setAll(prompt, (i) -> 1 + 3 * i);
		FlashConfig.Builder config = golden.config().contextLength(64).prefillChunk(8);
		List<float[]> expected;
		try (FlashEngine whole = FlashEngine.load(golden.config().contextLength(64).build())) {
			expected = Golden.logits(whole, prompt);
		}
		ResidencyPlan least = FlashEngine.plan(config.ramBudget(RamBudget.MINIMUM).build());
		RamBudget budget = RamBudget.ofBytes(least.minimumBytes() + least.weightBytes() / 2);
		try (FlashEngine engine = FlashEngine.load(config.ramBudget(budget).build())) {
			assertThat(engine.plan().passRows()).isEqualTo(64);
			assertThat(engine.plan().chunkRows()).isLessThanOrEqualTo(8);
			Golden.generate(engine, new int[] { 1 }, 3);
			EngineSnapshot before = Settled.snapshot(engine);
			Golden.generate(engine, prompt, 1);
			EngineSnapshot after = Settled.snapshot(engine);
			assertThat(after.work().passes() - before.work().passes()).isEqualTo(1);
			// The embedding, the last, is read by row.
			for (int i = 0; i < after.units().size() - 1; i++) {
				assertThat(after.units().get(i).bytesRead() - before.units().get(i).bytesRead())
					.as(after.units().get(i).name())
					.isLessThanOrEqualTo(after.units().get(i).bytes() * 11 / 10);
			}
			List<float[]> found = Golden.logits(engine, prompt);
			for (int i = 0; i < prompt.length; i++) {
				assertThat(found.get(i)).isEqualTo(expected.get(i));
			}
		}
	}

}
