package io.github.flashspring.engine.residency;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

import io.github.flashspring.engine.storage.Disk;
import io.github.flashspring.engine.memory.BudgetExceededException;
import io.github.flashspring.engine.memory.RamBudget;
import io.github.flashspring.engine.storage.ReadPattern;
import io.github.flashspring.engine.weights.Block;
import io.github.flashspring.engine.weights.BlockLayout;
import io.github.flashspring.engine.weights.Parameter;
import io.github.flashspring.engine.weights.WeightLayout;
import io.github.flashspring.engine.weights.WeightGroup;
import org.junit.jupiter.api.Test;

import io.github.flashspring.engine.checkpoint.Checkpoint;
import io.github.flashspring.engine.checkpoint.CheckpointException;
import io.github.flashspring.engine.metrics.ByteSize;
import io.github.flashspring.engine.residency.ResidencyPlan.PlannedBlock;
import io.github.flashspring.engine.residency.ResidencyPlan.PlannedUnit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

class ResidencyPlanTests {

	private static final long KV = 10_000;

	private static final ResidencyPlan.Needs NEEDS = new ResidencyPlan.Needs(64, 100, KV, 500,
			(chunkRows, passRows) -> chunkRows * 100L + passRows * 10L);

	private static final Disk DISK = new Disk(
			List.of(new ReadPattern(1 << 14, 1, 1e9, true), new ReadPattern(1 << 15, 2, 1.5e9, true)), 512);

	private static ResidencyPlan plan(RamBudget budget, WeightLayout layout) {
		return ResidencyPlan.of(budget, layout, NEEDS, DISK);
	}

	private static Checkpoint checkpoint(String resource) throws Exception {
		return Checkpoint
			.open(Path.of(Objects.requireNonNull(ResidencyPlanTests.class.getResource("/" + resource)).toURI()));
	}

	/** The trained model's five layers, tied head and embedding, by their names only. */
	private static WeightLayout layout(Checkpoint checkpoint, List<String> ignored) {
		List<WeightGroup> units = new ArrayList<>();
		for (int i = 0; i < 5; i++) {
			WeightGroup unit = new WeightGroup("layers." + i, "model.layers." + i + ".");
			unit.vector("input_layernorm.weight", 64);
			unit.matrix("self_attn.q_proj", 64, 64);
			unit.matrix("self_attn.k_proj", 32, 64);
			unit.matrix("self_attn.v_proj", 32, 64);
			unit.matrix("self_attn.o_proj", 64, 64);
			unit.vector("post_attention_layernorm.weight", 64);
			unit.matrix("mlp.gate_proj", 172, 64);
			unit.matrix("mlp.up_proj", 172, 64);
			unit.matrix("mlp.down_proj", 64, 172);
			units.add(unit);
		}
		WeightGroup head = WeightGroup.head("head", "model.");
		head.vector("norm.weight", 64);
		head.matrix("embed_tokens", 512, 64);
		units.add(head);
		WeightGroup embedding = WeightGroup.embedding("embed_tokens", "model.");
		embedding.matrix("embed_tokens", 512, 64);
		return WeightLayout.of(checkpoint, units, embedding, ignored);
	}

	@Test
	void prefixesGetAShareThatIsNeverInTheMinimum() throws Exception {
		long wanted = 30_000;
		ResidencyPlan.Needs needs = new ResidencyPlan.Needs(64, 100, KV, new ResidencyPlan.Prefixes(wanted, true), 500,
				NEEDS.work());
		ResidencyPlan.Needs unasked = new ResidencyPlan.Needs(64, 100, KV, new ResidencyPlan.Prefixes(wanted, false),
				500, NEEDS.work());
		try (Checkpoint checkpoint = checkpoint("models/stories260K/bf16")) {
			WeightLayout layout = layout(checkpoint, List.of());
			ResidencyPlan least = ResidencyPlan.of(RamBudget.MINIMUM, layout, needs, DISK);
			assertThat(least.prefixBytes()).isZero();
			assertThat(least.minimumBytes()).isEqualTo(plan(RamBudget.MINIMUM, layout).minimumBytes());
			ResidencyPlan everything = ResidencyPlan.of(RamBudget.UNLIMITED, layout, needs, DISK);
			assertThat(everything.prefixBytes()).isEqualTo(wanted);
			for (long extra = 0; extra < 2 * everything.plannedBytes(); extra += 7001) {
				RamBudget budget = RamBudget.ofBytes(least.minimumBytes() + extra);
				ResidencyPlan found = ResidencyPlan.of(budget, layout, needs, DISK);
				assertThat(found.plannedBytes()).isLessThanOrEqualTo(budget.bytes());
				assertThat(found.budget()).isEqualTo(budget);
				if (plan(budget, layout).streamedBytes() == 0) {
					assertThat(found.streamedBytes()).as("weights come first").isZero();
				}
				else {
					assertThat(found.prefixBytes()).isEqualTo(Math.min(wanted, extra / 8));
					assertThat(ResidencyPlan.of(budget, layout, unasked, DISK).prefixBytes()).isZero();
				}
				assertThat(found.with(budget, layout, needs, DISK).plannedBytes()).isLessThanOrEqualTo(budget.bytes());
				if (budget.bytes() > everything.plannedBytes() / 2) {
					assertThat(everything.with(budget, layout, needs, DISK).plannedBytes())
						.as("memory that an engine keeps of more")
						.isLessThanOrEqualTo(budget.bytes());
				}
			}
		}
	}

