package io.github.flashspring.engine.residency;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

import io.github.flashspring.engine.memory.BudgetExceededException;
import io.github.flashspring.engine.memory.RamBudget;
import io.github.flashspring.engine.storage.ReadPattern;
import io.github.flashspring.engine.weights.Block;
import io.github.flashspring.engine.weights.BlockLayout;
import io.github.flashspring.engine.weights.WeightLayout;
import io.github.flashspring.engine.checkpoint.TensorInfo;
import io.github.flashspring.engine.metrics.ByteSize;
import io.github.flashspring.engine.storage.Disk;
import io.github.flashspring.engine.residency.ResidencyPlan.Needs;
import io.github.flashspring.engine.residency.ResidencyPlan.PlannedBlock;
import io.github.flashspring.engine.residency.ResidencyPlan.PlannedUnit;
import org.jspecify.annotations.Nullable;

/**
 * Computes {@link ResidencyPlan}s: what is fixed comes first, then activations and the
 * window for reads, each bounded by a share of what is free, and all the rest pins.
 */
final class ResidencyPlanner {

	/** Blocks of the least window: one is computed with while another is read. */
	private static final int MIN_WINDOW = 2;

	/**
	 * What is copied from the page cache at once, for weights that stay there: enough
	 * that looking at the file afterwards costs little.
	 */
	private static final ReadPattern CACHED = new ReadPattern(4 << 20, 2, 0, false);

	/** What is read in the least budget: a block, while another is computed with. */
	private static final ReadPattern LEAST = new ReadPattern(1 << 20, 2, 0, true);

	/**
	 * Smaller reads would cost more for their ends, which are read in vain, than help.
	 */
	private static final long MIN_BLOCK = 16 << 10;

	/** Blocks of a model are at least so many, so that what streams can be spread. */
	private static final int MIN_BLOCKS = 48;

	/** Share of the free memory that goes to more rows at once, instead of pinning. */
	private static final int WORK_SHARE = 4;

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

	/** What a block costs besides its bytes: a wait, and kernels that start anew. */
	private static final double BLOCK_SECONDS = 30e-6;

	/** Share of the free memory for passes over a whole prompt, instead of pinning. */
	private static final int PASS_SHARE = 4;

	private final WeightLayout layout;

	private final Needs needs;

	private final Disk disk;

	private final long weightBytes;

	private final long fixed;

	/** Cuts that were needed so far, by the size of a block. */
	private final Map<Long, BlockLayout> cuts = new HashMap<>();

	/** The finest cut, which needs the smallest window. */
	private final BlockLayout smallest;

	private final long minimum;

	ResidencyPlanner(WeightLayout layout, Needs needs, Disk disk) {
		this.layout = layout;
		this.needs = needs;
		this.disk = disk;
		this.weightBytes = layout.units().stream().mapToLong(WeightLayout.Unit::bytes).sum();
		this.fixed = needs.kvBytes() + needs.tokenizerBytes() + layout.vectorBytes();
		this.smallest = cut(Math.clamp(this.weightBytes / 256, MIN_BLOCK, 1 << 20));
		this.minimum = this.fixed + work(1, 1, LEAST) + leastWindow(this.smallest) + leastExperts(this.smallest)
				+ heap(this.smallest);
	}

	private BlockLayout cut(long blockBytes) {
		return this.cuts.computeIfAbsent(blockBytes,
				(size) -> BlockLayout.cut(this.layout, size, this.disk.alignment()));
	}

	private static long heap(BlockLayout blocks) {
		return blocks.blocks().size() * ResidencyPlan.HEAP_BYTES_PER_BLOCK;
	}

	private static long leastWindow(BlockLayout blocks) {
		return MIN_WINDOW * blocks.largest();
	}

	/** Of experts as well, one block is computed with while another is read. */
	private static long leastExperts(BlockLayout blocks) {
		return Math.min(MIN_WINDOW * blocks.largestOnDemand(), blocks.onDemandBytes());
	}

	/**
	 * Activations, and what rows of the embedding are read into: first whole blocks of
	 * the file by each reader, then the rows side by side.
	 */
	private long work(int chunkRows, int passRows, ReadPattern reads) {
		return this.needs.work().bytes(chunkRows, passRows) + chunkRows * this.layout.embeddingRowBytes()
				+ reads.readsInFlight() * rowReadBytes(this.layout, this.disk.alignment());
	}

