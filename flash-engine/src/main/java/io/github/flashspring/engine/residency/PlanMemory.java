package io.github.flashspring.engine.residency;

import java.util.HashMap;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

import io.github.flashspring.engine.checkpoint.TensorInfo;
import io.github.flashspring.engine.memory.RamBudget;
import io.github.flashspring.engine.residency.ResidencyPlan.Needs;
import io.github.flashspring.engine.storage.Disk;
import io.github.flashspring.engine.storage.ReadPattern;
import io.github.flashspring.engine.weights.Block;
import io.github.flashspring.engine.weights.BlockLayout;
import io.github.flashspring.engine.weights.Weight;
import io.github.flashspring.engine.weights.WeightGroup.Kind;
import io.github.flashspring.engine.weights.WeightLayout;

/** What the parts of a plan need, and what is pinned in the memory that is left. */
final class PlanMemory {

	/** What is read in the least budget: a block, while another is computed with. */
	static final ReadPattern MIN_READS = new ReadPattern(1 << 20, 2, 0, true);

	/** Blocks of the least window: one is computed with while another is read. */
	static final int MIN_WINDOW = 2;

	/** Smaller reads would cost more for their ends, which are wasted, than help. */
	private static final long MIN_BLOCK = 16 << 10;

	/** Blocks of a model are at least so many, so that streamed ones can be spread. */
	private static final int MIN_BLOCKS = 48;

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

	PlanMemory(WeightLayout layout, Needs needs, Disk disk) {
		this.layout = layout;
		this.needs = needs;
		this.disk = disk;
		this.weightBytes = layout.groups().stream().mapToLong(WeightLayout.Group::bytes).sum();
		this.fixed = needs.kvBytes() + needs.tokenizerBytes() + layout.vectorBytes();
		this.smallest = cut(Math.clamp(this.weightBytes / 256, MIN_BLOCK, 1 << 20));
		this.minimum = this.fixed + work(1, 1, MIN_READS) + minWindow(this.smallest) + minExperts(this.smallest)
				+ heap(this.smallest);
	}

	/**
	 * {@return the least in which the model can run}
	 */
	long minimum() {
		return this.minimum;
	}

	/**
	 * {@return the finest cut, which needs the smallest window}
	 */
	BlockLayout smallest() {
		return this.smallest;
	}

	/**
	 * {@return keys and values, tokenizer, norms and biases}
	 */
	long fixed() {
		return this.fixed;
	}

	/**
	 * {@return the plan for the least budget}
	 */
	PlanDraft minimumDraft() {
		return draft(RamBudget.ofBytes(this.minimum), 1, 1, MIN_READS, this.smallest, minWindow(this.smallest));
	}

	/**
	 * {@return blocks of about the size of a read}
	 */
	BlockLayout cut(ReadPattern pattern) {
		return cut(Math.clamp(pattern.readBytes(), MIN_BLOCK, Math.max(MIN_BLOCK, this.weightBytes / MIN_BLOCKS)));
	}

	BlockLayout cut(long blockBytes) {
		return this.cuts.computeIfAbsent(blockBytes,
				(size) -> BlockLayout.cut(this.layout, size, this.disk.alignment()));
	}

	static long heap(BlockLayout blocks) {
		return blocks.blocks().size() * ResidencyPlan.HEAP_BYTES_PER_BLOCK;
	}

	static long minWindow(BlockLayout blocks) {
		return MIN_WINDOW * blocks.largest();
	}

	/** Of experts as well, one block is computed with while another is read. */
	static long minExperts(BlockLayout blocks) {
		return Math.min(MIN_WINDOW * blocks.largestOnDemand(), blocks.onDemandBytes());
	}

	/**
	 * Activations, and what rows of the embedding are read into: first whole blocks of
	 * the file by each reader, then the rows side by side.
	 */
	long work(int chunkRows, int passRows, ReadPattern reads) {
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
			row = Math.max(row, Weight.rowBytes(part));
		}
		return Math.ceilDiv(row, alignment) * alignment + alignment;
	}

	/**
	 * Plans with a pattern and a window of some blocks: those of the reads in flight, the
	 * one that is computed with, and one that is lost where the ring wraps around.
	 */
	PlanDraft draft(RamBudget budget, int chunk, int rows, ReadPattern pattern, int windowBlocks) {
		BlockLayout blocks = cut(pattern);
		long window = (windowBlocks == 0) ? 0 : Math.max(windowBlocks, MIN_WINDOW) * blocks.largest();
		return draft(budget, chunk, rows, pattern, blocks, window);
	}

	/**
	 * Pins what is left; experts come late, the embedding last: streamed, it costs only
	 * its rows.
	 */
	PlanDraft draft(RamBudget budget, int chunk, int rows, ReadPattern reads, BlockLayout blocks, long window) {
		return draft(budget, this.fixed + work(chunk, rows, reads) + heap(blocks), chunk, rows, reads, blocks, window);
	}

	PlanDraft draft(RamBudget budget, long rest, int chunk, int rows, ReadPattern reads, BlockLayout blocks,
			long window) {
		long[] sizes = blocks.blocks().stream().mapToLong(Block::bytes).toArray();
		int[] needed = blocks.blocks()
			.stream()
			.filter((block) -> block.kind() == Kind.LAYER || block.kind() == Kind.HEAD)
			.mapToInt(Block::index)
			.toArray();
		long[] neededSizes = IntStream.of(needed).mapToLong((i) -> sizes[i]).toArray();
		long available = budget.bytes() - rest - minExperts(blocks);
		// Where every pass finds all it needs for certain, no window is needed.
		long ring = (LongStream.of(neededSizes).sum() <= available) ? 0 : Math.max(window, minWindow(blocks));
		available -= ring;
		boolean[] chosen = PinSelector.of(neededSizes, available);
		boolean[] pinned = new boolean[sizes.length];
		for (int i = 0; i < needed.length; i++) {
			pinned[needed[i]] = chosen[i];
		}
		long left = available - PinSelector.sum(neededSizes, chosen);
		long experts = (available < 0) ? minExperts(blocks)
				: Math.min(blocks.onDemandBytes(), minExperts(blocks) + left);
		left -= experts - minExperts(blocks);
		for (Block block : blocks.blocks()) {
			if (block.kind() == Kind.EMBEDDING) {
				pinned[block.index()] = block.bytes() <= left;
				left -= pinned[block.index()] ? block.bytes() : 0;
			}
		}
		return new PlanDraft(budget, chunk, rows, reads, blocks, ring, pinned, experts, available >= 0);
	}

}
