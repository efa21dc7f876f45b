package io.github.flashspring.engine.device.cpu;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.device.KvPages;
import io.github.flashspring.engine.device.KvRangeException;
import io.github.flashspring.engine.device.RaggedBatch;

/**
 * Stores the keys and values of a layer in the formats of its groups. Codes are made of
 * the numbers themselves, not of halves, and once: when the token is computed.
 */
final class KvWriter {

	private static final float MAX_CODE = 255f;

	private final KvPages kv;

	private final int layer;

	private final Rows keys;

	private final @Nullable Rows values;

	private final int[] keyBounds;

	private final int[] valueBounds;

	KvWriter(KvPages kv, int layer, Rows keys, @Nullable Rows values) {
		this.kv = kv;
		this.layer = layer;
		this.keys = keys;
		this.values = values;
		this.keyBounds = kv.layout().keyBounds();
		this.valueBounds = kv.layout().valueBounds();
	}

	/**
	 * Stores one head of the rows of a span.
	 * @throws KvRangeException if a number is too large for the format
	 */
	void store(RaggedBatch.Span span, int head, Scratch scratch) {
		KvPages.Layout layout = this.kv.layout();
		int recent = this.kv.recentGroup(this.layer);
		float[] numbers = scratch.weights(Math.max(layout.keyDim(), layout.valueDim()));
		for (int i = 0; i < span.rows(); i++) {
			int row = span.firstRow() + i;
			int position = span.position() + i;
			KvRun run = run(span, this.kv.group(this.layer), head, position);
			KvRun newest = (recent != KvPages.NONE) ? run(span, recent, head, position) : null;
			read(this.keys, row, head, layout.keyDim(), numbers);
			if (run.format() != KvPages.Format.F32) {
				check("key", numbers, layout.keyDim(), position);
			}
			storeKey(run, numbers);
			if (newest != null) {
				storeKey(newest, numbers);
			}
			if (this.values == null) {
				continue;
			}
			read(this.values, row, head, layout.valueDim(), numbers);
			if (run.format() != KvPages.Format.F32) {
				check("value", numbers, layout.valueDim(), position);
			}
			storeValue(run, numbers);
			if (newest != null) {
				storeValue(newest, numbers);
			}
		}
	}

	private KvRun run(RaggedBatch.Span span, int group, int head, int position) {
		return KvRun.of(this.kv, this.layer, group, span.pages(group), head, position, position + 1);
	}

	private static void read(Rows rows, int row, int head, int dim, float[] out) {
		MemorySegment.copy(rows.memory(), PortableKernels.FLOAT, rows.row(row) + 4L * head * dim, out, 0, dim);
	}

	private void check(String kind, float[] numbers, int count, int position) {
		for (int i = 0; i < count; i++) {
			if (!Float.isFinite(Float.float16ToFloat(Float.floatToFloat16(numbers[i])))) {
				throw new KvRangeException(this.kv.name(this.layer), kind, position, numbers[i]);
			}
		}
	}

	private void storeKey(KvRun run, float[] numbers) {
		int count = this.keyBounds[this.keyBounds.length - 1];
		store(run, run.key(), run.keyStride(), run.keyScales(), numbers, this.keyBounds, count);
	}

	private void storeValue(KvRun run, float[] numbers) {
		int count = this.valueBounds[this.valueBounds.length - 1];
		store(run, run.value(), run.format().bytes(), run.valueScales(), numbers, this.valueBounds, count);
	}

	private static void store(KvRun run, long first, long stride, KvRun.Scales scales, float[] numbers, int[] bounds,
			int count) {
		MemorySegment memory = run.memory();
		long at = first;
		switch (run.format()) {
			case F32 -> {
				if (stride == Float.BYTES) {
					MemorySegment.copy(numbers, 0, memory, PortableKernels.FLOAT, at, count);
					return;
				}
				for (int i = 0; i < count; i++) {
					memory.set(PortableKernels.FLOAT, at, numbers[i]);
					at += stride;
				}
			}
			case F16 -> {
				for (int i = 0; i < count; i++) {
					memory.set(PortableKernels.SHORT, at, Float.floatToFloat16(numbers[i]));
					at += stride;
				}
			}
			case Q8 -> {
				for (int g = 0; g < bounds.length - 1; g++) {
					quantize(memory, first, stride, scales, numbers, g, bounds[g], bounds[g + 1]);
				}
			}
		}
	}

	/**
	 * Stores codes of a group: the bias is its minimum, and 255 scales above it lies its
	 * maximum. Both are rounded to halves first, so that codes are those nearest to the
	 * numbers.
	 */
	private static void quantize(MemorySegment memory, long first, long stride, KvRun.Scales scales, float[] numbers,
			int group, int from, int to) {
		float minimum = numbers[from];
		float maximum = minimum;
		for (int i = from; i < to; i++) {
			minimum = Math.min(minimum, numbers[i]);
			maximum = Math.max(maximum, numbers[i]);
		}
		short bias = Float.floatToFloat16(minimum);
		short scale = Float.floatToFloat16((maximum - minimum) / MAX_CODE);
		memory.set(PortableKernels.SHORT, scales.scale(0, group), scale);
		memory.set(PortableKernels.SHORT, scales.bias(0, group), bias);
		float unit = Float.float16ToFloat(scale);
		float origin = Float.float16ToFloat(bias);
		long at = first + from * stride;
		for (int i = from; i < to; i++) {
			// of a range that is too small for a scale, the bias is near enough
			float code = (unit > 0) ? (numbers[i] - origin) / unit : 0f;
			memory.set(ValueLayout.JAVA_BYTE, at, (byte) Math.clamp(Math.rint(code), 0, MAX_CODE));
			at += stride;
		}
	}

}
