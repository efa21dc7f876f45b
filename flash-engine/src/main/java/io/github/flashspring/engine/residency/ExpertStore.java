package io.github.flashspring.engine.residency;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Predicate;

import io.github.flashspring.engine.weights.Block;
import io.github.flashspring.engine.weights.BlockLayout;
import io.github.flashspring.engine.device.Buffer;
import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.device.Fence;
import io.github.flashspring.engine.device.SharedBuffer;
import io.github.flashspring.engine.metrics.ExpertMetrics;
import io.github.flashspring.engine.residency.ReadQueue.Urgency;
import org.jspecify.annotations.Nullable;

/**
 * Brings the experts into memory that routers choose: all that a layer lacks at once, and
 * those that the next layer will probably lack while nothing more urgent is read. Called
 * by the thread that computes.
 */
final class ExpertStore implements BlockMatrices.Blocks, AutoCloseable {

	/** Computing that waits for a larger share of the time has no use for pacing. */
	private static final double BEHIND = 0.1;

	/** Weight of a pass in the average. */
	private static final double WEIGHT = 0.25;

	private final BlockLayout blocks;

	private final ReadQueue queue;

	private final ReentrantLock lock;

	private final IoRecorder recorder;

	private final boolean keeps;

	private final ExpertRanking ranking;

	private final ExpertCache cache;

	private final Lookahead lookahead;

	/** Blocks that the layer lacks, in the order in which it computes, not yet read. */
	private final Deque<Block> lacking = new ArrayDeque<>();

	/** Blocks that are expected of the next layer. */
	private final List<CachedRead> expected = new ArrayList<>();

	/** Blocks that the layer lacked, being read or waiting to be computed with. */
	private int begun;

	/** When the pass began. */
	private long passStart;

	/** Time of the pass in which computing waited for experts. */
	private long stallNanos;

	/** Share of the time of passes in which computing waited, on average. */
	private double stalled;

	private long hits;

	private long misses;

	private long missedBytes;

	private long aheadReads;

	private long aheadBytes;

	private long aheadUsed;

	private long uselessReads;

	private long uselessBytes;

	/**
	 * An empty store.
	 * @param blocks all blocks of the model
	 * @param queue reads
	 * @param settings what is kept
	 * @param recorder hears of waiting
	 * @param device allocates memory
	 */
	ExpertStore(BlockLayout blocks, ReadQueue queue, ExpertStreaming settings, IoRecorder recorder, Device device) {
		this.blocks = blocks;
		this.queue = queue;
		this.lock = queue.lock();
		this.recorder = recorder;
		this.keeps = settings.keep() != ExpertStreaming.Keep.NONE;
		this.ranking = (settings.keep() == ExpertStreaming.Keep.LAST_USED) ? new ExpertRanking.LastUse(blocks.units())
				: new ExpertRanking.Measured(blocks.units());
		this.cache = new ExpertCache(device, blocks.blocks().size(), this.ranking, this::left);
		this.lookahead = new Lookahead(settings.lookahead());
	}

	/**
	 * Changes the memory. Called with the lock held, while nothing is read.
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
		this.lock.lock();
		try {
			forgetPass();
			measureStalls();
			this.ranking.passed(rows);
			for (CachedRead load : List.copyOf(this.cache.all())) {
				if (load.pending == 0 && load.failure != null && !load.held) {
					this.cache.remove(load);
				}
			}
		}
		finally {
			this.lock.unlock();
		}
	}

	/** Looks at the pass before. */
	private void measureStalls() {
		long now = System.nanoTime();
		if (this.passStart != 0) {
			double share = Math.min(1, (double) this.stallNanos / Math.max(1, now - this.passStart));
			this.stalled += WEIGHT * (share - this.stalled);
			this.queue.behind(this.stalled > BEHIND);
		}
		this.passStart = now;
		this.stallNanos = 0;
	}

	private void forgetPass() {
		this.lacking.clear();
		this.begun = 0;
		for (CachedRead load : this.cache.all()) {
			load.wanted = false;
			load.counted = false;
			load.expected = false;
		}
		this.expected.clear();
	}

