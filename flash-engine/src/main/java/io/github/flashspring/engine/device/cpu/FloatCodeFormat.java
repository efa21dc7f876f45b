package io.github.flashspring.engine.device.cpu;

import io.github.flashspring.engine.checkpoint.DType;

/**
 * Codes that are small floats; each group, or each rectangle, has a scale.
 */
abstract sealed class FloatCodeFormat extends Format permits E2m1Format, E4m3Format {

	private final Scales scales;

	FloatCodeFormat(String name, int bits, BlockOrder order, Scales scales) {
		super(name, bits, order);
		this.scales = scales;
	}

	/**
	 * The float of a code.
	 * @param code as many bits as a code has
	 */
	abstract float value(int code);

	@Override
	final boolean coded() {
		return true;
	}

	@Override
	final float number(Weights weights, int row, int column) {
		return value(Decoding.code(weights, row, column));
	}

	@Override
	final void lookUp(Weights weights, int row, int from, int count, float[] out) {
		decode(weights, row, from, count, out, 0);
	}

	@Override
	final void decodeGroup(Weights weights, int row, int from, int count, float[] out, int to) {
		float scale = Decoding.scale(weights, row, from / weights.groupSize());
		for (int i = 0; i < count; i++) {
			out[to + i] = value(Decoding.code(weights, row, from + i)) * scale;
		}
	}

	@Override
	final boolean wholeGroups() {
		return this.scales != Scales.RECTANGLES;
	}

	@Override
	final float[] byteScales() {
		return (this.scales == Scales.E4M3) ? Decoding.e4m3() : Decoding.e8m0();
	}

	@Override
	final void checkScales(Rows found) {
		if (this.scales == Scales.RECTANGLES) {
			if (found.type() != DType.F8_E8M0) {
				Checks.number("scales", found);
			}
		}
		else if (found.type() != DType.U8) {
			throw new IllegalArgumentException("Expected scales of type U8, found " + found.type());
		}
	}

	/** How scales are stored. */
	enum Scales {

		/** A power of two for each group. */
		E8M0,

		/** A float of eight bits for each group. */
		E4M3,

		/** A number or a power of two for each rectangle of rows and columns. */
		RECTANGLES

	}

}
