package io.github.flashspring.engine.residency;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Random;

import io.github.flashspring.engine.storage.Disk;
import io.github.flashspring.engine.memory.BudgetExceededException;
import io.github.flashspring.engine.memory.RamBudget;
import io.github.flashspring.engine.storage.DiskSpeed;
import io.github.flashspring.engine.storage.ReadPattern;
import io.github.flashspring.engine.weights.Block;
import io.github.flashspring.engine.weights.BlockLayout;
import io.github.flashspring.engine.weights.WeightGroup.Kind;
import io.github.flashspring.engine.weights.WeightLayout;
import io.github.flashspring.engine.metrics.ByteSize;

/**
 * How the memory of an engine is divided, computed before the first read: which blocks of
 * the weights stay in memory, which are read again in every pass, what the rest needs,
 * and how fast that will be at best.
 *
 * @param budget memory that may be used: a number of bytes, or unlimited
 * @param mapped whether all matrices stay in the system's page cache, as those of a
 * mapped file do, and each pass copies them from there, block by block
 * @param minimumBytes the least in which the model can run with this context
 * @param contextLength positions of a sequence
 * @param passRows most rows of a pass: all of them go through a layer before the next one
 * @param chunkRows rows of a pass that a layer computes at once
 * @param reads how streamed weights are read
 * @param blockBytes size into which the weights are cut, about
 * @param alignment what offsets and lengths of reads are multiples of
 * @param units parts of the model in the order of a pass; the last is the token embedding
 * unless it is tied to the head
 * @param blocks blocks of all units
 * @param weightBytesPerToken weights that a decoded token is multiplied with: of experts
 * as many as it needs, of an embedding that is not the head none
 * @param vectorBytes norms and biases, which always stay in memory
 * @param windowBytes memory into which blocks are read ahead
 * @param expertBytes memory for experts of mixtures, which are read when a token needs
 * them and kept by use
 * @param kvBytes keys and values
 * @param prefixBytes memory of the prefix cache besides that of keys and values, which it
 * uses while no sequence needs it
 * @param workBytes activations, logits, scratch memory of the device, embedding rows
 * @param tokenizerBytes estimate for the tokenizer
 */
