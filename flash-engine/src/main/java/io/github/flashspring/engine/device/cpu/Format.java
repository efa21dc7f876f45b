package io.github.flashspring.engine.device.cpu;

/**
 * How the values of a weight row are stored: a type for each number format, with its
 * plain reference ({@link #number}, {@link #lookUp}) and its fast reader
 * ({@link #vector}) in one file, which tests compare. {@link Formats} has them all.
 */
abstract sealed class Format permits NumberFormat, AffineFormat, FloatCodeFormat {

	private final String name;

	private final int bits;

	private final BlockOrder order;

	Format(String name, int bits, BlockOrder order) {
		this.name = name;
		this.bits = bits;
		this.order = order;
	}

	/** Bits of a value or code. */
	final int bits() {
		return this.bits;
	}

	/** The order in which products are added. */
	final BlockOrder order() {
		return this.order;
	}

	/**
	 * Whether products are made of codes, and scaled afterwards. The other quantised
	 * formats, whose codes cross the bounds of bytes, are first brought to FP32.
	 */
	boolean coded() {
		return false;
	}

	/**
	 * Whether codes are integers that are multiplied minus their {@link #center()}, and
	 * biases are added to the sums of groups.
	 */
	final boolean centered() {
		return coded() && affine();
	}

	/**
	 * Whether weights are brought to FP32 before they are multiplied.
	 */
	final boolean decoded() {
		return affine() && !coded();
	}

	/**
	 * Whether groups have biases.
	 */
	boolean affine() {
		return false;
	}

	/**
	 * What is subtracted from a code before it is multiplied, and added to the bias: the
	 * middle of the codes where that costs nothing, 0 for the others.
	 */
	int center() {
		return 0;
	}

	/**
	 * What the code of a step is multiplied with by its position in a word.
	 * @return a power of two
	 */
	float place(int step) {
		return 1f;
	}

	/** Whether columns are a multiple of the group size. */
	boolean wholeGroups() {
		return true;
	}

	/** Values of scales that are bytes, by their codes; not to be changed. */
	float[] byteScales() {
		return Decoding.e8m0();
	}

	/**
	 * Checks the type of the scales.
	 * @param scales of a matrix of this format
	 * @throws IllegalArgumentException if they have another type
	 */
	void checkScales(Rows scales) {
		Checks.number("scales", scales);
	}

	/**
	 * What is multiplied: a number, or a code without its scale, an integer minus the
	 * middle of all.
	 * @param weights the matrix
	 * @param row row of the matrix
	 * @param column column of the matrix
	 */
	abstract float number(Weights weights, int row, int column);

	/**
	 * Looks up neighbouring values of a row.
	 * @param weights the matrix
	 * @param row row of the matrix
	 * @param from first column, which begins a group
	 * @param count number of columns
	 * @param out receives the values
	 */
	abstract void lookUp(Weights weights, int row, int from, int count, float[] out);

	/**
	 * Decodes neighbouring values of a quantised row.
	 * @param weights the matrix
	 * @param row row of the matrix
	 * @param from first column
	 * @param count number of columns
	 * @param out receives the values
	 * @param to index of the first
	 */
	final void decode(Weights weights, int row, int from, int count, float[] out, int to) {
		int groupSize = weights.groupSize();
		for (int i = from; i < from + count;) {
			int end = Math.min((i / groupSize + 1) * groupSize, from + count);
			decodeGroup(weights, row, i, end - i, out, to + i - from);
			i = end;
		}
	}

	/** Decodes neighbouring values of one group; only for quantised formats. */
	void decodeGroup(Weights weights, int row, int from, int count, float[] out, int to) {
		throw new UnsupportedOperationException(this + " has no codes");
	}

	/**
	 * The fast reader. It is asked for only where the Vector API is present.
	 * @param weights a matrix of this format
	 * @return a reader, which threads may share
	 */
	abstract VectorFormat vector(Weights weights);

	@Override
	public final String toString() {
		return this.name;
	}

}
