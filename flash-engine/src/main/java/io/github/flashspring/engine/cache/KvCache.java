package io.github.flashspring.engine.cache;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.device.Buffer;
import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.device.DeviceException;
import io.github.flashspring.engine.device.KvBlocks;
import io.github.flashspring.engine.metrics.ByteSize;

/**
 * Keys and values of all sequences, in blocks of tokens that are lent to sequences and
 * taken back, together with a state of fixed size for models that have one. Memory of a
 * block is allocated when it is first lent. Used by one thread.
 */
public final class KvCache implements KvBlocks, AutoCloseable {

	private final Device device;

	private final Layout layout;

	private final int layers;

	private final @Nullable Buffer[] buffers;

	private final Deque<Integer> free = new ArrayDeque<>();

	private final SequenceStates states;

	/**
	 * Makes an empty cache.
	 * @param device allocates
	 * @param layout shape of a layer's part of a block
	 * @param layers layers that have keys and values
	 * @param tokens how many tokens there must be room for, in whole blocks
	 */
	public KvCache(Device device, Layout layout, int layers, long tokens) {
		this(device, layout, layers, tokens, 0, 0);
	}

	/**
	 * Makes an empty cache for sequences that have a state too.
	 * @param device allocates
	 * @param layout shape of a layer's part of a block
	 * @param layers layers that have keys and values
	 * @param tokens how many tokens there must be room for, in whole blocks
	 * @param stateFloats size of the state of a sequence; 0: there is none
	 * @param sequences how many sequences run at once
	 */
	public KvCache(Device device, Layout layout, int layers, long tokens, long stateFloats, int sequences) {
		this.device = device;
		this.layout = layout;
		this.layers = layers;
		this.buffers = new Buffer[blocks(layout, tokens)];
		for (int i = 0; i < this.buffers.length; i++) {
			this.free.add(i);
		}
		this.states = new SequenceStates(device, stateFloats, sequences);
	}

	/**
	 * Bytes that a cache needs.
	 * @param layout shape of a layer's part of a block
	 * @param layers layers that have keys and values
	 * @param tokens how many tokens there must be room for
	 * @return bytes of whole blocks
	 */
	public static long bytes(Layout layout, int layers, long tokens) {
		return blocks(layout, tokens) * layers * layout.layerBytes();
	}

	private static int blocks(Layout layout, long tokens) {
		return Math.toIntExact((tokens + layout.blockTokens() - 1) / layout.blockTokens());
	}

	@Override
	public Layout layout() {
		return this.layout;
	}

	@Override
	public Buffer buffer(int block) {
		Buffer buffer = this.buffers[block];
		if (buffer == null) {
			throw new IllegalStateException("KV block " + block + " was never lent");
		}
		return buffer;
	}

	@Override
	public long byteOffset(int block, int layer) {
		return layer * this.layout.layerBytes();
	}

	/**
	 * Lends blocks for a sequence.
	 * @param tokens the most tokens the sequence will have
	 * @return ids of its blocks, or empty while too few are free
	 * @throws IllegalArgumentException if the whole cache is smaller
	 * @throws DeviceException if there is no memory for a block that was never lent
	 * before; no block is lent then
	 */
	public Optional<int[]> lend(long tokens) {
		int count = blocks(this.layout, tokens);
		if (count > this.buffers.length) {
			throw new IllegalArgumentException("A sequence of " + tokens + " tokens needs " + count
					+ " KV blocks, but the cache has " + this.buffers.length);
		}
		if (count > this.free.size() || !this.states.available()) {
			return Optional.empty();
		}
		int[] blocks = this.free.stream().limit(count).mapToInt(Integer::intValue).toArray();
		for (int block : blocks) {
			allocate(block, tokens);
		}
		this.states.lend(blocks[0]);
		for (int i = 0; i < count; i++) {
			this.free.pop();
		}
		return Optional.of(blocks);
	}

	private void allocate(int block, long tokens) {
		if (this.buffers[block] != null) {
			return;
		}
		long bytes = this.layers * this.layout.layerBytes();
		try {
			this.buffers[block] = this.device.allocate(bytes);
		}
		catch (DeviceException ex) {
			throw new DeviceException(
					"There is no memory for the keys and values of a sequence of %d tokens, in blocks of %s: %s. Ask for fewer tokens, or for less at once."
						.formatted(tokens, ByteSize.readable(bytes), ex.getMessage()),
					ex);
		}
	}

	/**
	 * Takes blocks back.
	 * @param blocks ids as lent
	 */
	public void giveBack(int[] blocks) {
		this.states.giveBack(blocks[0]);
		for (int block : blocks) {
			this.free.push(block);
		}
	}

	@Override
	public Buffer states(int sequence) {
		return this.states.buffer(sequence);
	}

	/**
	 * Copies the state of a sequence, so that it can return to it, or another can begin
	 * with it.
	 * @param blocks ids as lent
	 * @return the copy; the caller closes it
	 * @throws IllegalStateException if sequences have no states
	 */
	public Buffer snapshot(int[] blocks) {
		return this.states.snapshot(blocks[0]);
	}

	/**
	 * Gives a sequence a state that was copied.
	 * @param blocks ids as lent
	 * @param snapshot the copy
	 */
	public void restore(int[] blocks, Buffer snapshot) {
		this.states.restore(blocks[0], snapshot);
	}

	@Override
	public void close() {
		this.states.close();
		for (Buffer buffer : this.buffers) {
			if (buffer != null) {
				buffer.close();
			}
		}
	}

}
