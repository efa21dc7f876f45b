package io.github.flashspring.engine.device.cpu;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Objects;

import io.github.flashspring.engine.checkpoint.DType;

/**
 * What codes mean, one value at a time: {@code fma(code, scale, bias)}, or
 * {@code float · scale} rounded once.
 */
final class Decoding {

	/** Values of E2M1: a sign, two bits of exponent with a bias of 1, one of fraction. */
	private static final float[] E2M1 = { 0f, 0.5f, 1f, 1.5f, 2f, 3f, 4f, 6f, -0f, -0.5f, -1f, -1.5f, -2f, -3f, -4f,
			-6f };

	/** Values of E4M3, by their codes. */
	private static final float[] E4M3 = new float[256];

	static {
		for (int code = 0; code < E4M3.length; code++) {
			int magnitude = code & 0x7f;
			// The product moves the exponent's bias from 7 to 127, for subnormals too.
			float value = (magnitude == 0x7f) ? Float.NaN : Float.intBitsToFloat(magnitude << 20) * 0x1p120f;
			E4M3[code] = (code > 0x7f) ? -value : value;
		}
	}

	/** Values of E8M0, by their codes. */
	private static final float[] E8M0 = new float[256];

	static {
		for (int code = 1; code < 0xff; code++) {
			E8M0[code] = Float.intBitsToFloat(code << 23);
		}
		E8M0[0] = 0x1p-127f;
		E8M0[0xff] = Float.NaN;
	}

	private Decoding() {
	}

	/**
	 * A float of four bits.
	 * @param code 0 to 15
	 */
	static float e2m1(int code) {
		return E2M1[code];
	}

	/**
	 * A float of eight bits: a sign, four bits of exponent with a bias of 7, three of
	 * fraction; no infinities.
	 * @param code 0 to 255
	 */
	static float e4m3(int code) {
		return E4M3[code];
	}

	/**
	 * A power of two, {@code 2^(code − 127)}.
	 * @param code 0 to 255, which is NaN
	 */
	static float e8m0(int code) {
		return E8M0[code];
	}

	/** Values of E4M3, by their codes; not to be changed. */
	static float[] e4m3() {
		return E4M3;
	}

	/** Values of E8M0, by their codes; not to be changed. */
	static float[] e8m0() {
		return E8M0;
	}

	/**
	 * The scale of a group.
	 * @param weights the matrix
	 * @param row row of the matrix
	 * @param group index of the group in its row
	 */
	static float scale(Weights weights, int row, int group) {
		Rows scales = Objects.requireNonNull(weights.scales());
		long offset = scales.row(weights.scaleRow(row)) + (long) group * scales.type().bytes();
		if (scales.type() == DType.U8 || scales.type() == DType.F8_E8M0) {
			int code = scales.memory().get(ValueLayout.JAVA_BYTE, offset) & 0xff;
			return weights.format().byteScales()[code];
		}
		return PortableKernels.value(scales.memory(), scales.type(), offset);
	}

	/**
	 * The bias of a group.
	 */
	static float bias(Weights weights, int row, int group) {
		return PortableKernels.value(Objects.requireNonNull(weights.biases()), row, group);
	}

	/** A code, of up to eight bits that lie in one byte or two. */
	static int code(Weights weights, int row, int column) {
		int bits = weights.format().bits();
		long bit = (long) column * bits;
		int shift = (int) (bit % Byte.SIZE);
		MemorySegment memory = weights.values().memory();
		long offset = weights.values().row(row) + bit / Byte.SIZE;
		int code = (memory.get(ValueLayout.JAVA_BYTE, offset) & 0xff) >> shift;
		if (shift + bits > Byte.SIZE) {
			code |= (memory.get(ValueLayout.JAVA_BYTE, offset + 1) & 0xff) << (Byte.SIZE - shift);
		}
		return code & ((1 << bits) - 1);
	}

}
