package io.github.flashspring.engine.residency;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

import io.github.flashspring.engine.memory.RamBudget;
import io.github.flashspring.engine.storage.Disk;
import io.github.flashspring.engine.storage.ReadPattern;
import io.github.flashspring.engine.weights.WeightLayout;
import org.jspecify.annotations.Nullable;

/** Chooses how streamed blocks are read: in what size, and how many at once. */
final class ReadPatternChoice {

	/**
	 * Shares of the memory for weights that go to reads of a disk nobody measured: the
	 * smaller one, if that is enough for anything.
	 */
	private static final int[] WINDOW_SHARES = { 16, 4 };

	/** Passes that differ by less are about as short. */
	private static final double ABOUT = 1.05;

	/**
	 * Passes of the usual pattern may be longer by this factor: rates of a disk that
	 * others use too differ by that much from one moment to the next, and of many
	 * patterns the one that was lucky would win.
	 */
	private static final double MUCH_LONGER = 1.25;

	private final WeightLayout layout;

	private final PlanMemory memory;

	private final Disk disk;

	ReadPatternChoice(WeightLayout layout, PlanMemory memory, Disk disk) {
		this.layout = layout;
		this.memory = memory;
		this.disk = disk;
	}

	/**
	 * {@return how to read within a budget, with rows of a chunk}
	 */
	PlanDraft best(RamBudget budget, int chunk) {
		PlanDraft best = this.disk.patterns().isEmpty() ? fair(budget, chunk) : fastest(budget, chunk);
		return (best != null) ? best : this.memory.draft(budget, chunk, chunk, PlanMemory.MIN_READS,
				this.memory.smallest(), PlanMemory.minWindow(this.memory.smallest()));
	}

	/**
	 * The usual pattern if no other makes passes much shorter; otherwise the smallest
	 * window whose passes are about as short as the shortest.
	 */
	private @Nullable PlanDraft fastest(RamBudget budget, int chunk) {
		List<PlanDraft> drafts = new ArrayList<>();
		for (ReadPattern pattern : this.disk.patterns()) {
			PlanDraft draft = this.memory.draft(budget, chunk, chunk, pattern, pattern.readsInFlight() + 2);
			if (draft.fits()) {
				drafts.add(draft);
			}
		}
		double best = drafts.stream().mapToDouble((draft) -> draft.seconds(this.layout)).min().orElse(0);
		return drafts.stream()
			.filter((draft) -> draft.reads().isLike(ReadPattern.DEFAULT)
					&& draft.seconds(this.layout) <= best * MUCH_LONGER)
			.findFirst()
			.or(() -> drafts.stream()
				.filter((draft) -> draft.seconds(this.layout) <= best * ABOUT)
				.min(Comparator.comparingLong(PlanDraft::windowBytes)
					.thenComparingDouble((draft) -> draft.seconds(this.layout))))
			.orElse(null);
	}

	/**
	 * Without measurements, as many reads in flight as cost little pinning: smaller ones
	 * before fewer.
	 */
	private @Nullable PlanDraft fair(RamBudget budget, int chunk) {
		for (int share : WINDOW_SHARES) {
			for (int reads = ReadPattern.DEFAULT.readsInFlight(); reads > 0; reads /= 2) {
				for (int size = ReadPattern.DEFAULT.readBytes(); size >= PlanMemory.MIN_READS.readBytes(); size /= 2) {
					PlanDraft draft = this.memory.draft(budget, chunk, chunk,
							new ReadPattern(size, reads, 0, ReadPattern.DEFAULT.direct()), reads + 2);
					if (draft.fits() && draft.windowBytes() <= (budget.bytes() - this.memory.fixed()) / share) {
						return draft;
					}
				}
			}
		}
		return null;
	}

}
