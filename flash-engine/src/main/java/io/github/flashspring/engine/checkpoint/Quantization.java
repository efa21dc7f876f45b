package io.github.flashspring.engine.checkpoint;

import java.util.Set;

/**
 * How one matrix is quantised: codes packed low bits first along the last axis, and one
 * scale for each group of columns; for {@code affine} also one bias.
 *
 * <ul>
 * <li>{@code affine}: value = code · scale + bias; scales and biases F32, F16 or BF16.
 * <li>{@code mxfp4}: E2M1 codes, E8M0 scales; {@code mxfp8}: E4M3 codes, E8M0 scales;
 * {@code nvfp4}: E2M1 codes, E4M3 scales; value = code · scale.
 * <li>{@code fp8}: E4M3 codes, a scale for each rectangle of {@code groupRows} by
 * {@code groupSize} values; value = code · scale.
 * </ul>
 *
 * @param mode {@code affine}, {@code mxfp4}, {@code mxfp8}, {@code nvfp4} or {@code fp8}
 * @param bits bits per code
 * @param groupSize columns that share a scale
 * @param groupRows rows that share a scale; 1 but for {@code fp8}
 * @see <a href=
 * "https://www.opencompute.org/documents/ocp-microscaling-formats-mx-v1-0-spec-final-pdf">E2M1,
 * E4M3 and E8M0</a>
 */
public record Quantization(String mode, int bits, int groupSize, int groupRows) {

	/** Value = code · scale + bias. */
	public static final String AFFINE = "affine";

	/** Four-bit floats, a power of two for 32 of them. */
	public static final String MXFP4 = "mxfp4";

	/** Eight-bit floats, a power of two for 32 of them. */
	public static final String MXFP8 = "mxfp8";

	/** Four-bit floats, an eight-bit float for 16 of them. */
	public static final String NVFP4 = "nvfp4";

	/** Eight-bit floats, a number for each rectangle of them. */
	public static final String FP8 = "fp8";

	private static final Set<Integer> AFFINE_BITS = Set.of(1, 2, 3, 4, 5, 6, 8);

	private static final Set<Integer> AFFINE_GROUPS = Set.of(32, 64, 128);

	/** Columns of a rectangle that shares a scale are a multiple of this. */
	private static final int RECTANGLE_COLUMNS = 16;

	/**
	 * Checks that the combination exists.
	 * @throws IllegalArgumentException if it does not
	 */
	public Quantization {
		boolean known = switch (mode) {
			case AFFINE -> AFFINE_BITS.contains(bits) && AFFINE_GROUPS.contains(groupSize);
			case MXFP4 -> bits == 4 && groupSize == 32;
			case MXFP8 -> bits == 8 && groupSize == 32;
			case NVFP4 -> bits == 4 && groupSize == 16;
			case FP8 -> bits == 8 && groupSize > 0 && groupSize % RECTANGLE_COLUMNS == 0 && groupRows > 0;
			default -> false;
		};
		if (!known || (groupRows != 1 && !mode.equals(FP8))) {
			throw new IllegalArgumentException("Unknown quantisation: mode " + mode + ", " + bits + " bits, groups of "
					+ groupRows + " rows by " + groupSize + " columns");
		}
	}

	/**
	 * A quantisation whose groups lie in one row.
	 * @param mode {@code affine}, {@code mxfp4}, {@code mxfp8} or {@code nvfp4}
	 * @param bits bits per code
	 * @param groupSize columns that share a scale
	 */
	public Quantization(String mode, int bits, int groupSize) {
		this(mode, bits, groupSize, 1);
	}

	/**
	 * Whether groups have biases.
	 * @return true for {@code affine}
	 */
	public boolean hasBiases() {
		return this.mode.equals(AFFINE);
	}

	/**
	 * Number of scales for so many columns.
	 * @param columns columns of a matrix
	 * @return groups, the last of which may be incomplete for {@code fp8}
	 */
	public long groups(long columns) {
		return Math.ceilDiv(columns, (long) this.groupSize);
	}

	/**
	 * Number of codes.
	 * @param elements number of elements that hold them
	 * @param dtype type of these elements
	 * @return codes in them, whole ones
	 */
	public long codes(long elements, DType dtype) {
		return elements * dtype.bytes() * Byte.SIZE / this.bits;
	}

	@Override
	public String toString() {
		return this.mode + ", " + this.bits + " bits, "
				+ (this.mode.equals(FP8) ? "blocks of " + this.groupRows + " by " : "groups of ") + this.groupSize;
	}

}
