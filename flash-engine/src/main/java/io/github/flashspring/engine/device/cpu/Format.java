package io.github.flashspring.engine.device.cpu;

import io.github.flashspring.engine.checkpoint.DType;
import io.github.flashspring.engine.checkpoint.Quantization;

/**
 * How the values of a weight row are stored.
 */
enum Format {

	/** Single precision. */
	F32,

	/** Half precision. */
	F16,

	/** The upper half of a single. */
	BF16,

	/**
	 * Eight codes in a 32-bit word, low bits first; each group has a scale and a bias.
	 */
	AFFINE4,

	/** Four codes in a 32-bit word, low bits first; each group has a scale and a bias. */
	AFFINE8;

	/**
	 * Whether weights are codes with scales.
	 */
	boolean coded() {
		return this == AFFINE4 || this == AFFINE8;
	}

	/**
	 * What is taken from a code before it is multiplied, and given back to the bias: the
	 * middle of the codes, so that sums of products and biases do not cancel each other.
	 */
	int center() {
		return switch (this) {
			case F32, F16, BF16 -> 0;
			case AFFINE4 -> 8;
			case AFFINE8 -> 128;
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
		if (quantization.mode().equals(Quantization.AFFINE)) {
			if (quantization.bits() == 4) {
				return AFFINE4;
			}
			if (quantization.bits() == 8) {
				return AFFINE8;
			}
		}
		throw new IllegalArgumentException(
				"The CPU device computes affine weights of 4 and 8 bits, not " + quantization);
	}

}
