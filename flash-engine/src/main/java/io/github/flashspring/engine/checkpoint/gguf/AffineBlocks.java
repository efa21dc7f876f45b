package io.github.flashspring.engine.checkpoint.gguf;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;

import io.github.flashspring.engine.checkpoint.DType;
import io.github.flashspring.engine.checkpoint.Quantization;

/**
 * Blocks of 32 that are affine groups under another packing, so that
 * {@code fma(code, scale, bias)} in single precision is the block's own value:
 * <ul>
 * <li>Q4_1 is d·q + m with scale d and bias m;</li>
 * <li>Q4_0 is d·(q − 8) with scale d and bias −8d;</li>
 * <li>Q8_0 is d·q for signed q, with code q + 128, scale d and bias −128d.</li>
 * </ul>
 * d has 11 significant bits, so d·q and the multiples of d are exact in single precision
 * and the sum is rounded once, as in ggml. The biases are exact in half precision too,
 * unless they exceed its range; then scales and biases are single. (Where ggml gives −0,
 * for q = 8 and d below 0, this gives +0.)
 */
enum AffineBlocks {

	/** Four bits, unsigned, with minimum. */
	Q4_1(GgufType.Q4_1, 4, 0, 4),
	/** Four bits around 8. */
	Q4_0(GgufType.Q4_0, 4, 8, 2),
	/** Eight bits, signed. */
	Q8_0(GgufType.Q8_0, 8, 128, 2);

	static final int GROUP = 32;

	private static final ValueLayout.OfShort HALF = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

	private final GgufType type;

	private final int bits;

	/** The code whose value is zero; 0 if the block has its own minimum. */
	private final int zero;

	private final int codesAt;

	AffineBlocks(GgufType type, int bits, int zero, int codesAt) {
		this.type = type;
		this.bits = bits;
		this.zero = zero;
		this.codesAt = codesAt;
	}

	static Optional<AffineBlocks> of(GgufType type) {
		for (AffineBlocks blocks : values()) {
			if (blocks.type == type) {
				return Optional.of(blocks);
			}
		}
		return Optional.empty();
	}

	GgufType type() {
		return this.type;
	}

	Quantization quantization() {
		return new Quantization(Quantization.Mode.AFFINE, this.bits, GROUP);
	}

	/** Bytes of 32 packed codes. */
	int codeBytes() {
		return GROUP * this.bits / 8;
	}

	/** Appends a block's codes in MLX's order: element after element, low bits first. */
	void putCodes(MemorySegment data, long at, ByteBuffer to) {
		long codes = at + this.codesAt;
		if (this.bits == 8) {
			for (int i = 0; i < GROUP; i++) {
				to.put((byte) (data.get(ValueLayout.JAVA_BYTE, codes + i) ^ 0x80));
			}
			return;
		}
		for (int shift = 0; shift <= 4; shift += 4) {
			for (int i = 0; i < GROUP / 2; i += 2) {
				int first = data.get(ValueLayout.JAVA_BYTE, codes + i) >> shift & 0xf;
				int second = data.get(ValueLayout.JAVA_BYTE, codes + i + 1) >> shift & 0xf;
				to.put((byte) (first | second << 4));
			}
		}
	}

	/** Appends a block's scale. */
	void putScale(MemorySegment data, long at, ByteBuffer to, DType dtype) {
		put(data.get(HALF, at), to, dtype);
	}

	/** Appends a block's bias. */
	void putBias(MemorySegment data, long at, ByteBuffer to, DType dtype) {
		if (this.zero == 0) {
			put(data.get(HALF, at + 2), to, dtype);
		}
		else if (dtype == DType.F32) {
			to.putFloat(bias(data, at));
		}
		else {
			to.putShort(Float.floatToFloat16(bias(data, at)));
		}
	}

	/** The bias in single precision, exact. */
	float bias(MemorySegment data, long at) {
		return (this.zero == 0) ? Float.float16ToFloat(data.get(HALF, at + 2))
				: -this.zero * Float.float16ToFloat(data.get(HALF, at));
	}

	/** Whether scale and bias of a block are numbers at all. */
	boolean isFinite(MemorySegment data, long at) {
		return Float.isFinite(Float.float16ToFloat(data.get(HALF, at))) && Float.isFinite(bias(data, at));
	}

	/** Whether half precision holds a block's bias exactly. */
	boolean fitsHalf(MemorySegment data, long at) {
		float bias = bias(data, at);
		return Float.float16ToFloat(Float.floatToFloat16(bias)) == bias;
	}

	private static void put(short half, ByteBuffer to, DType dtype) {
		if (dtype == DType.F32) {
			to.putFloat(Float.float16ToFloat(half));
		}
		else {
			to.putShort(half);
		}
	}

}