	/**
	 * Says which experts a layer needs, and reads those that are not in memory.
	 * @param firstUnit unit of the layer's first expert
	 * @param rowsOf how many tokens go to each expert
	 * @param rows tokens of the pass
	 * @param ordered whether the experts must be computed in their own order
	 * @return experts that are needed; unless ordered, first those in memory
	 */
	int[] choose(int firstUnit, int[] rowsOf, int rows, boolean ordered) {
		this.lock.lock();
		try {
			this.lookahead.chosen(firstUnit, rowsOf);
			settle(firstUnit, rowsOf);
			List<Integer> here = new ArrayList<>();
			List<Integer> coming = new ArrayList<>();
			List<Integer> missing = new ArrayList<>();
			List<Integer> all = new ArrayList<>();
			for (int expert = 0; expert < rowsOf.length; expert++) {
				if (rowsOf[expert] > 0) {
					int unit = firstUnit + expert;
					this.ranking.used(unit, (double) rowsOf[expert] / rows);
					all.add(expert);
					(switch (want(unit)) {
						case HERE -> here;
						case COMING -> coming;
						case MISSING -> missing;
					}).add(expert);
				}
			}
			this.misses += missing.size();
			this.hits += all.size() - missing.size();
			missing.forEach((expert) -> lack(firstUnit + expert));
			readLacking();
			if (!missing.isEmpty()) {
				long start = System.nanoTime();
				this.queue.awaitBegun();
				stalled(firstUnit, start);
			}
			if (ordered) {
				return all.stream().mapToInt(Integer::intValue).toArray();
			}
			here.addAll(coming);
			here.addAll(missing);
			return here.stream().mapToInt(Integer::intValue).toArray();
		}
		finally {
			this.lock.unlock();
		}
	}

	/**
	 * Those of some experts that can be computed with: all that are in memory, or the
	 * first of them to come.
	 * @param firstUnit unit of the layer's first expert
	 * @param experts needed and not yet computed with, at least one
	 * @param ordered whether they must be computed in this order
	 * @return some of the experts; one that is not in memory as a whole comes alone, and
	 * is computed with block by block
	 * @throws io.github.flashspring.engine.checkpoint.CheckpointException if the first
	 * one cannot be read
	 */
	int[] ready(int firstUnit, int[] experts, boolean ordered) {
		this.lock.lock();
		this.queue.waits(true);
		try {
			int[] ready = present(firstUnit, experts, ordered);
			CachedRead coming = (ready.length == 0) ? coming(firstUnit + experts[0]) : null;
			if (coming != null) {
				long start = System.nanoTime();
				RuntimeException failure = this.queue.await(coming,
						() -> present(firstUnit, experts, ordered).length > 0);
				stalled(firstUnit, start);
				if (failure != null) {
					this.cache.remove(coming);
					throw failure;
				}
				ready = present(firstUnit, experts, ordered);
			}
			return (ready.length > 0) ? ready : new int[] { experts[0] };
		}
		finally {
			this.queue.waits(false);
			this.lock.unlock();
		}
	}

	/** Experts of which all blocks are in memory; if ordered, those before any other. */
	private int[] present(int firstUnit, int[] experts, boolean ordered) {
		int[] present = new int[experts.length];
		int count = 0;
		for (int expert : experts) {
			if (isPresent(firstUnit + expert)) {
				present[count++] = expert;
			}
			else if (ordered) {
				break;
			}
		}
		return Arrays.copyOf(present, count);
	}

	private boolean isPresent(int unit) {
		for (Block block : this.blocks.of(unit)) {
			CachedRead load = this.cache.get(block);
			if (load == null || !load.ready()) {
				return false;
			}
		}
		return true;
	}

	/** The first block of an expert that is being read; null if none is. */
	private @Nullable CachedRead coming(int unit) {
		for (Block block : this.blocks.of(unit)) {
			CachedRead load = this.cache.get(block);
			if (load != null && !load.ready()) {
				return load;
			}
		}
		return null;
	}

