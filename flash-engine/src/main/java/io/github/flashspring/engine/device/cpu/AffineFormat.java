package io.github.flashspring.engine.device.cpu;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Objects;

/**
 * Integer codes, low bits first; each group has a scale and a bias.
 */
abstract sealed class AffineFormat extends Format permits TwoBitFormat, FourBitFormat, EightBitFormat, OddBitFormat {

	AffineFormat(int bits, BlockOrder order) {
		super("AFFINE" + bits, bits, order);
	}

	@Override
	final boolean affine() {
		return true;
	}

	@Override
	float number(Weights weights, int row, int column) {
		int code = Decoding.code(weights, row, column);
		if (coded()) {
			return code - center();
		}
		int group = column / weights.groupSize();
		return Math.fma((float) code, Decoding.scale(weights, row, group), Decoding.bias(weights, row, group));
	}

	@Override
	void lookUp(Weights weights, int row, int from, int count, float[] out) {
		decode(weights, row, from, count, out, 0);
	}

	@Override
	final void decodeGroup(Weights weights, int row, int from, int count, float[] out, int to) {
		int group = from / weights.groupSize();
		float scale = Decoding.scale(weights, row, group);
		float bias = Decoding.bias(weights, row, group);
		for (int i = 0; i < count; i++) {
			out[to + i] = Math.fma((float) Decoding.code(weights, row, from + i), scale, bias);
		}
	}

	/** Looks up codes that do not cross the bounds of bytes. */
	final void lookUpBytes(Weights weights, int row, int from, int count, float[] out) {
		Rows scales = Objects.requireNonNull(weights.scales());
		Rows biases = Objects.requireNonNull(weights.biases());
		int bits = bits();
		int perByte = Byte.SIZE / bits;
		int mask = (1 << bits) - 1;
		MemorySegment codes = weights.values().memory();
		long at = weights.values().row(row) + from / perByte;
		for (int g = 0; g < count; g += weights.groupSize()) {
			float scale = PortableKernels.value(scales, row, (from + g) / weights.groupSize());
			float bias = PortableKernels.value(biases, row, (from + g) / weights.groupSize());
			int end = Math.min(g + weights.groupSize(), count);
			for (int i = g; i < end; i += perByte) {
				int code = codes.get(ValueLayout.JAVA_BYTE, at++);
				for (int j = 0; j < perByte; j++) {
					out[i + j] = Math.fma((float) (code & mask), scale, bias);
					code >>= bits;
				}
			}
		}
	}

}
