package io.github.flashspring.engine.device.cpu;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

import io.github.flashspring.engine.device.KvPages;

/**
 * Where the keys and values of neighbouring positions of one head lie. In a layer's part
 * of a page come the values of all heads, each [pageTokens, valueDim], then their keys,
 * each [keyDim, pageTokens]: transposed, so that a register takes as many positions as it
 * has lanes. Keys that are values too are not transposed, but each is padded to a
 * multiple of 16 numbers. So 16 numbers may be read wherever a value or the keys of 16
 * positions begin. Behind codes come the scales of values [heads, pageTokens, groups],
 * their biases, and the scales [heads, groups, pageTokens] and biases of keys; of keys
 * that are values too they lie as those of values.
 *
 * @param memory of the page
 * @param format of the numbers
 * @param key offset in bytes of the first number of the first position's key
 * @param value offset in bytes of the first position's value
 * @param keyStride bytes from a number of a key to the next
 * @param tokenStride bytes from a key to the next
 * @param valueStride bytes from a value to the next
 * @param slot index of the first position in its page
 * @param count number of positions
 * @param keyScales of codes
 * @param valueScales of codes
 */
record KvRun(MemorySegment memory, KvPages.Format format, long key, long value, long keyStride, long tokenStride,
		long valueStride, int slot, int count, Scales keyScales, Scales valueScales) {

	private static final long HALF = Short.BYTES;

	/**
	 * The positions of a sequence that lie in one page.
	 * @param kv the cache
	 * @param layer index among the layers that have keys and values
	 * @param group one of the groups of the layer
	 * @param pages of the sequence, for the group
	 * @param head index of the key-value head
	 * @param position the first
	 * @param end end of the positions that are wanted
	 * @return the run, which may end earlier
	 */
	static KvRun of(KvPages kv, int layer, int group, int[] pages, int head, int position, int end) {
		KvPages.Layout layout = kv.layout(group);
		int tokens = layout.pageTokens();
		int page = pages[position / tokens];
		int slot = position % tokens;
		int count = Math.min(tokens - slot, end - position);
		long part = kv.byteOffset(page, layer);
		int bytes = layout.format().bytes();
		long heads = (long) layout.keyValueHeads() * tokens;
		if (layout.valueDim() == 0) {
			long stride = (long) bytes * layout.keyStride();
			long at = part + ((long) head * tokens + slot) * stride;
			Scales scales = (layout.format() == KvPages.Format.Q8)
					? Scales.byToken(part + heads * stride, heads, (long) head * tokens + slot, layout.keyGroups())
					: Scales.NONE;
			return new KvRun(memory(kv, page), layout.format(), at, at, bytes, stride, stride, slot, count, scales,
					scales);
		}
		long value = part + ((long) head * tokens + slot) * bytes * layout.valueDim();
		long keys = part + heads * bytes * layout.valueDim();
		long key = keys + ((long) head * layout.keyDim() * tokens + slot) * bytes;
		Scales ofKeys = Scales.NONE;
		Scales ofValues = Scales.NONE;
		if (layout.format() == KvPages.Format.Q8) {
			long behind = keys + heads * layout.keyDim();
			ofValues = Scales.byToken(behind, heads, (long) head * tokens + slot, layout.valueGroups());
			behind += 2 * HALF * heads * layout.valueGroups();
			long first = behind + HALF * ((long) head * layout.keyGroups() * tokens + slot);
			ofKeys = new Scales(first, first + HALF * heads * layout.keyGroups(), HALF * tokens, HALF);
		}
		return new KvRun(memory(kv, page), layout.format(), key, value, (long) bytes * tokens, bytes,
				(long) bytes * layout.valueDim(), slot, count, ofKeys, ofValues);
	}

	/**
	 * A number of a key.
	 * @param position index of the position in the run
	 * @param i index of the number
	 * @param group that the number belongs to
	 * @return its value
	 */
	float key(int position, int i, int group) {
		return number(this.key + i * this.keyStride + position * this.tokenStride, this.keyScales, position, group);
	}

	/**
	 * A number of a value.
	 * @param position index of the position in the run
	 * @param i index of the number
	 * @param group that the number belongs to
	 * @return its value
	 */
	float value(int position, int i, int group) {
		return number(this.value + position * this.valueStride + (long) i * this.format.bytes(), this.valueScales,
				position, group);
	}

	private float number(long at, Scales scales, int position, int group) {
		return switch (this.format) {
			case F32 -> this.memory.get(PortableKernels.FLOAT, at);
			case F16 -> Float.float16ToFloat(this.memory.get(PortableKernels.SHORT, at));
			case Q8 -> Math.fma((float) (this.memory.get(ValueLayout.JAVA_BYTE, at) & 0xff),
					half(scales.scale(position, group)), half(scales.bias(position, group)));
		};
	}

	private float half(long at) {
		return Float.float16ToFloat(this.memory.get(PortableKernels.SHORT, at));
	}

	static MemorySegment memory(KvPages kv, int page) {
		if (kv.buffer(page) instanceof CpuBuffer buffer) {
			return buffer.segment();
		}
		throw new IllegalArgumentException("KV page " + page + " does not lie in a buffer of the CPU device");
	}

	/**
	 * Where scales and biases of codes lie.
	 *
	 * @param scales offset in bytes of the first scale of the first position
	 * @param biases offset in bytes of its bias
	 * @param groupStride bytes from a group to the next
	 * @param tokenStride bytes from a position to the next
	 */
	record Scales(long scales, long biases, long groupStride, long tokenStride) {

		/** Numbers are no codes. */
		static final Scales NONE = new Scales(0, 0, 0, 0);

		private static Scales byToken(long behind, long tokens, long token, int groups) {
			long first = behind + HALF * token * groups;
			return new Scales(first, first + HALF * tokens * groups, HALF, HALF * groups);
		}

		long scale(int position, int group) {
			return this.scales + group * this.groupStride + position * this.tokenStride;
		}

		long bias(int position, int group) {
			return this.biases + group * this.groupStride + position * this.tokenStride;
		}

	}

}
