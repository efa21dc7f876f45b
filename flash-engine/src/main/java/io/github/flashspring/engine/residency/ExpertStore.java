package io.github.flashspring.engine.residency;

import io.github.flashspring.engine.reading.BlockRead;
import io.github.flashspring.engine.reading.ComputeWait;
import io.github.flashspring.engine.reading.ReadQueue;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;

import io.github.flashspring.engine.weights.Block;
import io.github.flashspring.engine.weights.BlockLayout;
import io.github.flashspring.engine.device.Buffer;
import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.device.Fence;
import io.github.flashspring.engine.device.SharedBuffer;
import io.github.flashspring.engine.metrics.ExpertMetrics;
import org.jspecify.annotations.Nullable;

/**
 * Brings the experts into memory that routers choose: all that a layer lacks at once, and
 * those that the next layer will probably lack while nothing more urgent is read. Used by
 * the thread that computes; other threads may ask for snapshots.
 */
final class ExpertStore implements BlockSource, AutoCloseable {

	/** Compute that waits for a larger share of the time has no use for pacing. */
	private static final double MAX_STALL_SHARE = 0.1;

	private final BlockLayout blocks;

	private final ComputeWait wait;

	private final boolean keeps;

	private final ExpertRanking ranking;

	private final ExpertCache cache;

	private final ExpertPrefetch prefetch;

	private final ExpertDemand demand;

	private final StallShare stalls = new StallShare();

	private final AtomicLong hits = new AtomicLong();

	private final AtomicLong misses = new AtomicLong();

	private final AtomicLong missedBytes = new AtomicLong();

	/**
	 * An empty store.
	 * @param blocks all blocks of the model
	 * @param queue reads
	 * @param wait waits for reads
	 * @param maxBegun most blocks that are read at once
	 * @param streaming what is kept
	 * @param device allocates memory
	 */
	ExpertStore(BlockLayout blocks, ReadQueue queue, ComputeWait wait, int maxBegun, ExpertStreaming streaming,
			Device device) {
		this.blocks = blocks;
		this.wait = wait;
		this.keeps = streaming.keep() != ExpertStreaming.Keep.NONE;
		this.ranking = (streaming.keep() == ExpertStreaming.Keep.LAST_USED) ? new ExpertRanking.LastUse(blocks.groups())
				: new ExpertRanking.Measured(blocks.groups());
		this.prefetch = new ExpertPrefetch(blocks, queue, maxBegun, streaming);
		this.cache = new ExpertCache(device, blocks.blocks().size(), this.ranking, this.prefetch::evicted);
		this.demand = new ExpertDemand(queue, this.cache, maxBegun);
	}

	/**
	 * Changes the memory, while nothing is read.
	 * @param bytes most memory
	 */
	void resize(long bytes) {
		forgetPass();
		this.cache.resize(bytes);
	}

	/**
	 * Begins a pass.
	 * @param rows its tokens
	 */
	void beginPass(int rows) {
		forgetPass();
		this.wait.gate().computeIsBehind(this.stalls.beginPass(System.nanoTime()) > MAX_STALL_SHARE);
		this.ranking.passed(rows);
		for (CachedRead read : List.copyOf(this.cache.all())) {
			if (read.failed() && !read.underWay() && !read.held()) {
				this.cache.remove(read);
			}
		}
	}

	private void forgetPass() {
		this.demand.clear();
		this.prefetch.clear();
	}

	/**
	 * Says which experts a layer needs, and reads those that are not in memory.
	 * @param firstGroup group of the layer's first expert
	 * @param rowsOf how many tokens go to each expert
	 * @param rows tokens of the pass
	 * @param ordered whether the experts must be computed in their own order
	 * @return experts that are needed; unless ordered, first those in memory
	 */
	int[] choose(int firstGroup, int[] rowsOf, int rows, boolean ordered) {
		this.prefetch.cancelUnused(firstGroup, rowsOf, this.cache);
		List<Integer> here = new ArrayList<>();
		List<Integer> coming = new ArrayList<>();
		List<Integer> missing = new ArrayList<>();
		List<Integer> all = new ArrayList<>();
		List<CachedRead> promoted = new ArrayList<>();
		for (int expert = 0; expert < rowsOf.length; expert++) {
			if (rowsOf[expert] > 0) {
				int group = firstGroup + expert;
				this.ranking.used(group, (double) rowsOf[expert] / rows);
				all.add(expert);
				(switch (want(group, promoted)) {
					case HERE -> here;
					case COMING -> coming;
					case MISSING -> missing;
				}).add(expert);
			}
		}
		this.misses.addAndGet(missing.size());
		this.hits.addAndGet(all.size() - missing.size());
		for (int expert : missing) {
			this.missedBytes.addAndGet(this.demand.lack(this.blocks.of(firstGroup + expert)));
		}
		this.demand.read(promoted);
		if (!missing.isEmpty()) {
			this.stalls.stalled(this.wait.awaitBegun(firstGroup));
		}
		if (!ordered) {
			all = here;
			all.addAll(coming);
			all.addAll(missing);
		}
		return all.stream().mapToInt(Integer::intValue).toArray();
	}

