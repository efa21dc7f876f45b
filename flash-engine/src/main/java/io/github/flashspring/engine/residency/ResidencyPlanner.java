package io.github.flashspring.engine.residency;

import java.util.Arrays;
import java.util.List;

import io.github.flashspring.engine.memory.BudgetExceededException;
import io.github.flashspring.engine.memory.RamBudget;
import io.github.flashspring.engine.metrics.ByteSize;
import io.github.flashspring.engine.residency.ResidencyPlan.Needs;
import io.github.flashspring.engine.residency.ResidencyPlan.PlannedBlock;
import io.github.flashspring.engine.storage.Disk;
import io.github.flashspring.engine.storage.ReadPattern;
import io.github.flashspring.engine.weights.Block;
import io.github.flashspring.engine.weights.BlockLayout;
import io.github.flashspring.engine.weights.WeightLayout;

/**
 * Computes {@link ResidencyPlan}s: what is fixed comes first, then activations and the
 * window for reads, each bounded by a share of what is free, and all the rest pins.
 */
final class ResidencyPlanner {

	/**
	 * What is copied from the page cache at once, for weights that stay there: enough
	 * that looking at the file afterwards costs little.
	 */
	private static final ReadPattern CACHED = new ReadPattern(4 << 20, 2, 0, false);

	/** Share of the free memory that goes to more rows at once, instead of pinning. */
	private static final int WORK_SHARE = 4;

	/** Share of the free memory for passes over a whole prompt, instead of pinning. */
	private static final int PASS_SHARE = 4;

	/**
	 * Share of the free memory for a prefix cache that somebody wants while weights are
	 * streamed. By default it has the memory of keys and values that no sequence needs:
	 * an eighth less for weights makes each token read 1.4 times as much where 80 % of a
	 * model are pinned.
	 */
	private static final int PREFIX_SHARE = 8;

	private final WeightLayout layout;

	private final Needs needs;

	private final Disk disk;

	private final PlanMemory memory;

	ResidencyPlanner(WeightLayout layout, Needs needs, Disk disk) {
		this.layout = layout;
		this.needs = needs;
		this.disk = disk;
		this.memory = new PlanMemory(layout, needs, disk);
	}

	/**
	 * Plans.
	 * @param budget memory that may be used
	 * @return the plan
	 * @throws BudgetExceededException if the budget is too small
	 */
	ResidencyPlan plan(RamBudget budget) {
		return switch (budget.kind()) {
			case UNLIMITED ->
				(this.disk.mapped() ? mapped() : unlimited()).withPrefixes(budget, this.needs.prefixes().maxBytes());
			case MINIMUM -> plan(this.memory.minimumDraft());
			case BYTES -> withPrefixes(budget);
		};
	}

	/** Where all weights fit, prefixes get what is left. */
	private ResidencyPlan withPrefixes(RamBudget budget) {
		ResidencyPlan whole = plan(within(budget));
		long most = this.needs.prefixes().maxBytes();
		if (whole.streamedBytes() == 0) {
			return whole.withPrefixes(budget, Math.clamp(budget.bytes() - whole.plannedBytes(), 0, most));
		}
		if (!this.needs.prefixes().whileStreaming()) {
			return whole;
		}
		long free = budget.bytes() - this.memory.minimum();
		long prefixes = Math.min(free / PREFIX_SHARE, most);
		return plan(within(RamBudget.ofBytes(budget.bytes() - prefixes))).withPrefixes(budget, prefixes);
	}

	private ResidencyPlan unlimited() {
		BlockLayout blocks = this.memory.cut(ReadPattern.DEFAULT);
		boolean[] all = new boolean[blocks.blocks().size()];
		Arrays.fill(all, true);
		int chunk = this.needs.chunkRows();
		return plan(new PlanDraft(RamBudget.UNLIMITED, chunk, chunk, ReadPattern.DEFAULT, blocks, 0, all,
				blocks.onDemandBytes(), true));
	}

	/** Nothing is pinned: each pass copies what it needs from the page cache. */
	private ResidencyPlan mapped() {
		ReadPattern reads = this.disk.patterns().stream().findFirst().orElse(CACHED);
		BlockLayout blocks = this.memory.cut(reads);
		int chunk = this.needs.chunkRows();
		return plan(new PlanDraft(RamBudget.UNLIMITED, chunk, chunk, reads, blocks,
				(reads.readsInFlight() + PlanMemory.MIN_WINDOW) * blocks.largest(), new boolean[blocks.blocks().size()],
				chosenExperts(blocks), true));
	}

