package io.github.flashspring.engine.residency;

import java.util.List;

import io.github.flashspring.engine.storage.ReadPattern;
import org.jspecify.annotations.Nullable;

/**
 * A {@link ResidencyPlan} for programs: its figures by name, without single blocks. Sizes
 * are in bytes.
 *
 * @param budgetBytes memory that may be used; null: no bound
 * @param minimumBytes the least in which the model can run with this context
 * @param plannedBytes all memory of the plan
 * @param weightBytes weights of all parts
 * @param pinnedBytes weights that stay in memory
 * @param windowBytes memory into which weights are read ahead
 * @param kvBytes keys and values
 * @param prefixBytes the prefix cache, besides what no sequence needs of keys and values
 * @param workBytes activations and scratch memory
 * @param tokenizerBytes the tokenizer
 * @param heapBytes what the engine itself needs on the heap
 * @param contextLength positions of a sequence
 * @param passRows most tokens of a pass
 * @param chunkRows tokens of a pass that a layer computes at once
 * @param streamedBytesPerToken what each pass reads
 * @param reads how it is read; null where nothing is
 * @param limitTokensPerSecond what the disk allows at most; null where nothing is read or
 * the disk was not measured
 * @param units parts of the model in the order of a pass
 */
public record PlanReport(@Nullable Long budgetBytes, long minimumBytes, long plannedBytes, long weightBytes,
		long pinnedBytes, long windowBytes, long kvBytes, long prefixBytes, long workBytes, long tokenizerBytes,
		long heapBytes, int contextLength, int passRows, int chunkRows, long streamedBytesPerToken,
		@Nullable ReadPattern reads, @Nullable Double limitTokensPerSecond, List<Unit> units) {

	public PlanReport {
		units = List.copyOf(units);
	}

	/**
	 * Reports on a plan.
	 * @param plan the plan
	 * @return the report
	 */
	public static PlanReport of(ResidencyPlan plan) {
		boolean streams = plan.streamedBytes() > 0;
		boolean measured = streams && plan.reads().bytesPerSecond() > 0;
		return new PlanReport(plan.budget().bound(), plan.minimumBytes(), plan.plannedBytes(), plan.weightBytes(),
				plan.pinnedBytes(), plan.windowBytes(), plan.kvBytes(), plan.prefixBytes(), plan.workBytes(),
				plan.tokenizerBytes(), plan.heapBytes(), plan.contextLength(), plan.passRows(), plan.chunkRows(),
				plan.streamedBytes(), streams ? plan.reads() : null,
				measured ? Double.valueOf(plan.tokensPerSecond()) : null,
				plan.units()
					.stream()
					.map((unit) -> new Unit(unit.name(), unit.bytes(), unit.pinnedBytes(), unit.streamedBytes(),
							unit.rowsOnDemand()))
					.toList());
	}

	/**
	 * A part of the model.
	 *
	 * @param name such as {@code layers.3}
	 * @param bytes its weights
	 * @param pinnedBytes what of them stays in memory
	 * @param streamedBytes what each pass reads of them
	 * @param rowsOnDemand whether what does not stay is read by row, for the tokens of a
	 * pass alone
	 */
	public record Unit(String name, long bytes, long pinnedBytes, long streamedBytes, boolean rowsOnDemand) {

	}

}