	/** Ends what was expected: what comes in vain need not come at all. */
	private void settle(int firstUnit, int[] rowsOf) {
		for (CachedRead load : this.expected) {
			load.expected = false;
			int expert = load.block().unit() - firstUnit;
			boolean needed = expert >= 0 && expert < rowsOf.length && rowsOf[expert] > 0;
			if (!needed && load.pending > 0 && !load.dropped) {
				giveUp(load);
			}
			else if (!needed && !this.keeps && !load.held && !load.dropped) {
				this.cache.remove(load);
			}
		}
		this.expected.clear();
	}

	private void giveUp(CachedRead load) {
		List<Block.Extent> unread = this.queue.cancel(load);
		long bytes = unread.stream().mapToLong(Block.Extent::length).sum();
		boolean untouched = bytes == load.block().bytes();
		this.aheadBytes -= bytes;
		this.aheadReads -= untouched ? 1 : 0;
		load.unproven &= !untouched;
		if (load.pending == 0) {
			this.cache.remove(load);
		}
		else if (bytes > 0) {
			load.failed.addAll(unread);
			load.failure = new IllegalStateException("Nobody needed the block while it was read");
		}
	}

	private Presence want(int unit) {
		Presence presence = Presence.HERE;
		for (Block block : this.blocks.of(unit)) {
			CachedRead load = this.cache.get(block);
			if (load == null || load.failure != null) {
				presence = Presence.MISSING;
				continue;
			}
			load.wanted = true;
			if (load.unproven) {
				load.unproven = false;
				this.aheadUsed++;
			}
			if (load.pending > 0) {
				this.queue.hurry(load);
				presence = (presence == Presence.HERE) ? Presence.COMING : presence;
			}
		}
		return presence;
	}

	private void lack(int unit) {
		for (Block block : this.blocks.of(unit)) {
			if (this.cache.get(block) == null) {
				this.lacking.addLast(block);
				this.missedBytes += block.bytes();
			}
		}
	}

	/**
	 * Begins to read what is lacking: as much at once as keeps the readers busy, so that
	 * a prompt that needs all experts does not push out more than that.
	 */
	private void readLacking() {
		while (!this.lacking.isEmpty() && this.begun < 2 * this.queue.threads()) {
			CachedRead load = this.cache.admit(this.lacking.getFirst(), Double.POSITIVE_INFINITY,
					(other) -> !other.wanted);
			if (load == null) {
				return;
			}
			this.lacking.removeFirst();
			load.wanted = true;
			load.counted = true;
			this.begun++;
			this.queue.add(load, Urgency.NOW);
		}
	}

	@Override
	public BlockRead acquire(Block block) {
		this.lock.lock();
		this.queue.waits(true);
		try {
			CachedRead load = this.cache.get(block);
			if (load == null) {
				load = fetch(block);
			}
			load.held = true;
			if (load.ready()) {
				return load;
			}
			long start = System.nanoTime();
			RuntimeException failure = this.queue.await(load);
			stalled(block.unit(), start);
			if (failure != null) {
				load.held = false;
				this.cache.remove(load);
				throw failure;
			}
			return load;
		}
		finally {
			this.queue.waits(false);
			this.lock.unlock();
		}
	}

	@Override
	public @Nullable BlockRead poll(List<Block> wanted) {
		this.lock.lock();
		try {
			for (Block block : wanted) {
				CachedRead load = this.cache.get(block);
				if (load != null && load.ready()) {
					load.held = true;
					return load;
				}
			}
			return null;
		}
		finally {
			this.lock.unlock();
		}
	}

	private void stalled(int unit, long start) {
		long end = System.nanoTime();
		this.stallNanos += end - start;
		this.recorder.stalled(unit, start, end);
	}

	/** Reads a block for which there was no room before. */
	private CachedRead fetch(Block block) {
		this.lacking.remove(block);
		CachedRead load = admit(block, (other) -> !other.wanted);
		while (load == null) {
			load = admit(block, (other) -> true);
			if (load == null) {
				if (this.cache.all().stream().noneMatch((other) -> other.pending > 0)) {
					throw new IllegalStateException(
							"The memory for experts is too small for " + block.bytes() + " bytes");
				}
				this.queue.awaitRead();
			}
		}
		load.wanted = true;
		this.queue.add(load, Urgency.NOW);
		return load;
	}