	/** Memory for the experts that a token needs in a layer, and the next one's. */
	private long chosenExperts(BlockLayout blocks) {
		long largest = 0;
		for (WeightLayout.Part part : this.layout.parts()) {
			long bytes = 0;
			for (int unit = part.from(); part.experts() && unit < part.to(); unit++) {
				bytes += blocks.of(unit).stream().mapToLong(Block::bytes).sum();
			}
			largest = Math.max(largest, Math.round(bytes * part.share()));
		}
		return Math.clamp(2 * largest, PlanMemory.minExperts(blocks),
				Math.max(PlanMemory.minExperts(blocks), blocks.onDemandBytes()));
	}

	private PlanDraft within(RamBudget budget) {
		if (budget.bytes() < this.memory.minimum()) {
			throw refusal(budget.bytes());
		}
		int chunk = this.needs.chunkRows();
		PlanDraft all = this.memory.draft(budget, chunk, chunk, ReadPattern.DEFAULT, 0);
		if (all.fits() && all.streamedBytes(this.layout) == 0) {
			return all;
		}
		long free = budget.bytes() - this.memory.minimum();
		while (chunk > 1 && this.memory.work(chunk, chunk, PlanMemory.MIN_READS)
				- this.memory.work(1, 1, PlanMemory.MIN_READS) > free / WORK_SHARE) {
			chunk = (chunk + 1) / 2;
		}
		return wholePrompts(new ReadPatternChoice(this.layout, this.memory, this.disk).best(budget, chunk), free);
	}

	/**
	 * Plans for an engine that runs. Its blocks stay the same, unless it has none yet.
	 * @param loaded the plan that it was loaded with
	 * @param budget memory that may be used
	 * @return the plan
	 * @throws BudgetExceededException if the budget is too small
	 */
	ResidencyPlan again(ResidencyPlan loaded, RamBudget budget) {
		if (loaded.budget().unlimited() && budget.unlimited()) {
			return loaded;
		}
		ReadPattern reads = loaded.reads();
		BlockLayout blocks = this.memory.cut(loaded.blockBytes());
		long fixed = this.memory.fixed() + loaded.workBytes() + PlanMemory.heap(blocks);
		long least = fixed + PlanMemory.minWindow(blocks) + PlanMemory.minExperts(blocks);
		long prefixes = prefixes(budget, blocks, fixed, least);
		long rest = fixed + prefixes;
		RamBudget bounded = RamBudget.ofBytes(switch (budget.kind()) {
			case UNLIMITED -> rest + blocks.blocks().stream().mapToLong(Block::bytes).sum();
			case MINIMUM -> least;
			case BYTES -> budget.bytes();
		});
		long bytes = bounded.bytes();
		int chunk = loaded.chunkRows();
		PlanDraft all = this.memory.draft(bounded, rest, chunk, chunk, reads, blocks, 0);
		if (all.fits() && all.streamedBytes(this.layout) == 0) {
			return again(loaded, all, prefixes);
		}
		if (bytes < least) {
			throw new BudgetExceededException(
					"The model that runs cannot go on in a RAM budget of %s. It needs at least %s: %s to read weights into, %s that it has allocated for keys, values and activations, %s for the tokenizer, norms and biases. Raise the budget to at least %d bytes, or load the model again with a shorter context (flash.context-length, --context) or fewer tokens at once."
						.formatted(ByteSize.readable(bytes), ByteSize.readable(least),
								ByteSize.readable(PlanMemory.minWindow(blocks) + PlanMemory.minExperts(blocks)),
								ByteSize.readable(this.needs.kvBytes() + loaded.workBytes()),
								ByteSize.readable(this.needs.tokenizerBytes() + this.layout.vectorBytes()), least),
					bytes, least);
		}
		long usual = Math.max(reads.readsInFlight() + 2, PlanMemory.MIN_WINDOW) * blocks.largest();
		long window = Math.clamp(usual, PlanMemory.minWindow(blocks),
				Math.max(PlanMemory.minWindow(blocks), (bytes - rest - PlanMemory.minExperts(blocks)) / 2));
		PlanDraft draft = this.memory.draft(bounded, rest, chunk, chunk, reads, blocks, window);
		PlanDraft longer = draft;
		for (int step = 0; step < 8 && loaded.passRows() > chunk; step++) {
			long held = Math.max(window, longer.maxHeldBytes() + (PlanMemory.MIN_WINDOW - 1) * blocks.largest());
			if (step > 0 && (held <= longer.windowBytes() || longer.windowBytes() == 0)) {
				return again(loaded, longer, prefixes);
			}
			longer = this.memory.draft(bounded, rest, chunk, loaded.passRows(), reads, blocks, held);
			if (!longer.fits()) {
				break;
			}
		}
		return again(loaded, draft, prefixes);
	}

