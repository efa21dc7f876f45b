package io.github.flashspring.engine.device.cpu;

import java.lang.foreign.MemorySegment;

import io.github.flashspring.engine.device.KvPages;

/**
 * Where the keys and values of neighbouring positions of one head lie. In a layer's part
 * of a page come the values of all heads, each [pageTokens, valueDim], then their keys,
 * each [keyDim, pageTokens]: transposed, so that a register takes as many positions as it
 * has lanes. Keys that are values too are not transposed, but each is padded to a
 * multiple of 16 numbers. So 16 numbers may be read wherever a value or the keys of 16
 * positions begin.
 *
 * @param memory of the page
 * @param key offset in bytes of the first number of the first position's key
 * @param value offset in bytes of the first position's value
 * @param keyStride bytes from a number of a key to the next
 * @param tokenStride bytes from a key to the next
 * @param valueStride bytes from a value to the next
 * @param slot index of the first position in its page
 * @param count number of positions
 */
record KvRun(MemorySegment memory, long key, long value, long keyStride, long tokenStride, long valueStride, int slot,
		int count) {

	/**
	 * The positions of a sequence that lie in one page.
	 * @param kv the cache
	 * @param layer index among the layers that have keys and values
	 * @param pages of the sequence, for the layer's group
	 * @param head index of the key-value head
	 * @param position the first
	 * @param end end of the positions that are wanted
	 * @return the run, which may end earlier
	 */
	static KvRun of(KvPages kv, int layer, int[] pages, int head, int position, int end) {
		KvPages.Layout layout = kv.layout();
		int tokens = layout.pageTokens();
		int page = pages[position / tokens];
		int slot = position % tokens;
		int count = Math.min(tokens - slot, end - position);
		long part = kv.byteOffset(page, layer);
		if (layout.valueDim() == 0) {
			long stride = 4L * layout.keyStride();
			long at = part + ((long) head * tokens + slot) * stride;
			return new KvRun(memory(kv, page), at, at, Float.BYTES, stride, stride, slot, count);
		}
		long value = part + ((long) head * tokens + slot) * 4L * layout.valueDim();
		long keys = part + (long) layout.keyValueHeads() * tokens * 4L * layout.valueDim();
		return new KvRun(memory(kv, page), keys + ((long) head * layout.keyDim() * tokens + slot) * 4L, value,
				4L * tokens, Float.BYTES, 4L * layout.valueDim(), slot, count);
	}

	static MemorySegment memory(KvPages kv, int page) {
		if (kv.buffer(page) instanceof CpuBuffer buffer) {
			return buffer.segment();
		}
		throw new IllegalArgumentException("KV page " + page + " does not lie in a buffer of the CPU device");
	}

}
