package io.github.flashspring.engine.cache;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.device.Buffer;
import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.device.KvBlocks;

/**
 * Keys and values of all sequences, in blocks of tokens that are lent to sequences and
 * taken back. Memory of a block is allocated when it is first lent. Used by one thread.
 */
public final class KvCache implements KvBlocks, AutoCloseable {

	private final Device device;

	private final Layout layout;

	private final int layers;

	private final @Nullable Buffer[] buffers;

	private final Deque<Integer> free = new ArrayDeque<>();

	/**
	 * Makes an empty cache.
	 * @param device allocates
	 * @param layout shape of a layer's part of a block
	 * @param layers layers that have keys and values
	 * @param tokens how many tokens there must be room for, in whole blocks
	 */
	public KvCache(Device device, Layout layout, int layers, long tokens) {
		this.device = device;
		this.layout = layout;
		this.layers = layers;
		this.buffers = new Buffer[blocks(layout, tokens)];
		for (int i = 0; i < this.buffers.length; i++) {
			this.free.add(i);
		}
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
	 */
	public Optional<int[]> lend(long tokens) {
		int count = blocks(this.layout, tokens);
		if (count > this.buffers.length) {
			throw new IllegalArgumentException("A sequence of " + tokens + " tokens needs " + count
					+ " KV blocks, but the cache has " + this.buffers.length);
		}
		if (count > this.free.size()) {
			return Optional.empty();
		}
		int[] blocks = new int[count];
		for (int i = 0; i < count; i++) {
			blocks[i] = this.free.pop();
			if (this.buffers[blocks[i]] == null) {
				this.buffers[blocks[i]] = this.device.allocate(this.layers * this.layout.layerBytes());
			}
		}
		return Optional.of(blocks);
	}

	/**
	 * Takes blocks back.
	 * @param blocks ids as lent
	 */
	public void giveBack(int[] blocks) {
		for (int block : blocks) {
			this.free.push(block);
		}
	}

	@Override
	public void close() {
		for (Buffer buffer : this.buffers) {
			if (buffer != null) {
				buffer.close();
			}
		}
	}

}
