package io.github.flashspring.engine.device.cpu;

import io.github.flashspring.engine.checkpoint.DType;
import io.github.flashspring.engine.checkpoint.Quantization;

/**
 * How the values of a weight row are stored.
 */
enum Format {

	/** Single precision. */
	F32(32),

	/** Half precision. */
	F16(16),

	/** The upper half of a single. */
	BF16(16),

	/**
	 * Eight codes in a 32-bit word, low bits first; each group has a scale and a bias.
	 */
	AFFINE4(4),

	/** Four codes in a 32-bit word, low bits first; each group has a scale and a bias. */
	AFFINE8(8),

	/** Codes of one bit, low bits first; each group has a scale and a bias. */
	AFFINE1(1),

	/** Codes of two bits, low bits first; each group has a scale and a bias. */
	AFFINE2(2),

	/** Codes of three bits, which cross the bounds of words and bytes. */
	AFFINE3(3),

	/** Codes of five bits, which cross the bounds of words and bytes. */
	AFFINE5(5),

	/** Codes of six bits, which cross the bounds of words and bytes. */
	AFFINE6(6),

	/** Floats of four bits, E2M1; each 32 have a power of two as scale, E8M0. */
	MXFP4(4),

	/** Floats of eight bits, E4M3; each 32 have a power of two as scale, E8M0. */
	MXFP8(8),

	/** Floats of four bits, E2M1; each 16 have a scale that is E4M3. */
	NVFP4(4),

	/** Floats of eight bits, E4M3; rectangles of them share a scale. */
	FP8(8);

	private final int bits;

	Format(int bits) {
		this.bits = bits;
	}

	/** Bits of a value or code. */
	int bits() {
		return this.bits;
	}

	/**
	 * Whether products are made of codes, and scaled afterwards. The other quantised
	 * formats, whose codes cross the bounds of bytes, are first brought to FP32.
	 */
	boolean coded() {
		return switch (this) {
			case AFFINE2, AFFINE4, AFFINE8, MXFP4, MXFP8, NVFP4, FP8 -> true;
			default -> false;
		};
	}

	/**
	 * Whether codes are integers that are multiplied minus their {@link #center()}, and
	 * biases are added to the sums of groups.
	 */
	boolean centered() {
		return coded() && affine();
	}

	/**
	 * Whether weights are brought to FP32 before they are multiplied.
	 */
	boolean decoded() {
		return affine() && !coded();
	}

	/**
	 * Whether groups have biases.
	 */
	boolean affine() {
		return switch (this) {
			case AFFINE1, AFFINE2, AFFINE3, AFFINE4, AFFINE5, AFFINE6, AFFINE8 -> true;
			default -> false;
		};
	}

	/**
	 * What is subtracted from a code before it is multiplied, and added to the bias: the
	 * middle of the codes where that costs nothing, 0 for the others.
	 */
	int center() {
		return switch (this) {
			case AFFINE2 -> 2;
			case AFFINE8 -> 128;
			default -> 0;
		};
	}

	static Format of(DType type) {
		return switch (type) {
			case F32 -> F32;
			case F16 -> F16;
			case BF16 -> BF16;
			default -> throw new IllegalArgumentException("Expected weights of type F32, F16 or BF16, found " + type);
		};
	}

	static Format of(Quantization quantization) {
		return switch (quantization.mode()) {
			case Quantization.MXFP4 -> MXFP4;
			case Quantization.MXFP8 -> MXFP8;
			case Quantization.NVFP4 -> NVFP4;
			case Quantization.FP8 -> FP8;
			default -> switch (quantization.bits()) {
				case 1 -> AFFINE1;
				case 2 -> AFFINE2;
				case 3 -> AFFINE3;
				case 4 -> AFFINE4;
				case 5 -> AFFINE5;
				case 6 -> AFFINE6;
				case 8 -> AFFINE8;
				default -> throw new IllegalArgumentException("The CPU device does not compute " + quantization);
			};
		};
	}

}
