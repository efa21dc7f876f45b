package io.github.flashspring.engine.residency;

import java.util.ArrayList;
import java.util.List;

import io.github.flashspring.engine.memory.RamBudget;
import io.github.flashspring.engine.storage.ReadPattern;
import io.github.flashspring.engine.weights.Block;
import io.github.flashspring.engine.weights.BlockLayout;
import io.github.flashspring.engine.weights.WeightGroup.Kind;
import io.github.flashspring.engine.weights.WeightLayout;

/**
 * A division of the budget.
 *
 * @param budget what is divided
 * @param chunkRows rows that a layer computes at once
 * @param passRows rows of a pass
 * @param reads how blocks are read
 * @param blocks the blocks
 * @param windowBytes memory for reads
 * @param pinned which blocks stay in memory
 * @param expertBytes memory for blocks on demand
 * @param fits whether there is enough memory for this division
 */
record PlanDraft(RamBudget budget, int chunkRows, int passRows, ReadPattern reads, BlockLayout blocks, long windowBytes,
		boolean[] pinned, long expertBytes, boolean fits) {

	/** What a block costs besides its bytes: a wait, and kernels that start anew. */
	private static final double BLOCK_SECONDS = 30e-6;

	/** Share of the experts that there is memory for. */
	double expertShare() {
		long all = this.blocks.onDemandBytes();
		return (all == 0) ? 1 : (double) this.expertBytes / all;
	}

	/**
	 * {@return bytes that a token reads, if all experts are used alike}
	 */
	double streamedBytes(WeightLayout layout) {
		double bytes = 0;
		for (Block block : this.blocks.blocks()) {
			if (block.onDemand()) {
				bytes += block.bytes() * (1 - expertShare()) * layout.groups().get(block.group()).share();
			}
			else if (block.kind() != Kind.EMBEDDING && !this.pinned[block.index()]) {
				bytes += block.bytes();
			}
		}
		return bytes;
	}

	/**
	 * {@return time to read what is streamed}
	 */
	double seconds(WeightLayout layout) {
		return streamedBytes(layout) / Math.max(1, this.reads.bytesPerSecond())
				+ this.blocks.blocks().size() * BLOCK_SECONDS;
	}

	/**
	 * {@return the most that a layer streams: held until the last rows went through it}
	 */
	long maxHeldBytes() {
		long most = 0;
		for (int group = 0; group < this.blocks.groups(); group++) {
			long bytes = 0;
			for (Block block : this.blocks.of(group)) {
				bytes += (block.kind() != Kind.LAYER || this.pinned[block.index()]) ? 0 : block.bytes();
			}
			most = Math.max(most, bytes);
		}
		return most;
	}

	/**
	 * {@return the parts of a model and their places}
	 */
	List<ResidencyPlan.PlannedUnit> parts(WeightLayout layout) {
		List<ResidencyPlan.PlannedUnit> parts = new ArrayList<>();
		for (WeightLayout.Part part : layout.parts()) {
			long bytes = 0;
			long inMemory = 0;
			boolean embedding = false;
			for (int group = part.from(); group < part.to(); group++) {
				for (Block block : this.blocks.of(group)) {
					bytes += block.bytes();
					inMemory += this.pinned[block.index()] ? block.bytes() : 0;
					embedding |= block.kind() == Kind.EMBEDDING;
				}
			}
			if (part.experts()) {
				inMemory = Math.round(bytes * expertShare());
			}
			parts.add(new ResidencyPlan.PlannedUnit(part.name(), bytes, inMemory, embedding && inMemory < bytes,
					part.experts(), part.share()));
		}
		return parts;
	}

}
