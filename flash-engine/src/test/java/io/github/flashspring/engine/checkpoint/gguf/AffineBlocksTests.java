package io.github.flashspring.engine.checkpoint.gguf;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

import io.github.flashspring.engine.checkpoint.DType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Repacked blocks have the values that GGUF defines: for every code and every finite half
 * precision scale.
 */
class AffineBlocksTests {

	@Test
	void q40IsExactForAllCodesAndScales() {
		byte[] block = new byte[18];
		for (int i = 0; i < 16; i++) {
			// Element i is the low nibble of byte i, element i + 16 the high one.
			block[2 + i] = (byte) (i | (15 - i) << 4);
		}
		forAllHalves((half) -> {
			put(block, 0, half);
			float d = Float.float16ToFloat(half);
			float[] values = affine(AffineBlocks.Q4_0, block);
			for (int i = 0; i < 16; i++) {
				assertSame(values[i], (i - 8) * d, half, i);
				assertSame(values[i + 16], (15 - i - 8) * d, half, 15 - i);
			}
		});
	}

	@Test
	void q80IsExactForAllCodesAndScales() {
		byte[] block = new byte[34];
		for (int first = -128; first < 128; first += 32) {
			for (int i = 0; i < 32; i++) {
				block[2 + i] = (byte) (first + i);
			}
			int start = first;
			forAllHalves((half) -> {
				put(block, 0, half);
				float d = Float.float16ToFloat(half);
				float[] values = affine(AffineBlocks.Q8_0, block);
				for (int i = 0; i < 32; i++) {
					assertSame(values[i], (start + i) * d, half, start + i);
				}
			});
		}
	}

	@Test
	void q41IsExactForAllCodesAndScales() {
		byte[] block = new byte[20];
		for (int i = 0; i < 16; i++) {
			block[4 + i] = (byte) (i | (15 - i) << 4);
		}
		short[] minimum = { 0 };
		forAllHalves((half) -> {
			put(block, 0, half);
			do {
				// A walk through all halves with a step that is coprime to their number.
				minimum[0] += 12_345;
			}
			while (!Float.isFinite(Float.float16ToFloat(minimum[0])));
			put(block, 2, minimum[0]);
			float d = Float.float16ToFloat(half);
			float m = Float.float16ToFloat(minimum[0]);
			float[] values = affine(AffineBlocks.Q4_1, block);
			for (int i = 0; i < 16; i++) {
				// The product is exact, so this rounds once, with or without fusing.
				assertSame(values[i], i * d + m, half, i);
				assertSame(values[i + 16], (15 - i) * d + m, half, 15 - i);
			}
		});
	}

	@ParameterizedTest
	@EnumSource
	void halfIsUsedWhereItHoldsTheBias(AffineBlocks blocks) {
		byte[] block = new byte[blocks.type().blockBytes()];
		put(block, 0, Float.floatToFloat16(500));
		assertThat(blocks.fitsHalf(MemorySegment.ofArray(block), 0)).isTrue();
		put(block, 0, Float.floatToFloat16(65_504));
		assertThat(blocks.fitsHalf(MemorySegment.ofArray(block), 0)).isEqualTo(blocks == AffineBlocks.Q4_1);
		put(block, 0, Float.floatToFloat16(Float.POSITIVE_INFINITY));
		assertThat(blocks.isFinite(MemorySegment.ofArray(block), 0)).isFalse();
	}

	private static void assertSame(float actual, float expected, short half, int code) {
		// == and not the bits, since a zero has no sign in an affine group.
		if (actual != expected) {
			assertThat(actual).as("code %d, scale %s", code, Float.float16ToFloat(half)).isEqualTo(expected);
		}
	}

	private static void forAllHalves(HalfConsumer consumer) {
		for (int bits = Short.MIN_VALUE; bits <= Short.MAX_VALUE; bits++) {
			if (Float.isFinite(Float.float16ToFloat((short) bits))) {
				consumer.accept((short) bits);
			}
		}
	}

	/** The values of a group in MLX's layout, as the engine computes them. */
	static float[] affine(AffineBlocks blocks, byte[] block) {
		MemorySegment data = MemorySegment.ofArray(block);
		DType dtype = blocks.fitsHalf(data, 0) ? DType.F16 : DType.F32;
		ByteBuffer codes = buffer(32);
		ByteBuffer settings = buffer(8);
		blocks.putCodes(data, 0, codes);
		blocks.putScale(data, 0, settings, dtype);
		blocks.putBias(data, 0, settings, dtype);
		assertThat(codes.position()).isEqualTo(blocks.codeBytes());
		int bits = blocks.quantization().bits();
		settings.flip();
		float scale = (dtype == DType.F16) ? Float.float16ToFloat(settings.getShort()) : settings.getFloat();
		float bias = (dtype == DType.F16) ? Float.float16ToFloat(settings.getShort()) : settings.getFloat();
		float[] values = new float[32];
		for (int i = 0; i < 32; i++) {
			int word = codes.getInt(i * bits / 32 * 4);
			int code = word >>> (i * bits % 32) & ((1 << bits) - 1);
			values[i] = Math.fma((float) code, scale, bias);
		}
		return values;
	}

	private static ByteBuffer buffer(int size) {
		return ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
	}

	private static void put(byte[] block, int at, short half) {
		ByteBuffer.wrap(block).order(ByteOrder.LITTLE_ENDIAN).putShort(at, half);
	}

	private interface HalfConsumer {

		void accept(short half);

	}

}