	private @Nullable CachedRead admit(Block block, Predicate<CachedRead> yielding) {
		return this.cache.admit(block, Double.POSITIVE_INFINITY, yielding);
	}

	@Override
	public void release(BlockRead load, Fence fence) {
		this.lock.lock();
		try {
			load.held = false;
			((CachedRead) load).slot().usedUntil(fence);
		}
		finally {
			this.lock.unlock();
		}
	}

	@Override
	public boolean stays(Block block) {
		return false;
	}

	@Override
	public Buffer buffer(BlockRead load, Device device) {
		SharedBuffer buffer = ((CachedRead) load).slot().buffer();
		load.written(device, buffer);
		return buffer;
	}

	/**
	 * Notes that an expert was computed with, for all tokens of the pass.
	 * @param unit its unit
	 */
	void computed(int unit) {
		this.lock.lock();
		try {
			for (Block block : this.blocks.of(unit)) {
				CachedRead load = this.cache.get(block);
				if (load != null) {
					load.wanted = false;
					this.begun -= load.counted ? 1 : 0;
					load.counted = false;
					if (!this.keeps && load.pending == 0 && !load.held) {
						this.cache.remove(load);
					}
				}
			}
			readLacking();
		}
		finally {
			this.lock.unlock();
		}
	}

	/**
	 * Whether guesses about the experts of a layer are welcome.
	 * @param firstUnit unit of its first expert
	 * @return false if they would not help
	 */
	boolean wantsGuesses(int firstUnit) {
		this.lock.lock();
		try {
			return this.lookahead.wanted(firstUnit);
		}
		finally {
			this.lock.unlock();
		}
	}

	/**
	 * Reads experts that a layer will probably choose.
	 * @param firstUnit unit of the layer's first expert
	 * @param guesses experts of the layer
	 */
	void expect(int firstUnit, List<ExpertGuess> guesses) {
		this.lock.lock();
		try {
			for (Lookahead.Likely likely : this.lookahead.likely(firstUnit, guesses)) {
				for (Block block : this.blocks.of(firstUnit + likely.expert())) {
					CachedRead load = this.cache.get(block);
					if (load == null) {
						load = (this.expected.size() < 2 * this.queue.threads()) ? this.cache.admit(block,
								likely.probability(), (other) -> !other.wanted && !other.expected) : null;
						if (load == null) {
							continue;
						}
						load.unproven = true;
						this.aheadReads++;
						this.aheadBytes += block.bytes();
						this.queue.add(load, Urgency.LIKELY);
					}
					load.expected = true;
					this.expected.add(load);
				}
			}
		}
		finally {
			this.lock.unlock();
		}
	}

	private void left(CachedRead load) {
		if (load.unproven) {
			load.unproven = false;
			this.uselessReads++;
			this.uselessBytes += load.block().bytes();
		}
	}

	/**
	 * What of some units is in memory.
	 * @param from first unit
	 * @param to behind the last
	 * @return bytes
	 */
	long bytesOf(int from, int to) {
		this.lock.lock();
		try {
			return this.cache.all()
				.stream()
				.filter((load) -> load.ready() && load.block().unit() >= from && load.block().unit() < to)
				.mapToLong((load) -> load.block().bytes())
				.sum();
		}
		finally {
			this.lock.unlock();
		}
	}

	ExpertMetrics snapshot() {
		this.lock.lock();
		try {
			long unproven = this.cache.all().stream().filter((load) -> load.unproven).count();
			return new ExpertMetrics(this.hits, this.misses, this.missedBytes,
					this.cache.all().stream().filter(BlockRead::ready).mapToLong((load) -> load.block().bytes()).sum(),
					this.cache.capacity(), this.aheadReads, this.aheadBytes, this.aheadUsed, this.uselessReads,
					this.uselessBytes, unproven);
		}
		finally {
			this.lock.unlock();
		}
	}

	@Override
	public void close() {
		this.cache.close();
	}

	private enum Presence {

		HERE, COMING, MISSING

	}

}