	/**
	 * Memory of one reader for a row of the embedding.
	 * @param layout the weights
	 * @param alignment of reads
	 * @return bytes
	 */
	static long rowReadBytes(WeightLayout layout, int alignment) {
		long row = 0;
		for (TensorInfo part : layout.table().parts()) {
			row = Math.max(row, WeightLayout.Weight.rowBytes(part));
		}
		return Math.ceilDiv(row, alignment) * alignment + alignment;
	}

	/**
	 * Plans.
	 * @param budget memory that may be used
	 * @return the plan
	 * @throws BudgetExceededException if the budget is too small
	 */
	ResidencyPlan plan(RamBudget budget) {
		return switch (budget.kind()) {
			case UNLIMITED -> this.disk.mapped() ? mapped() : unlimited();
			case MINIMUM -> plan(draft(this.minimum, 1, 1, LEAST, this.smallest, leastWindow(this.smallest)));
			case BYTES -> plan(within(budget.bytes()));
		};
	}

	private ResidencyPlan unlimited() {
		BlockLayout blocks = cut(blockBytes(ReadPattern.DEFAULT));
		boolean[] all = new boolean[blocks.blocks().size()];
		Arrays.fill(all, true);
		int chunk = this.needs.chunkRows();
		return plan(new Draft(Long.MAX_VALUE, chunk, chunk, ReadPattern.DEFAULT, blocks, 0, all, blocks.onDemandBytes(),
				true));
	}

