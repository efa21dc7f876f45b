package io.github.flashspring.engine.checkpoint;

import java.util.Arrays;
import java.util.Optional;
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
 * @param mode how values follow from codes
 * @param bits bits per code
 * @param groupSize columns that share a scale
 * @param groupRows rows that share a scale; 1 but for {@code fp8}
 * @see <a href=
 * "https://www.opencompute.org/documents/ocp-microscaling-formats-mx-v1-0-spec-final-pdf">E2M1,
 * E4M3 and E8M0</a>
 */
public record Quantization(Mode mode, int bits, int groupSize, int groupRows) {

	/**
	 * Checks that the combination exists.
	 * @throws IllegalArgumentException if it does not
	 */
	public Quantization {
		if (!mode.accepts(bits, groupSize, groupRows)) {
			throw new IllegalArgumentException("Unknown quantisation: mode " + mode + ", " + bits + " bits, groups of "
					+ groupRows + " rows by " + groupSize + " columns");
		}
	}

	/**
	 * A quantisation whose groups lie in one row.
	 * @param mode any but {@link Mode#FP8}
	 * @param bits bits per code
	 * @param groupSize columns that share a scale
	 */
	public Quantization(Mode mode, int bits, int groupSize) {
		this(mode, bits, groupSize, 1);
	}

	/**
	 * Whether groups have biases.
	 * @return true for {@code affine}
	 */
	public boolean hasBiases() {
		return this.mode == Mode.AFFINE;
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
				+ ((this.mode == Mode.FP8) ? "blocks of " + this.groupRows + " by " : "groups of ") + this.groupSize;
	}

	/**
	 * Whether a matrix of so many columns has whole groups, as it must but for
	 * {@link Mode#FP8}.
	 * @param columns columns of a matrix
	 * @return true if its last group is complete, or need not be
	 */
	public boolean fits(long columns) {
		return this.mode == Mode.FP8 || columns % this.groupSize == 0;
	}

	/** How values follow from codes, scales and biases. */
	public enum Mode {

		/** Value = code · scale + bias. */
		AFFINE("affine", 4, 64) {

			@Override
			boolean accepts(int bits, int groupSize, int groupRows) {
				return AFFINE_BITS.contains(bits) && AFFINE_GROUPS.contains(groupSize) && groupRows == 1;
			}

		},

		/** Four-bit floats, a power of two for 32 of them. */
		MXFP4("mxfp4", 4, 32),

		/** Eight-bit floats, a power of two for 32 of them. */
		MXFP8("mxfp8", 8, 32),

		/** Four-bit floats, an eight-bit float for 16 of them. */
		NVFP4("nvfp4", 4, 16),

		/** Eight-bit floats, a number for each rectangle of them. */
		FP8("fp8", 8, 128) {

			@Override
			boolean accepts(int bits, int groupSize, int groupRows) {
				return bits == bits() && groupSize > 0 && groupSize % RECTANGLE_COLUMNS == 0 && groupRows > 0;
			}

		};

		private static final Set<Integer> AFFINE_BITS = Set.of(1, 2, 3, 4, 5, 6, 8);

		private static final Set<Integer> AFFINE_GROUPS = Set.of(32, 64, 128);

		/** Columns of a rectangle that shares a scale are a multiple of this. */
		private static final int RECTANGLE_COLUMNS = 16;

		private final String spelling;

		private final int bits;

		private final int groupSize;

		Mode(String spelling, int bits, int groupSize) {
			this.spelling = spelling;
			this.bits = bits;
			this.groupSize = groupSize;
		}

		/**
		 * The mode that a config names.
		 * @param name such as {@code mxfp4}
		 * @return the mode, empty if there is none of this name
		 */
		static Optional<Mode> of(String name) {
			return Arrays.stream(values()).filter((mode) -> mode.spelling.equals(name)).findFirst();
		}

		/** Bits per code where a config does not say. */
		int bits() {
			return this.bits;
		}

		/** Columns that share a scale where a config does not say. */
		int groupSize() {
			return this.groupSize;
		}

		boolean accepts(int bitsPerCode, int columns, int rows) {
			return bitsPerCode == this.bits && columns == this.groupSize && rows == 1;
		}

		/** The name in {@code config.json}. */
		@Override
		public String toString() {
			return this.spelling;
		}

	}

}
