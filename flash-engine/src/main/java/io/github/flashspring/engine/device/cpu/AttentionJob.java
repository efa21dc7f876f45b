package io.github.flashspring.engine.device.cpu;

import java.lang.foreign.MemorySegment;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.device.AttentionSpec;
import io.github.flashspring.engine.device.KvBlocks;
import io.github.flashspring.engine.device.RaggedBatch;

/**
 * The operands of attention in one layer, and where in the blocks its keys and values
 * lie.
 *
 * @param out F32 [n, heads · valueDim]
 * @param queries F32 [n, heads · keyDim]
 * @param kv the cache
 * @param layer index among the layers that have keys and values
 * @param batch which row is which position of which sequence
 * @param spec heads, scale, window and cap
 * @param sinks [1, heads] or null
 */
record AttentionJob(Rows out, Rows queries, KvBlocks kv, int layer, RaggedBatch batch, AttentionSpec spec,
		@Nullable Rows sinks) {

	/** Query heads of a unit of work at most; a multiple of those computed together. */
	private static final int HEADS = 8;

	/**
	 * Units of work: some query heads of a row that read one key-value head.
	 * @return their number
	 */
	int units() {
		return this.batch.rows() * this.spec.keyValueHeads() * parts();
	}

	/** Units that share a row and a key-value head. */
	private int parts() {
		return Math.ceilDiv(group(), HEADS);
	}

	/** Query heads that read one key-value head. */
	private int group() {
		return this.spec.heads() / this.spec.keyValueHeads();
	}

	int row(int unit) {
		return unit % this.batch.rows();
	}

	int keyValueHead(int unit) {
		return unit / this.batch.rows() / parts();
	}

	/**
	 * First query head of a unit.
	 * @param unit its index
	 * @return index of the head
	 */
	int firstHead(int unit) {
		return keyValueHead(unit) * group() + unit / this.batch.rows() % parts() * HEADS;
	}

	/**
	 * End of the query heads of a unit.
	 * @param unit its index
	 * @return index behind the last head
	 */
	int endHead(int unit) {
		return Math.min(firstHead(unit) + HEADS, (keyValueHead(unit) + 1) * group());
	}

	/**
	 * The stretch of tokens that a row belongs to.
	 * @param row index of the row
	 * @return the span
	 */
	RaggedBatch.Span span(int row) {
		for (RaggedBatch.Span span : this.batch.spans()) {
			if (row < span.firstRow() + span.rows()) {
				return span;
			}
		}
		throw new IllegalArgumentException("No span of the batch covers row " + row);
	}

	/**
	 * The first position that a token sees.
	 * @param position position of the token
	 * @return position of the oldest token in its window
	 */
	int firstVisible(int position) {
		return (this.spec.window() > 0) ? Math.max(0, position - this.spec.window() + 1) : 0;
	}

	/**
	 * The maximum of a head's scores, its sink among them.
	 * @param head index of the query head
	 * @param maximum of the scores
	 * @return what is subtracted from the scores
	 */
	float maximum(int head, float maximum) {
		return (this.sinks != null) ? Math.max(maximum, PortableKernels.value(this.sinks, 0, head)) : maximum;
	}

	/**
	 * The sum of a head's weights, that of its sink among them.
	 * @param head index of the query head
	 * @param maximum what was subtracted from the scores
	 * @param sum of the weights of the positions
	 * @return by what the values are divided
	 */
	float sum(int head, float maximum, float sum) {
		return (this.sinks != null) ? sum + Exponential.exp(PortableKernels.value(this.sinks, 0, head) - maximum) : sum;
	}

	/**
	 * Distance of a value from the next.
	 * @return number of floats
	 */
	int valueStride() {
		KvBlocks.Layout layout = this.kv.layout();
		return (layout.valueDim() > 0) ? layout.valueDim() : layout.keyDim();
	}

	MemorySegment memory(int block) {
		return memory(this.kv, block);
	}

	/**
	 * Where a head's keys in a block begin.
	 * @param block id of the block
	 * @param head index of the key-value head
	 * @return offset in bytes of its first token's key
	 */
	long keys(int block, int head) {
		return keys(this.kv, this.layer, block, head);
	}

	/**
	 * Where a head's values in a block begin.
	 * @param block id of the block
	 * @param head index of the key-value head
	 * @return offset in bytes of its first token's value
	 */
	long values(int block, int head) {
		return values(this.kv, this.layer, block, head);
	}

	static MemorySegment memory(KvBlocks kv, int block) {
		if (kv.buffer(block) instanceof CpuBuffer buffer) {
			return buffer.segment();
		}
		throw new IllegalArgumentException("KV block " + block + " does not lie in a buffer of the CPU device");
	}

	static long keys(KvBlocks kv, int layer, int block, int head) {
		KvBlocks.Layout layout = kv.layout();
		return kv.byteOffset(block, layer) + (long) head * layout.blockTokens() * layout.keyDim() * Float.BYTES;
	}

	static long values(KvBlocks kv, int layer, int block, int head) {
		KvBlocks.Layout layout = kv.layout();
		if (layout.valueDim() == 0) {
			return keys(kv, layer, block, head);
		}
		return kv.byteOffset(block, layer)
				+ ((long) layout.keyValueHeads() * layout.keyDim() + (long) head * layout.valueDim())
						* layout.blockTokens() * Float.BYTES;
	}

}