	/** Only large reads were measured, which small budgets cannot afford. */
	@Test
	void predictedSpeedGrowsWithMemory() throws Exception {
		try (Checkpoint checkpoint = checkpoint("models/stories260K/bf16")) {
			WeightLayout layout = layout(checkpoint, List.of());
			PlannedShare share = new PlannedShare("model", layout, NEEDS,
					new Disk(List.of(new ReadPattern(1 << 15, 2, 3e8, true)), 512));
			long minimum = share.minimumBytes();
			double fastest = share.tokensPerSecond(minimum);
			for (long bytes = minimum; bytes < minimum + 2 * checkpoint.totalBytes(); bytes += 10_000) {
				assertThat(share.tokensPerSecond(bytes)).isGreaterThanOrEqualTo(fastest * 0.9);
				fastest = Math.max(fastest, share.tokensPerSecond(bytes));
			}
			assertThat(fastest).isGreaterThan(2 * share.tokensPerSecond(minimum));
		}
	}

	@Test
	void everyBudgetIsKeptAndMoreOfItPinsMore() throws Exception {
		try (Checkpoint checkpoint = checkpoint("models/stories260K/bf16")) {
			WeightLayout layout = layout(checkpoint, List.of());
			ResidencyPlan least = plan(RamBudget.MINIMUM, layout);
			assertThat(least.plannedBytes()).isEqualTo(least.minimumBytes()).isEqualTo(least.budgetBytes());
			assertThat(least.units()).hasSize(6).allMatch((unit) -> unit.pinnedBytes() == 0);
			assertThat(least.passRows()).isEqualTo(1);
			ResidencyPlan all = plan(RamBudget.UNLIMITED, layout);
			assertThat(all.budget().unlimited()).isTrue();
			assertThat(all.mapped()).isFalse();
			assertThat(all.streamedBytes()).isZero();
			assertThat(all.windowBytes()).isZero();
			assertThat(all.chunkRows()).isEqualTo(64);
			assertThat(all.weightBytes()).isBetween(checkpoint.totalBytes(), checkpoint.totalBytes() * 11 / 10);
			long pinned = 0;
			for (long budget = least.minimumBytes(); budget <= all.plannedBytes() + 10_000; budget += 997) {
				ResidencyPlan plan = plan(RamBudget.ofBytes(budget), layout);
				assertThat(plan.plannedBytes()).isLessThanOrEqualTo(budget);
				assertThat(plan.pinnedBytes() + plan.streamedBytes()).isEqualTo(plan.weightBytes());
				assertThat(plan.blocks().stream().filter(PlannedBlock::pinned).mapToLong(PlannedBlock::bytes).sum()
						+ plan.vectorBytes())
					.isEqualTo(plan.pinnedBytes());
				if (plan.streamedBytes() > 0) {
					assertThat(plan.windowBytes()).isGreaterThanOrEqualTo(
							2 * plan.blocks().stream().mapToLong(PlannedBlock::bytes).max().orElse(0));
				}
				assertThat(plan.passRows()).isGreaterThanOrEqualTo(plan.chunkRows());
				if (plan.passRows() > plan.chunkRows() && plan.streamedBytes() > 0) {
					assertThat(plan.windowBytes()).as("a layer stays while its rows go through")
						.isGreaterThan(
								plan.units().stream().limit(5).mapToLong(PlannedUnit::streamedBytes).max().orElse(0));
				}
				pinned = Math.max(pinned, plan.pinnedBytes());
			}
			assertThat(pinned).isEqualTo(all.weightBytes());
		}
	}

	@Test
	void aSecondPatternIsUsedWhereItsRateIsWorthItsWindow() throws Exception {
		try (Checkpoint checkpoint = checkpoint("models/stories260K/bf16")) {
			WeightLayout layout = layout(checkpoint, List.of());
			long least = plan(RamBudget.MINIMUM, layout).minimumBytes();
			assertThat(plan(RamBudget.ofBytes(least + 300_000), layout).reads().readsInFlight()).isEqualTo(2);
			assertThat(plan(RamBudget.ofBytes(least + 50_000), layout).reads().readsInFlight()).isEqualTo(1);
			ResidencyPlan plan = plan(RamBudget.ofBytes(least + 300_000), layout);
			assertThat(plan.tokensPerSecond()).isEqualTo(1.5e9 / plan.streamedBytes());
			assertThat(plan.render()).contains("tokens/s at most", "layers.0", "head", "passes of ");
		}
	}

