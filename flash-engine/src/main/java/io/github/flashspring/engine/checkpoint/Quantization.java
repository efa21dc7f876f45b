package io.github.flashspring.engine.checkpoint;

import java.util.Set;

/**
 * How one matrix is quantised in MLX's layout: codes packed low bits first into U32 along
 * the last axis, one scale (and for {@code affine} one bias) per group of columns. For
 * {@code affine}, value = code · scale + bias.
 *
 * @param mode {@code affine}, {@code mxfp4}, {@code mxfp8} or {@code nvfp4}
 * @param bits bits per code
 * @param groupSize columns that share a scale
 */
public record Quantization(String mode, int bits, int groupSize) {

	/** Value = code · scale + bias. */
	public static final String AFFINE = "affine";

	private static final Set<Integer> AFFINE_BITS = Set.of(2, 3, 4, 5, 6, 8);

	private static final Set<Integer> AFFINE_GROUPS = Set.of(32, 64, 128);

	/**
	 * Checks that MLX knows the combination.
	 * @throws IllegalArgumentException if it does not
	 */
	public Quantization {
		boolean known = switch (mode) {
			case AFFINE -> AFFINE_BITS.contains(bits) && AFFINE_GROUPS.contains(groupSize);
			case "mxfp4" -> bits == 4 && groupSize == 32;
			case "mxfp8" -> bits == 8 && groupSize == 32;
			case "nvfp4" -> bits == 4 && groupSize == 16;
			default -> false;
		};
		if (!known) {
			throw new IllegalArgumentException(
					"Unknown quantisation: mode " + mode + ", " + bits + " bits, groups of " + groupSize);
		}
	}

	/**
	 * Whether the engine computes with this combination.
	 * @return true for affine with 4 or 8 bits
	 */
	public boolean isSupported() {
		return this.mode.equals(AFFINE) && (this.bits == 4 || this.bits == 8);
	}

	/**
	 * Codes in one U32.
	 * @return for bits that divide 32
	 */
	public int codesPerWord() {
		return 32 / this.bits;
	}

	@Override
	public String toString() {
		return this.mode + ", " + this.bits + " bits, groups of " + this.groupSize;
	}

}
