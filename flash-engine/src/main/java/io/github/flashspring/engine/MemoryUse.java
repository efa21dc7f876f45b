package io.github.flashspring.engine;

import java.util.ArrayList;
import java.util.List;

import io.github.flashspring.engine.metrics.EngineSnapshot;
import io.github.flashspring.engine.residency.ResidencyPlan;

/**
 * Reports what the memory of a plan is used for.
 */
final class MemoryUse {

	private MemoryUse() {
	}

	/**
	 * The memory that a plan reserves, by purpose.
	 * @param plan the plan in force
	 * @param scratchBytes the part of its work memory that kernels use
	 * @return the purposes, in the order in which they are shown
	 */
	static List<EngineSnapshot.Memory> planned(ResidencyPlan plan, long scratchBytes) {
		List<EngineSnapshot.Memory> memory = new ArrayList<>();
		memory.add(new EngineSnapshot.Memory("weights.pinned", plan.pinnedBytes() - plan.cachedExpertBytes()));
		if (plan.expertBytes() > 0) {
			memory.add(new EngineSnapshot.Memory("weights.experts", plan.expertBytes()));
		}
		memory.add(new EngineSnapshot.Memory("weights.window", plan.windowBytes()));
		memory.add(new EngineSnapshot.Memory("kv", plan.kvBytes()));
		if (plan.prefixBytes() > 0) {
			memory.add(new EngineSnapshot.Memory("prefix", plan.prefixBytes()));
		}
		memory.add(new EngineSnapshot.Memory("activations", plan.workBytes() - scratchBytes));
		memory.add(new EngineSnapshot.Memory("scratch", scratchBytes));
		memory.add(new EngineSnapshot.Memory("tokenizer", plan.tokenizerBytes()));
		memory.add(new EngineSnapshot.Memory("heap", plan.heapBytes()));
		return memory;
	}

}