	private ResidencyPlan again(ResidencyPlan loaded, PlanDraft draft, long prefixes) {
		return plan(draft, loaded.workBytes()).withPrefixes(draft.budget(), prefixes);
	}

	/**
	 * Memory for prefixes of an engine that runs, by the rules of {@link #withPrefixes}.
	 * @param fixed what other things need besides weights
	 * @param least the least budget
	 */
	private long prefixes(RamBudget budget, BlockLayout blocks, long fixed, long least) {
		ResidencyPlan.Prefixes prefixes = this.needs.prefixes();
		if (budget.kind() != RamBudget.Kind.BYTES) {
			return (budget.kind() == RamBudget.Kind.UNLIMITED) ? prefixes.maxBytes() : 0;
		}
		long left = budget.bytes() - fixed - blocks.blocks().stream().mapToLong(Block::bytes).sum();
		if (left >= 0) {
			return Math.min(left, prefixes.maxBytes());
		}
		long share = prefixes.whileStreaming() ? (budget.bytes() - least) / PREFIX_SHARE : 0;
		return Math.clamp(share, 0, prefixes.maxBytes());
	}

	/**
	 * Lets whole prompts go through each layer, so that they read streamed weights once,
	 * if a layer's streamed weights fit into a window that costs little pinning.
	 */
	private PlanDraft wholePrompts(PlanDraft draft, long free) {
		int chunk = draft.chunkRows();
		int rows = this.needs.contextLength();
		long spare = free / PASS_SHARE;
		while (rows > chunk && this.memory.work(chunk, rows, draft.reads())
				- this.memory.work(chunk, chunk, draft.reads()) > spare) {
			rows = Math.max(chunk, rows / 2);
		}
		PlanDraft longer = draft;
		// A larger window pins less, so that layers stream more: until that settles.
		for (int step = 0; step < 8 && rows > chunk; step++) {
			long held = longer.maxHeldBytes();
			long window = (held == 0) ? draft.windowBytes()
					: Math.max(draft.windowBytes(), held + (PlanMemory.MIN_WINDOW - 1) * draft.blocks().largest());
			if (step > 0 && window <= longer.windowBytes()) {
				return longer;
			}
			if (window - draft.windowBytes() > spare) {
				return draft;
			}
			longer = this.memory.draft(draft.budget(), chunk, rows, draft.reads(), draft.blocks(), window);
			if (!longer.fits()) {
				return draft;
			}
		}
		return draft;
	}

	private ResidencyPlan plan(PlanDraft draft) {
		return plan(draft, this.memory.work(draft.chunkRows(), draft.passRows(), draft.reads()));
	}

	private ResidencyPlan plan(PlanDraft draft, long workBytes) {
		List<PlannedBlock> blocks = draft.blocks()
			.blocks()
			.stream()
			.map((block) -> new PlannedBlock(block.group(), block.bytes(), draft.pinned()[block.index()]))
			.toList();
		return new ResidencyPlan(draft.budget(), this.disk.mapped() && draft.budget().unlimited(),
				this.memory.minimum(), this.needs.contextLength(), draft.passRows(), draft.chunkRows(), draft.reads(),
				draft.blocks().blockBytes(), this.disk.alignment(), draft.parts(this.layout), blocks,
				Math.round(this.layout.groups().stream().mapToDouble((group) -> group.bytes() * group.share()).sum()),
				this.layout.vectorBytes(), draft.windowBytes(), draft.expertBytes(), this.needs.kvBytes(), 0, workBytes,
				this.needs.tokenizerBytes());
	}

	private BudgetExceededException refusal(long bytes) {
		return new BudgetExceededException(
				"The model cannot run in a RAM budget of %s. It needs at least %s: %s to read weights into, %s for norms and biases, %s for keys and values of %d positions, %s for activations, %s for the tokenizer, %s on the heap. Raise the budget to at least %d bytes (flash.ram-budget-gb, --ram), or shorten the context (flash.context-length, --context)."
					.formatted(ByteSize.readable(bytes), ByteSize.readable(this.memory.minimum()),
							ByteSize.readable(PlanMemory.minWindow(this.memory.smallest())
									+ PlanMemory.minExperts(this.memory.smallest())),
							ByteSize.readable(this.layout.vectorBytes()), ByteSize.readable(this.needs.kvBytes()),
							this.needs.contextLength(), ByteSize.readable(this.memory.work(1, 1, PlanMemory.MIN_READS)),
							ByteSize.readable(this.needs.tokenizerBytes()),
							ByteSize.readable(PlanMemory.heap(this.memory.smallest())), this.memory.minimum()),
				bytes, this.memory.minimum());
	}

}