	/** Nothing is pinned: each pass copies what it needs from the page cache. */
	private ResidencyPlan mapped() {
		ReadPattern reads = this.disk.patterns().stream().findFirst().orElse(CACHED);
		BlockLayout blocks = cut(blockBytes(reads));
		int chunk = this.needs.chunkRows();
		return plan(new Draft(Long.MAX_VALUE, chunk, chunk, reads, blocks,
				(reads.readsInFlight() + MIN_WINDOW) * blocks.largest(), new boolean[blocks.blocks().size()],
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
		return Math.clamp(2 * largest, leastExperts(blocks), Math.max(leastExperts(blocks), blocks.onDemandBytes()));
	}

	private Draft within(long bytes) {
		if (bytes < this.minimum) {
			throw refusal(bytes);
		}
		int chunk = this.needs.chunkRows();
		Draft all = draft(bytes, chunk, chunk, ReadPattern.DEFAULT, 0);
		if (all.fits() && streamedBytes(all) == 0) {
			return all;
		}
		long free = bytes - this.minimum;
		while (chunk > 1 && work(chunk, chunk, LEAST) - work(1, 1, LEAST) > free / WORK_SHARE) {
			chunk = (chunk + 1) / 2;
		}
		Draft best = this.disk.patterns().isEmpty() ? fair(bytes, chunk) : fastest(bytes, chunk);
		return wholePrompts(
				(best != null) ? best : draft(bytes, chunk, chunk, LEAST, this.smallest, leastWindow(this.smallest)),
				free);
	}

	/**
	 * The usual pattern if no other makes passes much shorter; else the smallest window
	 * whose passes are about as short as the shortest.
	 */
	private @Nullable Draft fastest(long bytes, int chunk) {
		List<Draft> drafts = new ArrayList<>();
		for (ReadPattern pattern : this.disk.patterns()) {
			Draft draft = draft(bytes, chunk, chunk, pattern, pattern.readsInFlight() + 2);
			if (draft.fits()) {
				drafts.add(draft);
			}
		}
		double best = drafts.stream().mapToDouble(this::seconds).min().orElse(0);
		return drafts.stream()
			.filter((draft) -> draft.reads().isLike(ReadPattern.DEFAULT) && seconds(draft) <= best * MUCH_LONGER)
			.findFirst()
			.or(() -> drafts.stream()
				.filter((draft) -> seconds(draft) <= best * ABOUT)
				.min(Comparator.comparingLong(Draft::windowBytes).thenComparingDouble(this::seconds)))
			.orElse(null);
	}

	/** What a token reads, if all experts are used alike. */
	private double streamedBytes(Draft draft) {
		double bytes = 0;
		for (Block block : draft.blocks().blocks()) {
			if (block.onDemand()) {
				bytes += block.bytes() * (1 - draft.expertShare()) * this.layout.units().get(block.unit()).share();
			}
			else if (block.unit() < this.layout.units().size() && !draft.pinned()[block.index()]) {
				bytes += block.bytes();
			}
		}
		return bytes;
	}

	/** Time to read what streams. */
	private double seconds(Draft draft) {
		return streamedBytes(draft) / Math.max(1, draft.reads().bytesPerSecond())
				+ draft.blocks().blocks().size() * BLOCK_SECONDS;
	}

	/**
	 * Without measurements, as many reads in flight as cost little pinning: smaller ones
	 * before fewer.
	 */
	private @Nullable Draft fair(long bytes, int chunk) {
		for (int share : WINDOW_SHARES) {
			for (int reads = ReadPattern.DEFAULT.readsInFlight(); reads > 0; reads /= 2) {
				for (int size = ReadPattern.DEFAULT.readBytes(); size >= LEAST.readBytes(); size /= 2) {
					Draft draft = draft(bytes, chunk, chunk,
							new ReadPattern(size, reads, 0, ReadPattern.DEFAULT.direct()), reads + 2);
					if (draft.fits() && draft.windowBytes() <= (bytes - this.fixed) / share) {
						return draft;
					}
				}
			}
		}
		return null;
	}

	/**
	 * Plans for an engine that runs. Its blocks stay the same, unless it has none yet.
	 * @param loaded the plan that it was loaded with
	 * @param budget memory that may be used
	 * @return the plan
	 * @throws BudgetExceededException if the budget is too small
	 */
	ResidencyPlan again(ResidencyPlan loaded, RamBudget budget) {
		if (loaded.unlimited() && budget.kind() == RamBudget.Kind.UNLIMITED) {
			return loaded;
		}
		ReadPattern reads = loaded.reads();
		BlockLayout blocks = cut(loaded.blockBytes());
		long rest = this.fixed + loaded.workBytes() + heap(blocks);
		long least = rest + leastWindow(blocks) + leastExperts(blocks);
		long bytes = switch (budget.kind()) {
			case UNLIMITED -> rest + blocks.blocks().stream().mapToLong(Block::bytes).sum();
			case MINIMUM -> least;
			case BYTES -> budget.bytes();
		};
		int chunk = loaded.chunkRows();
		Draft all = draft(bytes, rest, chunk, chunk, reads, blocks, 0);
		if (all.fits() && streamedBytes(all) == 0) {
			return plan(all, loaded.workBytes());
		}
		if (bytes < least) {
			throw new BudgetExceededException(
					"The model that runs cannot go on in a RAM budget of %s. It needs at least %s: %s to read weights into, %s that it has allocated for keys, values and activations, %s for the tokenizer, norms and biases. Raise the budget to at least %d bytes, or load the model again with a shorter context (flash.context-length, --context) or fewer tokens at once."
						.formatted(ByteSize.readable(bytes), ByteSize.readable(least),
								ByteSize.readable(leastWindow(blocks) + leastExperts(blocks)),
								ByteSize.readable(this.needs.kvBytes() + loaded.workBytes()),
								ByteSize.readable(this.needs.tokenizerBytes() + this.layout.vectorBytes()), least),
					bytes, least);
		}
		long usual = Math.max(reads.readsInFlight() + 2, MIN_WINDOW) * blocks.largest();
		long window = Math.clamp(usual, leastWindow(blocks),
				Math.max(leastWindow(blocks), (bytes - rest - leastExperts(blocks)) / 2));
		Draft draft = draft(bytes, rest, chunk, chunk, reads, blocks, window);
		Draft longer = draft;
		for (int step = 0; step < 8 && loaded.passRows() > chunk; step++) {
			long held = Math.max(window, largestHeld(longer) + (MIN_WINDOW - 1) * blocks.largest());
			if (step > 0 && (held <= longer.windowBytes() || longer.windowBytes() == 0)) {
				return plan(longer, loaded.workBytes());
			}
			longer = draft(bytes, rest, chunk, loaded.passRows(), reads, blocks, held);
			if (!longer.fits()) {
				break;
			}
		}
		return plan(draft, loaded.workBytes());
	}

	/**
	 * Plans with a pattern and a window of some blocks: those of the reads in flight, the
	 * one that is computed with, and one that is lost where the ring wraps around.
	 */
	private Draft draft(long bytes, int chunk, int rows, ReadPattern pattern, int windowBlocks) {
		BlockLayout blocks = cut(blockBytes(pattern));
		long window = (windowBlocks == 0) ? 0 : Math.max(windowBlocks, MIN_WINDOW) * blocks.largest();
		return draft(bytes, chunk, rows, pattern, blocks, window);
	}

	private long blockBytes(ReadPattern pattern) {
		return Math.clamp(pattern.readBytes(), MIN_BLOCK, Math.max(MIN_BLOCK, this.weightBytes / MIN_BLOCKS));
	}

	/**
	 * Lets whole prompts go through each layer, so that they read streamed weights once,
	 * if a layer's streamed weights fit into a window that costs little pinning.
	 */
	private Draft wholePrompts(Draft draft, long free) {
		int chunk = draft.chunkRows();
		int rows = this.needs.contextLength();
		long room = free / PASS_SHARE;
		while (rows > chunk && work(chunk, rows, draft.reads()) - work(chunk, chunk, draft.reads()) > room) {
			rows = Math.max(chunk, rows / 2);
		}
		Draft longer = draft;
		// A larger window pins less, so that layers stream more: until that settles.
		for (int step = 0; step < 8 && rows > chunk; step++) {
			long held = largestHeld(longer);
			long window = (held == 0) ? draft.windowBytes()
					: Math.max(draft.windowBytes(), held + (MIN_WINDOW - 1) * draft.blocks().largest());
			if (step > 0 && window <= longer.windowBytes()) {
				return longer;
			}
			if (window - draft.windowBytes() > room) {
				return draft;
			}
			longer = draft(draft.budget(), chunk, rows, draft.reads(), draft.blocks(), window);
			if (!longer.fits()) {
				return draft;
			}
		}
		return draft;
	}

	/** The most that a layer streams: it stays until the last rows went through it. */
	private long largestHeld(Draft draft) {
		long largest = 0;
		for (int unit = 0; unit < this.layout.units().size() - 1; unit++) {
			long bytes = 0;
			for (Block block : draft.blocks().of(unit)) {
				bytes += (draft.pinned()[block.index()] || block.onDemand()) ? 0 : block.bytes();
			}
			largest = Math.max(largest, bytes);
		}
		return largest;
	}

	/**
	 * Pins what is left; experts come late, the embedding last: streamed, it costs only
	 * its rows.
	 */
	private Draft draft(long bytes, int chunk, int rows, ReadPattern reads, BlockLayout blocks, long window) {
		return draft(bytes, this.fixed + work(chunk, rows, reads) + heap(blocks), chunk, rows, reads, blocks, window);
	}

	private Draft draft(long bytes, long rest, int chunk, int rows, ReadPattern reads, BlockLayout blocks,
			long window) {
		long[] sizes = blocks.blocks().stream().mapToLong(Block::bytes).toArray();
		int[] needed = blocks.blocks()
			.stream()
			.filter((block) -> block.unit() < this.layout.units().size() && !block.onDemand())
			.mapToInt(Block::index)
			.toArray();
		long[] neededSizes = IntStream.of(needed).mapToLong((i) -> sizes[i]).toArray();
		long available = bytes - rest - leastExperts(blocks);
		// Where every pass finds all it needs for certain, no window is needed.
		long ring = (LongStream.of(neededSizes).sum() <= available) ? 0 : Math.max(window, leastWindow(blocks));
		available -= ring;
		boolean[] chosen = PinSelector.of(neededSizes, available);
		boolean[] pinned = new boolean[sizes.length];
		for (int i = 0; i < needed.length; i++) {
			pinned[needed[i]] = chosen[i];
		}
		long left = available - PinSelector.sum(neededSizes, chosen);
		long experts = (available < 0) ? leastExperts(blocks)
				: Math.min(blocks.onDemandBytes(), leastExperts(blocks) + left);
		left -= experts - leastExperts(blocks);
		for (Block block : blocks.blocks()) {
			if (block.unit() == this.layout.units().size()) {
				pinned[block.index()] = block.bytes() <= left;
				left -= pinned[block.index()] ? block.bytes() : 0;
			}
		}
		return new Draft(bytes, chunk, rows, reads, blocks, ring, pinned, experts, available >= 0);
	}

	private ResidencyPlan plan(Draft draft) {
		return plan(draft, work(draft.chunkRows(), draft.passRows(), draft.reads()));
	}

	private ResidencyPlan plan(Draft draft, long workBytes) {
		List<PlannedBlock> blocks = new ArrayList<>();
		for (Block block : draft.blocks().blocks()) {
			blocks.add(new PlannedBlock(block.unit(), block.bytes(), draft.pinned()[block.index()]));
		}
		List<PlannedUnit> units = new ArrayList<>();
		for (WeightLayout.Part part : this.layout.parts()) {
			units.add(unit(part, draft));
		}
		return new ResidencyPlan(draft.budget(), this.disk.mapped() && draft.budget() == Long.MAX_VALUE, this.minimum,
				this.needs.contextLength(), draft.passRows(), draft.chunkRows(), draft.reads(),
				draft.blocks().blockBytes(), this.disk.alignment(), units, blocks,
				Math.round(this.layout.units().stream().mapToDouble((unit) -> unit.bytes() * unit.share()).sum()),
				this.layout.vectorBytes(), draft.windowBytes(), draft.expertBytes(), this.needs.kvBytes(), workBytes,
				this.needs.tokenizerBytes());
	}

	private PlannedUnit unit(WeightLayout.Part part, Draft draft) {
		long bytes = 0;
		long inMemory = 0;
		for (int unit = part.from(); unit < part.to(); unit++) {
			for (Block block : draft.blocks().of(unit)) {
				bytes += block.bytes();
				inMemory += draft.pinned()[block.index()] ? block.bytes() : 0;
			}
		}
		if (part.experts()) {
			inMemory = Math.round(bytes * draft.expertShare());
		}
		boolean table = part.from() == this.layout.units().size();
		return new PlannedUnit(part.name(), bytes, inMemory, table && inMemory < bytes, part.experts(), part.share());
	}

	private BudgetExceededException refusal(long bytes) {
		return new BudgetExceededException(
				"The model cannot run in a RAM budget of %s. It needs at least %s: %s to read weights into, %s for norms and biases, %s for keys and values of %d positions, %s for activations, %s for the tokenizer, %s on the heap. Raise the budget to at least %d bytes (flash.ram-budget-gb, --ram), or shorten the context (flash.context-length, --context)."
					.formatted(ByteSize.readable(bytes), ByteSize.readable(this.minimum),
							ByteSize.readable(leastWindow(this.smallest) + leastExperts(this.smallest)),
							ByteSize.readable(this.layout.vectorBytes()), ByteSize.readable(this.needs.kvBytes()),
							this.needs.contextLength(), ByteSize.readable(work(1, 1, LEAST)),
							ByteSize.readable(this.needs.tokenizerBytes()), ByteSize.readable(heap(this.smallest)),
							this.minimum),
				bytes, this.minimum);
	}

	/**
	 * A division of the budget.
	 *
	 * @param budget bytes
	 * @param chunkRows rows that a layer computes at once
	 * @param passRows rows of a pass
	 * @param reads how blocks are read
	 * @param blocks the blocks
	 * @param windowBytes memory for reads
	 * @param pinned which blocks stay in memory
	 * @param expertBytes memory for blocks on demand
	 * @param fits whether there is enough memory for this division
	 */
	private record Draft(long budget, int chunkRows, int passRows, ReadPattern reads, BlockLayout blocks,
			long windowBytes, boolean[] pinned, long expertBytes, boolean fits) {

		/** Share of the experts that there is memory for. */
		double expertShare() {
			long all = this.blocks.onDemandBytes();
			return (all == 0) ? 1 : (double) this.expertBytes / all;
		}

	}

}
