package io.github.flashspring.engine.residency;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

import org.junit.jupiter.api.Test;

import io.github.flashspring.engine.checkpoint.Checkpoint;
import io.github.flashspring.engine.checkpoint.CheckpointException;
import io.github.flashspring.engine.metrics.ByteSize;
import io.github.flashspring.engine.residency.ResidencyPlan.PlannedUnit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

class ResidencyPlanTests {

	private static final long KV = 10_000;

	private static final ResidencyPlan.Needs NEEDS = new ResidencyPlan.Needs(64, 100, KV, 500, (rows) -> rows * 100L);

	private static Checkpoint checkpoint(String resource) throws Exception {
		return Checkpoint
			.open(Path.of(Objects.requireNonNull(ResidencyPlanTests.class.getResource("/" + resource)).toURI()));
	}

	/** The trained model's five layers, tied head and embedding, by their names only. */
	private static WeightLayout layout(Checkpoint checkpoint, List<String> ignored) {
		List<WeightUnit> units = new ArrayList<>();
		for (int i = 0; i < 5; i++) {
			WeightUnit unit = new WeightUnit("layers." + i, "model.layers." + i + ".");
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
		WeightUnit head = new WeightUnit("head", "model.");
		head.vector("norm.weight", 64);
		head.matrix("embed_tokens", 512, 64);
		units.add(head);
		WeightUnit embedding = new WeightUnit("embed_tokens", "model.");
		embedding.matrix("embed_tokens", 512, 64);
		return WeightLayout.of(checkpoint, units, embedding, ignored);
	}

	@Test
	void everyBudgetIsKeptAndMoreOfItPinsMore() throws Exception {
		try (Checkpoint checkpoint = checkpoint("models/stories260K/bf16")) {
			WeightLayout layout = layout(checkpoint, List.of());
			ResidencyPlan least = ResidencyPlan.of(RamBudget.MINIMUM, layout, NEEDS);
			assertThat(least.plannedBytes()).isEqualTo(least.minimumBytes()).isEqualTo(least.budgetBytes());
			assertThat(least.units()).hasSize(6).noneMatch(PlannedUnit::pinned);
			assertThat(least.prefillChunk()).isEqualTo(1);
			ResidencyPlan all = ResidencyPlan.of(RamBudget.UNLIMITED, layout, NEEDS);
			assertThat(all.units()).allMatch(PlannedUnit::pinned);
			assertThat(all.windowBytes()).isZero();
			assertThat(all.prefillChunk()).isEqualTo(64);
			assertThat(all.weightBytes()).isBetween(checkpoint.totalBytes(), checkpoint.totalBytes() + 6 * 9 * 64);
			long pinned = 0;
			for (long budget = least.minimumBytes(); budget <= all.plannedBytes(); budget += 997) {
				ResidencyPlan plan = ResidencyPlan.of(RamBudget.ofBytes(budget), layout, NEEDS);
				assertThat(plan.plannedBytes()).isLessThanOrEqualTo(budget);
				assertThat(plan.windowBytes()).isEqualTo(plan.units()
					.stream()
					.filter((unit) -> !unit.pinned())
					.mapToLong(PlannedUnit::bytes)
					.max()
					.orElse(0));
				pinned = Math.max(pinned, plan.pinnedBytes());
			}
			assertThat(pinned).isGreaterThan(all.weightBytes() / 2);
			assertThat(ResidencyPlan.of(RamBudget.ofBytes(all.plannedBytes()), layout, NEEDS).units())
				.allMatch(PlannedUnit::pinned);
		}
	}

	@Test
	void whatStreamsLiesBetweenWhatIsPinned() throws Exception {
		try (Checkpoint checkpoint = checkpoint("models/stories260K/bf16")) {
			WeightLayout layout = layout(checkpoint, List.of());
			long layer = layout.units().getFirst().bytes();
			long least = ResidencyPlan.of(RamBudget.MINIMUM, layout, NEEDS).minimumBytes();
			ResidencyPlan plan = ResidencyPlan.of(RamBudget.ofBytes(least + 3 * layer + 6400), layout, NEEDS);
			List<Boolean> pinned = plan.units().stream().map(PlannedUnit::pinned).toList();
			assertThat(pinned.stream().filter(Boolean::booleanValue)).hasSizeBetween(2, 4);
			for (int i = 0; i + 2 < pinned.size(); i++) {
				assertThat(pinned.subList(i, i + 3)).as("%s", pinned).contains(true).contains(false);
			}
		}
	}

	@Test
	void tooSmallABudgetIsRefusedWithTheArithmetic() throws Exception {
		try (Checkpoint checkpoint = checkpoint("models/stories260K/bf16")) {
			WeightLayout layout = layout(checkpoint, List.of());
			long least = ResidencyPlan.of(RamBudget.MINIMUM, layout, NEEDS).minimumBytes();
			assertThatExceptionOfType(BudgetExceededException.class)
				.isThrownBy(() -> ResidencyPlan.of(RamBudget.ofBytes(least - 1), layout, NEEDS))
				.withMessageContainingAll("layers.0", ByteSize.readable(KV), "at least " + least + " bytes")
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
			WeightUnit unit = new WeightUnit("layers.0", "model.layers.0.");
			unit.vector("self_attn.q_norm.weight", 16);
			WeightUnit embedding = new WeightUnit("embed_tokens", "model.");
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

}
