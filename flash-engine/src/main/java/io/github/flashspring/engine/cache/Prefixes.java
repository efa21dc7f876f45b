package io.github.flashspring.engine.cache;

import java.util.function.BooleanSupplier;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import io.github.flashspring.engine.cache.disk.PrefixWriter;
import io.github.flashspring.engine.device.Buffer;
import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.device.DeviceException;
import io.github.flashspring.engine.metrics.PrefixMetrics;

/**
 * What sequences leave to others with the same tokens, in memory and on disk. The memory
 * that nobody else has is bounded, and goes to sequences when they need it. Used by the
 * thread of the {@link KvCache}.
 */
public final class Prefixes {

	private static final Logger logger = LoggerFactory.getLogger(Prefixes.class);

	private final KvCache cache;

	private final StatePool states;

	private final Device device;

	private final ResumePoints points;

	private final long stateBytes;

	private long ownBytes;

	private long maxBytes;

	private long bytes;

	/** Null if nothing is kept. */
	private @Nullable PrefixCache tree;

	/** Null if nothing is kept on disk. */
	private @Nullable PrefixDisk disk;

	Prefixes(KvCache cache, Device device, StatePool states, ResumePoints points) {
		this.cache = cache;
		this.device = device;
		this.states = states;
		this.points = points;
		this.stateBytes = points.stateBytes();
	}

	/**
	 * Keeps what sequences leave behind from now on. It may take all memory that no
	 * sequence needs, and some of its own.
	 * @param ownBytes memory besides that of sequences
	 * @param most most memory that is kept
	 */
	public void keep(long ownBytes, long most) {
		resize(ownBytes);
		this.maxBytes = most;
		this.tree = new PrefixCache(this.cache, this.points);
	}

	/**
	 * Changes its own memory. What does not fit any more is evicted.
	 * @param ownBytes memory besides that of sequences
	 */
	public void resize(long ownBytes) {
		this.cache.enlarge(ownBytes - this.ownBytes);
		this.ownBytes = ownBytes;
		this.cache.occupy(0);
	}

	/**
	 * Keeps it on disk as well, from now on.
	 * @param store where
	 * @param diskNeeded whether others read from the disk now: then nothing is written
	 * @param wake called when {@link #work} has something to do
	 */
	public void keepOnDisk(PrefixStore store, BooleanSupplier diskNeeded, Runnable wake) {
		if (this.tree != null) {
			this.disk = new PrefixDisk(this.cache, this.tree, this.device, store,
					new PrefixWriter(store.folder(), diskNeeded, wake));
		}
	}

	/**
	 * {@return memory that files need while they are read and written}
	 */
	public long stagingBytes() {
		return 2 * this.points.maxSegmentBytes();
	}

	/**
	 * {@return whether prefixes are on disk}
	 */
	public boolean hasDisk() {
		return this.disk != null;
	}

	/**
	 * Reads what is on disk of the tokens of a sequence, so that it can begin behind
	 * them. Takes as long as the disk.
	 * @param tokens of the sequence
	 * @param length how many there are
	 */
	public void load(int[] tokens, int length) {
		if (this.disk != null) {
			this.disk.load(tokens, length);
		}
	}

	/**
	 * {@return whether there is something to write and the writer is free}
	 */
	public boolean hasWork() {
		return this.disk != null && this.disk.hasWork();
	}

	/** Hands something to the writer, if it is free. */
	public void work() {
		if (this.disk != null) {
			this.disk.work();
		}
	}

	/**
	 * Notes that a sequence begins that may continue what others left.
	 * @param resumedTokens tokens that it need not compute
	 */
	public void began(int resumedTokens) {
		if (this.tree != null) {
			this.tree.began(resumedTokens);
		}
	}

	/** Forgets what is in memory, for instance because it may be damaged. */
	public void forget() {
		if (this.tree != null) {
			this.tree.clear();
		}
	}

	/**
	 * {@return what was done and is held}
	 */
	public PrefixMetrics metrics() {
		PrefixMetrics memory = (this.tree != null) ? this.tree.metrics(this.bytes) : PrefixMetrics.NONE;
		return (this.disk != null) ? memory.with(this.disk.metrics()) : memory;
	}

	@Nullable PrefixCache tree() {
		return this.tree;
	}

	@Nullable PrefixDisk disk() {
		return this.disk;
	}

	void close() {
		if (this.disk != null) {
			this.disk.close();
		}
		forget();
	}

	/**
	 * {@return memory that only the prefix cache has}
	 */
	long bytes() {
		return this.bytes;
	}

	/** Notes that the prefix cache alone has more or fewer bytes. */
	void add(long difference) {
		this.bytes += difference;
	}

	/** Takes memory from the prefix cache; false if it has none of its own. */
	boolean evict() {
		return this.tree != null && this.bytes > 0 && this.tree.evict();
	}

	/** Takes memory from the prefix cache that it may not keep. */
	void trim() {
		while (this.bytes > this.maxBytes && evict()) {
			continue;
		}
	}

	/**
	 * Memory for a copy of a state that the prefix cache can keep.
	 * @return the memory; null if there is none, or no prefix cache
	 */
	@Nullable Buffer lendSnapshot() {
		if (this.tree == null || this.stateBytes > this.maxBytes || !this.cache.occupy(this.stateBytes)) {
			return null;
		}
		try {
			return this.states.allocate();
		}
		catch (DeviceException ex) {
			logger.debug("No copy of a state is kept", ex);
			this.cache.vacate(this.stateBytes);
			return null;
		}
	}

	void freeSnapshot(Buffer state) {
		this.device.commit().await(); // a pass may have been abandoned after the copy
		state.close();
		this.cache.vacate(this.stateBytes);
	}

	/** Notes that the prefix cache has more or fewer states. */
	void keptSnapshots(int count) {
		add(count * this.stateBytes);
	}

}
