package io.github.flashspring.engine.cache;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import io.github.flashspring.engine.device.Buffer;
import io.github.flashspring.engine.device.DeviceException;

/**
 * The memory that only the prefix cache has: it is bounded, and goes to sequences when
 * they need it.
 */
final class Retention {

	private static final Logger logger = LoggerFactory.getLogger(Retention.class);

	private final KvCache cache;

	private final StatePool states;

	private final long stateBytes;

	private long maxBytes;

	private long bytes;

	/** Null if nothing is kept. */
	private @Nullable PrefixCache prefixes;

	Retention(KvCache cache, StatePool states, long stateBytes) {
		this.cache = cache;
		this.states = states;
		this.stateBytes = stateBytes;
	}

	void keep(PrefixCache kept, long most) {
		this.prefixes = kept;
		this.maxBytes = most;
	}

	@Nullable PrefixCache prefixes() {
		return this.prefixes;
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
		return this.prefixes != null && this.bytes > 0 && this.prefixes.evict();
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
		if (this.prefixes == null || this.stateBytes > this.maxBytes || !this.cache.occupy(this.stateBytes)) {
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
		state.close();
		this.cache.vacate(this.stateBytes);
	}

	/** Notes that the prefix cache has more or fewer states. */
	void keptSnapshots(int count) {
		add(count * this.stateBytes);
	}

}
