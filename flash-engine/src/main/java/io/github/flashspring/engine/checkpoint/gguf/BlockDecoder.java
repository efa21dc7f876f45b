package io.github.flashspring.engine.checkpoint.gguf;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Optional;

/**
 * Values of quantised blocks as ggml defines them, in single precision and its order of
 * operations. Only types that have no counterpart in MLX's affine layout are here.
 */
sealed interface BlockDecoder {

	/**
	 * Decodes one block.
	 * @param data holds the block
	 * @param at its first byte
	 * @param values receives {@code blockElements} values from {@code to} on
	 * @param to first index
	 */
	void decode(MemorySegment data, long at, float[] values, int to);

	/** The decoder for a type, empty if there is none. */
	static Optional<BlockDecoder> of(GgufType type) {
		return Optional.ofNullable(switch (type) {
			case Q5_0 -> new Small(false);
			case Q5_1 -> new Small(true);
			case Q2_K -> new Q2K();
			case Q3_K -> new Q3K();
			case Q4_K -> new Q4K(false);
			case Q5_K -> new Q4K(true);
			case Q6_K -> new Q6K();
			case IQ4_NL -> new NonLinear(false);
			case IQ4_XS -> new NonLinear(true);
			default -> null;
		});
	}

	private static float half(MemorySegment data, long at) {
		return Float.float16ToFloat(data.get(ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN), at));
	}

	private static int unsigned(MemorySegment data, long at) {
		return Byte.toUnsignedInt(data.get(ValueLayout.JAVA_BYTE, at));
	}

	/** Q5_0 and Q5_1: 32 codes of five bits; the fifth bits lie together. */
	record Small(boolean offset) implements BlockDecoder {

		@Override
		public void decode(MemorySegment data, long at, float[] values, int to) {
			float d = half(data, at);
			float m = this.offset ? half(data, at + 2) : 0;
			long high = at + (this.offset ? 4 : 2);
			for (int i = 0; i < 32; i++) {
				int nibble = unsigned(data, high + 4 + i % 16) >> ((i < 16) ? 0 : 4) & 0xf;
				int code = nibble | (unsigned(data, high + i / 8) >> (i % 8) & 1) << 4;
				values[to + i] = this.offset ? code * d + m : (code - 16) * d;
			}
		}

	}

	/** Sixteen groups of 16 codes of two bits; scale and minimum of four bits each. */
	record Q2K() implements BlockDecoder {

		@Override
		public void decode(MemorySegment data, long at, float[] values, int to) {
			float d = half(data, at + 80);
			float dMin = half(data, at + 82);
			for (int i = 0; i < 256; i++) {
				int scale = unsigned(data, at + i / 16);
				int code = unsigned(data, at + 16 + i / 128 * 32 + i % 32) >> (i % 128 / 32 * 2) & 3;
				values[to + i] = d * (scale & 0xf) * code - dMin * (scale >> 4);
			}
		}

	}

	/**
	 * Sixteen groups of 16 codes of three bits, the third inverted; scales of six bits.
	 */
	record Q3K() implements BlockDecoder {

		@Override
		public void decode(MemorySegment data, long at, float[] values, int to) {
			float d = half(data, at + 108);
			for (int i = 0; i < 256; i++) {
				int group = i / 16;
				int low = unsigned(data, at + 96 + group % 8) >> ((group < 8) ? 0 : 4) & 0xf;
				int high = unsigned(data, at + 104 + group % 4) >> (group / 4 * 2) & 3;
				int code = unsigned(data, at + 32 + i / 128 * 32 + i % 32) >> (i % 128 / 32 * 2) & 3;
				int third = unsigned(data, at + i % 32) >> (i / 32) & 1;
				values[to + i] = d * ((low | high << 4) - 32) * (code - (1 - third) * 4);
			}
		}

	}

	/** Q4_K and Q5_K: eight groups of 32 codes; scale and minimum of six bits each. */
	record Q4K(boolean fifthBit) implements BlockDecoder {

		@Override
		public void decode(MemorySegment data, long at, float[] values, int to) {
			float d = half(data, at);
			float dMin = half(data, at + 2);
			long codes = at + (this.fifthBit ? 48 : 16);
			for (int group = 0; group < 8; group++) {
				float scale = d * scale(data, at + 4, group);
				float minimum = dMin * minimum(data, at + 4, group);
				for (int i = 0; i < 32; i++) {
					int code = unsigned(data, codes + group / 2 * 32 + i) >> (group % 2 * 4) & 0xf;
					if (this.fifthBit) {
						code |= (unsigned(data, at + 16 + i) >> group & 1) << 4;
					}
					values[to + group * 32 + i] = scale * code - minimum;
				}
			}
		}

		private static int scale(MemorySegment data, long scales, int group) {
			return (group < 4) ? unsigned(data, scales + group) & 63
					: unsigned(data, scales + group + 4) & 0xf | unsigned(data, scales + group - 4) >> 6 << 4;
		}

		private static int minimum(MemorySegment data, long scales, int group) {
			return (group < 4) ? unsigned(data, scales + group + 4) & 63
					: unsigned(data, scales + group + 4) >> 4 | unsigned(data, scales + group) >> 6 << 4;
		}

	}

	/** Sixteen groups of 16 codes of six bits; scales of eight bits. */
	record Q6K() implements BlockDecoder {

		@Override
		public void decode(MemorySegment data, long at, float[] values, int to) {
			float d = half(data, at + 208);
			for (int i = 0; i < 256; i++) {
				int within = i % 128;
				int low = unsigned(data, at + i / 128 * 64 + within % 64) >> ((within < 64) ? 0 : 4) & 0xf;
				int high = unsigned(data, at + 128 + i / 128 * 32 + i % 32) >> (within / 32 * 2) & 3;
				int scale = data.get(ValueLayout.JAVA_BYTE, at + 192 + i / 16);
				values[to + i] = d * scale * ((low | high << 4) - 32);
			}
		}

	}

	/** IQ4_NL and IQ4_XS: codes of four bits into a table of sixteen uneven steps. */
	record NonLinear(boolean superBlock) implements BlockDecoder {

		private static final int[] STEPS = { -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113 };

		@Override
		public void decode(MemorySegment data, long at, float[] values, int to) {
			float d = half(data, at);
			if (!this.superBlock) {
				group(data, at + 2, d, values, to);
				return;
			}
			for (int i = 0; i < 8; i++) {
				int low = unsigned(data, at + 4 + i / 2) >> (i % 2 * 4) & 0xf;
				int high = unsigned(data, at + 2 + i / 4) >> (i % 4 * 2) & 3;
				group(data, at + 8 + i * 16, d * ((low | high << 4) - 32), values, to + i * 32);
			}
		}

		private static void group(MemorySegment data, long codes, float d, float[] values, int to) {
			for (int i = 0; i < 32; i++) {
				values[to + i] = d * STEPS[unsigned(data, codes + i % 16) >> ((i < 16) ? 0 : 4) & 0xf];
			}
		}

	}

}