	@Test
	void blocksHoldEveryRowOfEveryMatrixOnce() throws Exception {
		try (Checkpoint checkpoint = checkpoint("models/stories260K/bf16")) {
			WeightLayout layout = layout(checkpoint, List.of());
			for (long size : new long[] { 4096, 20_000, 1 << 20 }) {
				BlockLayout blocks = BlockLayout.cut(layout, size, 512);
				assertThat(blocks.groups()).isEqualTo(6);
				for (int unit = 0; unit < 6; unit++) {
					int[] next = new int[layout.groups().get(unit).weights().size()];
					for (Block block : blocks.of(unit)) {
						assertThat(block.bytes()).isLessThanOrEqualTo(2 * size + 20 * 512);
						assertThat(block.extents())
							.allMatch((extent) -> extent.offset() % 512 == 0 && extent.length() % 512 == 0);
						for (Block.Tile tile : block.tiles()) {
							assertThat(tile.firstRow()).isEqualTo(next[tile.weight()]);
							next[tile.weight()] += tile.rows();
						}
					}
					for (int i = 0; i < next.length; i++) {
						Parameter parameter = layout.groups().get(unit).weights().get(i).parameter();
						assertThat(next[i]).isEqualTo(parameter.vector() ? 0 : parameter.rows());
					}
				}
			}
		}
	}

	@Test
	void tooSmallABudgetIsRefusedWithTheArithmeticAndTheWaysOut() throws Exception {
		try (Checkpoint checkpoint = checkpoint("models/stories260K/bf16")) {
			WeightLayout layout = layout(checkpoint, List.of());
			long least = plan(RamBudget.MINIMUM, layout).minimumBytes();
			assertThatExceptionOfType(BudgetExceededException.class)
				.isThrownBy(() -> plan(RamBudget.ofBytes(least - 1), layout))
				.withMessageContainingAll(ByteSize.readable(KV), "at least " + least + " bytes", "flash.ram-budget-gb",
						"--ram", "flash.context-length", "--context")
				.satisfies((ex) -> assertThat(ex.neededBytes()).isEqualTo(least));
		}
	}

	@Test
	void tensorsThatAreMissingSurplusOrOfAnotherShapeAreRefused() throws Exception {
		try (Checkpoint checkpoint = checkpoint("models/babyllama105/bf16")) {
			assertThatExceptionOfType(CheckpointException.class).isThrownBy(() -> layout(checkpoint, List.of()))
				.withMessageContainingAll("model.layers.0.input_layernorm.weight", "[64]", "[128]");
		}
		try (Checkpoint checkpoint = checkpoint("golden/qwen3")) {
			WeightGroup unit = new WeightGroup("layers.0", "model.layers.0.");
			unit.vector("self_attn.q_norm.weight", 16);
			WeightGroup embedding = WeightGroup.embedding("embed_tokens", "model.");
			embedding.matrix("embed_tokens", 256, 64);
			assertThatExceptionOfType(CheckpointException.class)
				.isThrownBy(() -> WeightLayout.of(checkpoint, List.of(unit), embedding, List.of("layernorm.weight")))
				.withMessageContaining("does not use");
			unit.vector("self_attn.q_nom.weight", 16);
			assertThatExceptionOfType(CheckpointException.class)
				.isThrownBy(() -> WeightLayout.of(checkpoint, List.of(unit), embedding, List.of()))
				.withMessageContaining("q_norm");
		}
	}

	@Test
	void withoutMeasurementsReadsTakeASmallShareOfTheMemory() throws Exception {
		try (Checkpoint checkpoint = checkpoint("models/stories260K/bf16")) {
			WeightLayout layout = layout(checkpoint, List.of());
			for (long budget = 400_000; budget < 600_000; budget += 9973) {
				ResidencyPlan plan = ResidencyPlan.of(RamBudget.ofBytes(budget), layout, NEEDS,
						new Disk(List.of(), 512));
				assertThat(plan.windowBytes()).isLessThan(budget / 4);
			}
		}
	}

	@Test
	void aPatternThatWasLuckyDoesNotReplaceTheUsualOne() throws Exception {
		try (Checkpoint checkpoint = checkpoint("models/stories260K/bf16")) {
			WeightLayout layout = layout(checkpoint, List.of());
			ReadPattern usual = new ReadPattern(4 << 20, 8, 1e9, true);
			RamBudget budget = RamBudget.ofBytes(500_000);
			assertThat(ResidencyPlan
				.of(budget, layout, NEEDS, new Disk(List.of(new ReadPattern(1 << 20, 1, 1.1e9, true), usual), 512))
				.reads()).isEqualTo(usual);
			ReadPattern better = new ReadPattern(1 << 20, 1, 2e9, true);
			assertThat(ResidencyPlan.of(budget, layout, NEEDS, new Disk(List.of(better, usual), 512)).reads())
				.isEqualTo(better);
		}
	}

}
