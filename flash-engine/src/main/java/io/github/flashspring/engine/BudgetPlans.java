package io.github.flashspring.engine;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import java.util.function.LongFunction;
import java.util.stream.Stream;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.memory.BudgetExceededException;
import io.github.flashspring.engine.memory.RamBudget;
import io.github.flashspring.engine.model.ModelDefinition;
import io.github.flashspring.engine.residency.ResidencyPlan;
import io.github.flashspring.engine.storage.DiskProbe;
import io.github.flashspring.engine.weights.WeightFiles;
import io.github.flashspring.engine.weights.WeightLayout;

/**
 * A model planned for several budgets, all with the same knowledge of the disk.
 *
 * @param architecture the model's {@code model_type}
 * @param weightBytes size of its weights
 * @param weightBytesPerToken weights that a decoded token is multiplied with
 * @param minimumBytes the least in which the model can run with this context
 * @param contextLength positions of a sequence
 * @param kvBytesPerThousand keys and values of 1,000 tokens
 * @param computeBytesPerSecond weights that this device was seen to compute with per
 * second when it waited for none; 0 if no model of this precision ran on it yet
 * @param plans one for each budget, in their order
 */
public record BudgetPlans(String architecture, long weightBytes, long weightBytesPerToken, long minimumBytes,
		int contextLength, long kvBytesPerThousand, double computeBytesPerSecond, List<BudgetPlan> plans) {

	private static final int MEASURED_CONTEXT = 4096;

	public BudgetPlans {
		plans = List.copyOf(plans);
	}

	/**
	 * Plans.
	 * @param config model and settings with a budget; null: the default
	 * @param budgets from the size of the weights in bytes to a budget; null: the default
	 * @param outline whether the folder holds headers alone, so that its files tell
	 * nothing about how fast they are read: a disk that is not known is measured with a
	 * file that is written for that
	 * @return the plans
	 * @throws io.github.flashspring.engine.checkpoint.CheckpointException if files are
	 * missing or wrong
	 */
	public static BudgetPlans of(Function<@Nullable RamBudget, FlashConfig> config,
			List<LongFunction<@Nullable RamBudget>> budgets, boolean outline) {
		FlashConfig minimum = config.apply(RamBudget.MINIMUM);
		EngineParts least = parts(minimum, outline);
		if (outline && least.plan().weightBytes() >= DiskProbe.MIN_FILE) {
			DiskSample.measure(least.checkpoint().folder(), minimum.reading().direct());
		}
		long weights = weightBytes(least.layout());
		List<BudgetPlan> plans = new ArrayList<>();
		for (LongFunction<@Nullable RamBudget> choice : budgets) {
			RamBudget budget = choice.apply(weights);
			try {
				plans.add(new BudgetPlan(budget, parts(config.apply(budget), true).plan(), null));
			}
			catch (BudgetExceededException ex) {
				plans.add(new BudgetPlan(budget, null, ex));
			}
		}
		int context = least.needs().contextLength();
		return new BudgetPlans(least.checkpoint().config().modelType(), weights, least.plan().weightBytesPerToken(),
				least.plan().minimumBytes(), context, kvBytesPerThousand(least.definition()),
				ComputeRates.ofSystem().find(least.device().info().name(), Precision.describe(least.checkpoint())),
				plans);
	}

	/** Of a context that is long against a page of the cache; states do not grow. */
	private static long kvBytesPerThousand(ModelDefinition definition) {
		int context = Math.min(MEASURED_CONTEXT, definition.shape().maxPositions());
		return definition.kvBytes(context, context, 0) * 1000 / context;
	}

	/** Plans count whole blocks, whose size depends on the budget. */
	private static long weightBytes(WeightLayout layout) {
		Map<String, Long> sizes = new HashMap<>();
		Stream.concat(layout.groups().stream(), Stream.of(layout.embedding()))
			.flatMap((group) -> group.weights().stream())
			.flatMap((weight) -> weight.parts().stream())
			.forEach((part) -> sizes.put(part.name(), part.byteSize()));
		return sizes.values().stream().mapToLong(Long::longValue).sum();
	}

	/**
	 * Tokens per second of one sequence that are to be expected: what disk or compute
	 * allows, whichever is less.
	 * @param plan one of the plans
	 * @return the rate; 0 if what bounds it was not measured
	 */
	public double expectedTokensPerSecond(ResidencyPlan plan) {
		double compute = this.computeBytesPerSecond / Math.max(1, this.weightBytesPerToken);
		if (plan.streamedBytes() == 0 || plan.mapped()) {
			return compute;
		}
		return (compute > 0) ? Math.min(compute, plan.tokensPerSecond()) : 0;
	}

	/** Closed already: what a plan is made of stays known. */
	private static EngineParts parts(FlashConfig config, boolean remembered) {
		try (Resources resources = new Resources()) {
			return EngineParts.planned(config, remembered ? WeightFiles::disk : WeightFiles::measuredDisk, resources);
		}
	}

	/**
	 * The plan for one budget.
	 *
	 * @param budget memory that may be used; null: the default
	 * @param plan how it would be divided; null if the model cannot run in it
	 * @param refusal why there is no plan; null if there is one
	 */
	public record BudgetPlan(@Nullable RamBudget budget, @Nullable ResidencyPlan plan,
			@Nullable BudgetExceededException refusal) {

		/**
		 * {@return the least in which the model can run; 0 if it can run in this}
		 */
		public long neededBytes() {
			return (this.refusal != null) ? this.refusal.neededBytes() : 0;
		}

		/**
		 * {@return the plan}
		 * @throws BudgetExceededException if there is none
		 */
		public ResidencyPlan required() {
			if (this.plan == null) {
				throw Objects.requireNonNull(this.refusal);
			}
			return this.plan;
		}

	}

}