public record ResidencyPlan(RamBudget budget, boolean mapped, long minimumBytes, int contextLength, int passRows,
		int chunkRows, ReadPattern reads, long blockBytes, int alignment, List<PlannedUnit> units,
		List<PlannedBlock> blocks, long weightBytesPerToken, long vectorBytes, long windowBytes, long expertBytes,
		long kvBytes, long prefixBytes, long workBytes, long tokenizerBytes) {

	/** Heap for a block: itself, its pieces, its read, views of its matrices. */
	static final long HEAP_BYTES_PER_BLOCK = 1024;

	public ResidencyPlan {
		units = List.copyOf(units);
		blocks = List.copyOf(blocks);
	}

	/**
	 * Plans.
	 * @param budget memory that may be used
	 * @param layout the weights
	 * @param needs what else needs memory
	 * @param disk how the files can be read
	 * @return the plan
	 * @throws BudgetExceededException if the budget is too small
	 */
	public static ResidencyPlan of(RamBudget budget, WeightLayout layout, Needs needs, Disk disk) {
		return new ResidencyPlanner(layout, needs, disk).plan(budget);
	}

	/**
	 * Plans the weights anew for an engine that runs: what it has allocated for keys,
	 * values and activations stays as it is.
	 * @param budget memory that may be used
	 * @param layout the weights
	 * @param needs what else needs memory
	 * @param disk how the files can be read
	 * @return the plan, with passes as long as the memory allows
	 * @throws BudgetExceededException if the budget is too small
	 */
	public ResidencyPlan with(RamBudget budget, WeightLayout layout, Needs needs, Disk disk) {
		return new ResidencyPlanner(layout, needs, disk).again(this, budget);
	}

	/** The same with memory for the prefix cache. */
	ResidencyPlan withPrefixes(RamBudget all, long bytes) {
		return new ResidencyPlan(all, this.mapped, this.minimumBytes, this.contextLength, this.passRows, this.chunkRows,
				this.reads, this.blockBytes, this.alignment, this.units, this.blocks, this.weightBytesPerToken,
				this.vectorBytes, this.windowBytes, this.expertBytes, this.kvBytes, bytes, this.workBytes,
				this.tokenizerBytes);
	}

	/**
	 * {@return memory that may be used, in bytes; 0 if the budget is unlimited}
	 */
	public long budgetBytes() {
		return this.budget.bytes();
	}

	/**
	 * Bytes of weights that stay in memory, with as many experts as fit.
	 * @return bytes, in whole blocks of the file system
	 */
	public long pinnedBytes() {
		return this.vectorBytes + this.units.stream().mapToLong(PlannedUnit::pinnedBytes).sum();
	}

	/**
	 * Bytes of weights of all units.
	 * @return bytes, in whole blocks of the file system
	 */
	public long weightBytes() {
		return this.vectorBytes + this.units.stream().mapToLong(PlannedUnit::bytes).sum();
	}

	/**
	 * Bytes that a pass of one token reads, besides a few rows of the embedding. For
	 * experts it is what they come to if all are used alike: favourites that stay in
	 * memory make it less.
	 * @return bytes
	 */
	public long streamedBytes() {
		return this.units.stream().mapToLong(PlannedUnit::streamedBytes).sum();
	}

	/**
	 * {@return what passes read, in order; experts in an order of their own}
	 */
	List<DiskSpeed.Range> streamedRanges(WeightLayout layout) {
		List<Block> experts = new ArrayList<>();
		List<Block> read = new ArrayList<>();
		for (Block block : BlockLayout.cut(layout, this.blockBytes, this.alignment).blocks()) {
			if (block.onDemand()) {
				experts.add(block);
			}
			else if (block.kind() != Kind.EMBEDDING && !this.blocks.get(block.index()).pinned()) {
				read.add(block);
			}
		}
		if (cachedExpertBytes() < experts.stream().mapToLong(Block::bytes).sum()) {
			// As tokens need them: here one and there one.
			Collections.shuffle(experts, new Random(1));
			read.addAll(experts);
		}
		return read.stream()
			.flatMap((block) -> block.extents().stream())
			.map((extent) -> new DiskSpeed.Range(extent.file(), extent.offset(), extent.length()))
			.toList();
	}

	/**
	 * All memory of the plan.
	 * @return bytes, at most the budget
	 */
	public long plannedBytes() {
		return weightMemoryBytes() + this.windowBytes + this.kvBytes + this.prefixBytes + this.workBytes
				+ this.tokenizerBytes + heapBytes();
	}

	/**
	 * What the engine itself needs on the heap: it knows blocks one by one.
	 * @return bytes, estimated
	 */
	public long heapBytes() {
		return this.blocks.size() * HEAP_BYTES_PER_BLOCK;
	}

	/** Pinned weights, and memory for experts, which may have room to spare. */
	private long weightMemoryBytes() {
		return pinnedBytes() - cachedExpertBytes() + this.expertBytes;
	}

	/**
	 * Bytes of experts that fit into memory.
	 * @return bytes, at most those of all experts
	 */
	public long cachedExpertBytes() {
		return this.units.stream().filter(PlannedUnit::experts).mapToLong(PlannedUnit::pinnedBytes).sum();
	}

	/**
	 * Tokens per second of one sequence if only the disk limits them.
	 * @return the rate of the disk divided by what a pass reads; infinite if nothing is
	 * read, 0 if the disk was not measured
	 */
	public double tokensPerSecond() {
		return (streamedBytes() == 0) ? Double.POSITIVE_INFINITY : this.reads.bytesPerSecond() / streamedBytes();
	}

	/**
	 * The plan as a table for people.
	 * @return lines of text
	 */
	public String render() {
		StringBuilder text = new StringBuilder();
		line(text, "budget", this.budget.readable(), "at least " + ByteSize.readable(this.minimumBytes));
		line(text, "weights in memory", pinnedBytes(), share(pinnedBytes()));
		line(text, "read window", this.windowBytes, (streamedBytes() == 0) ? "not needed"
				: "%d × %s at once".formatted(this.reads.readsInFlight(), ByteSize.readable(this.reads.readBytes())));
		if (this.expertBytes > 0) {
			line(text, "memory for experts", this.expertBytes, "kept by use");
		}
		line(text, "keys and values", this.kvBytes, this.contextLength + " positions of context");
		if (this.prefixBytes > 0) {
			line(text, "prefix cache", this.prefixBytes, "and what no sequence needs of keys and values");
		}
		line(text, "activations", this.workBytes,
				"passes of " + this.passRows + " tokens, " + this.chunkRows + " at once");
		line(text, "tokenizer", this.tokenizerBytes, "");
		line(text, "heap", heapBytes(), this.blocks.size() + " blocks");
		line(text, "planned", plannedBytes(), "");
		line(text, "read in each pass", streamedBytes(),
				share(streamedBytes()) + (this.mapped ? ", from the page cache" : ""));
		if (streamedBytes() > 0 && !this.mapped) {
			text.append(String.format(Locale.ROOT, "%-20s %10s  %s%n", "tokens/s at most",
					(this.reads.bytesPerSecond() > 0) ? String.format(Locale.ROOT, "%.2f", tokensPerSecond()) : "-",
					(this.reads.bytesPerSecond() > 0)
							? "the disk gives " + ByteSize.readable((long) this.reads.bytesPerSecond()) + "/s"
							: "the disk was not measured"));
		}
		text.append(String.format(Locale.ROOT, "%n%-20s %10s %10s %10s%n", "part", "weights", "in memory", "streamed"));
		for (PlannedUnit unit : this.units) {
			text.append(String.format(Locale.ROOT, "%-20s %10s %10s %10s%n", unit.name(),
					ByteSize.readable(unit.bytes()), ByteSize.readable(unit.pinnedBytes()),
					unit.rowsOnDemand() ? "by row" : ByteSize.readable(unit.streamedBytes())));
		}
		return text.toString();
	}

	private String share(long bytes) {
		return String.format(Locale.ROOT, "%.0f %% of %s", 100.0 * bytes / weightBytes(),
				ByteSize.readable(weightBytes()));
	}

	private static void line(StringBuilder text, String name, long bytes, String note) {
		line(text, name, ByteSize.readable(bytes), note);
	}

	private static void line(StringBuilder text, String name, String size, String note) {
		text.append(String.format(Locale.ROOT, "%-20s %10s  %s", name, size, note).stripTrailing())
			.append(System.lineSeparator());
	}

	/**
	 * A part of the model and its place.
	 *
	 * @param name for people
	 * @param bytes size of its matrices
	 * @param pinnedBytes what of it stays in memory
	 * @param rowsOnDemand whether what does not stay is read by row as tokens need it,
	 * not in every pass
	 * @param experts whether it is the experts of a layer, of which a token needs only
	 * some
	 * @param share share of it that a token needs, if all of it is used alike
	 */
	public record PlannedUnit(String name, long bytes, long pinnedBytes, boolean rowsOnDemand, boolean experts,
			double share) {

		/**
		 * What a pass of one token reads of it.
		 * @return bytes
		 */
		public long streamedBytes() {
			return this.rowsOnDemand ? 0 : Math.round((this.bytes - this.pinnedBytes) * this.share);
		}

	}

	/**
	 * A block of weights and its place.
	 *
	 * @param unit index of the part of the model that it belongs to
	 * @param bytes memory that it takes
	 * @param pinned whether it stays in memory
	 */
	public record PlannedBlock(int unit, long bytes, boolean pinned) {

	}

	/**
	 * Memory for the prefix cache, besides that of keys and values which no sequence
	 * needs.
	 *
	 * @param maxBytes most memory
	 * @param whileStreaming whether it gets a share of a budget that does not hold all
	 * weights
	 */
	public record Prefixes(long maxBytes, boolean whileStreaming) {

		/** Nothing is kept. */
		public static final Prefixes NONE = new Prefixes(0, false);

	}

	/**
	 * What needs memory besides the weights.
	 *
	 * @param chunkRows most rows that a layer should compute at once
	 * @param contextLength positions of a sequence
	 * @param kvBytes keys and values
	 * @param prefixes memory for the prefix cache
	 * @param tokenizerBytes the tokenizer
	 * @param work activations and scratch memory
	 */
	public record Needs(int chunkRows, int contextLength, long kvBytes, Prefixes prefixes, long tokenizerBytes,
			Work work) {

		/**
		 * What an engine without a prefix cache needs.
		 * @param chunkRows most rows that a layer should compute at once
		 * @param contextLength positions of a sequence
		 * @param kvBytes keys and values
		 * @param tokenizerBytes the tokenizer
		 * @param work activations and scratch memory
		 */
		public Needs(int chunkRows, int contextLength, long kvBytes, long tokenizerBytes, Work work) {
			this(chunkRows, contextLength, kvBytes, Prefixes.NONE, tokenizerBytes, work);
		}

	}

	/** Memory of activations. */
	@FunctionalInterface
	public interface Work {

		/**
		 * Memory that passes need.
		 * @param chunkRows most rows that a layer computes at once
		 * @param passRows most rows of a pass
		 * @return bytes
		 */
		long bytes(int chunkRows, int passRows);

	}

}