	/**
	 * Those of some experts that can be computed with: all that are in memory, or the
	 * first of them to come.
	 * @param firstGroup group of the layer's first expert
	 * @param experts needed and not yet computed with, at least one
	 * @param ordered whether they must be computed in this order
	 * @return some of the experts; one that is not in memory as a whole comes alone, and
	 * is computed with block by block
	 * @throws io.github.flashspring.engine.checkpoint.CheckpointException if the first
	 * one cannot be read
	 */
	int[] ready(int firstGroup, int[] experts, boolean ordered) {
		this.wait.gate().computeWaits(true);
		try {
			int[] ready = present(firstGroup, experts, ordered);
			CachedRead coming = (ready.length == 0) ? coming(firstGroup + experts[0]) : null;
			if (coming != null) {
				await(coming, () -> present(firstGroup, experts, ordered).length > 0);
				ready = present(firstGroup, experts, ordered);
			}
			return (ready.length > 0) ? ready : new int[] { experts[0] };
		}
		finally {
			this.wait.gate().computeWaits(false);
		}
	}

	/**
	 * Waits for a block, or for something else; evicts the block if it cannot be read.
	 */
	private void await(CachedRead read, BooleanSupplier other) {
		long start = System.nanoTime();
		RuntimeException failure = this.wait.await(read, other);
		this.stalls.stalled(System.nanoTime() - start);
		if (failure != null) {
			read.hold(false);
			this.cache.remove(read);
			throw failure;
		}
	}

	/** Experts of which all blocks are in memory; if ordered, those before any other. */
	private int[] present(int firstGroup, int[] experts, boolean ordered) {
		int[] present = new int[experts.length];
		int count = 0;
		for (int expert : experts) {
			if (this.cache.contains(this.blocks.of(firstGroup + expert))) {
				present[count++] = expert;
			}
			else if (ordered) {
				break;
			}
		}
		return Arrays.copyOf(present, count);
	}

	/** The first block of an expert that is being read; null if none is. */
	private @Nullable CachedRead coming(int group) {
		for (Block block : this.blocks.of(group)) {
			CachedRead read = this.cache.get(block);
			if (read != null && !read.ready()) {
				return read;
			}
		}
		return null;
	}

	private Presence want(int group, List<CachedRead> promoted) {
		Presence presence = Presence.HERE;
		for (Block block : this.blocks.of(group)) {
			CachedRead read = this.cache.get(block);
			if (read == null || read.failed()) {
				presence = Presence.MISSING;
				continue;
			}
			read.wanted = true;
			this.prefetch.needed(read);
			if (read.underWay()) {
				promoted.add(read);
				presence = (presence == Presence.HERE) ? Presence.COMING : presence;
			}
		}
		return presence;
	}

	@Override
	public BlockRead acquire(Block block) {
		this.wait.gate().computeWaits(true);
		try {
			CachedRead read = this.cache.get(block);
			if (read == null) {
				read = this.demand.fetch(block);
			}
			read.hold(true);
			if (!read.ready()) {
				await(read, () -> false);
			}
			return read;
		}
		finally {
			this.wait.gate().computeWaits(false);
		}
	}

	@Override
	public @Nullable BlockRead poll(List<Block> wanted) {
		for (Block block : wanted) {
			CachedRead read = this.cache.get(block);
			if (read != null && read.ready()) {
				read.hold(true);
				return read;
			}
		}
		return null;
	}

	@Override
	public void release(BlockRead read, Fence fence) {
		read.hold(false);
		((CachedRead) read).slot().usedUntil(fence);
	}

	@Override
	public boolean pins(Block block) {
		return false;
	}

	@Override
	public Buffer buffer(BlockRead read, Device device) {
		SharedBuffer buffer = ((CachedRead) read).slot().buffer();
		read.written(device, buffer);
		return buffer;
	}

	/**
	 * Notes that an expert was computed with, for all tokens of the pass.
	 * @param group its group
	 */
	void computed(int group) {
		for (Block block : this.blocks.of(group)) {
			CachedRead read = this.cache.get(block);
			if (read != null) {
				this.demand.computed(read);
				if (!this.keeps && !read.underWay() && !read.held()) {
					this.cache.remove(read);
				}
			}
		}
		this.demand.read(List.of());
	}

	/**
	 * {@return whether guesses about the experts of a layer would help}
	 */
	boolean wantsGuesses(int firstGroup) {
		return this.prefetch.wantsGuesses(firstGroup);
	}

	/**
	 * Reads experts that a layer will probably choose.
	 * @param firstGroup group of the layer's first expert
	 * @param guesses experts of the layer
	 */
	void expect(int firstGroup, List<ExpertGuess> guesses) {
		this.prefetch.expect(firstGroup, guesses, this.cache);
	}

	/**
	 * What of some groups is in memory.
	 * @param from first group
	 * @param to behind the last
	 * @return bytes
	 */
	long bytesOf(int from, int to) {
		return IntStream.range(from, to).mapToLong((group) -> this.cache.readyBytes(this.blocks.of(group))).sum();
	}

	ExpertMetrics snapshot() {
		return new ExpertMetrics(this.hits.get(), this.misses.get(), this.missedBytes.get(),
				this.cache.readyBytes(this.blocks.blocks()), this.cache.capacity(), this.prefetch.reads(),
				this.prefetch.bytes(), this.prefetch.used(), this.prefetch.wasted(), this.prefetch.wastedBytes(),
				this.cache.unproven(this.blocks.blocks()));
	}

	@Override
	public void close() {
		this.cache.close();
	}

	private enum Presence {

		HERE, COMING, MISSING

	}

}
