package io.github.flashspring.engine.device.cpu;

/**
 * The exponential function in FP32, within 2 units in the last place, made of operations
 * that round alike on every machine. With {@code x = n·ln 2 + r} it is
 * {@code 2ⁿ · exp(r)}, and {@code exp(r)} for {@code |r| ≤ ln 2 / 2} is its Taylor series
 * up to the seventh power, whose rest is below 6e-9.
 */
final class Exponential {

	/** Beyond it the result is infinite. */
	static final float MAX = 89f;

	/** Below it the result is zero. */
	static final float MIN = -105f;

	static final float LOG2_E = 0x1.715476p0f;

	/** Adding it rounds to an integer, which then stands in the lowest bits. */
	static final float ROUND = 0x1.8p23f;

	/** The upper bits of ln 2; its products with the exponents are exact. */
	static final float LN_2_HIGH = 0x1.62e4p-1f;

	/** What is left of ln 2. */
	static final float LN_2_LOW = 0x1.7f7d1cp-20f;

	static final float C2 = 1f / 2;

	static final float C3 = 1f / 6;

	static final float C4 = 1f / 24;

	static final float C5 = 1f / 120;

	static final float C6 = 1f / 720;

	static final float C7 = 1f / 5040;

	private Exponential() {
	}

	/**
	 * The exponential.
	 * @param x any number
	 * @return {@code exp(x)}; NaN for NaN
	 */
	static float exp(float x) {
		float clamped = (x > MAX) ? MAX : x;
		clamped = (clamped < MIN) ? MIN : clamped;
		float rounded = Math.fma(clamped, LOG2_E, ROUND);
		float n = rounded - ROUND;
		float r = Math.fma(n, -LN_2_HIGH, clamped);
		r = Math.fma(n, -LN_2_LOW, r);
		float p = Math.fma(C7, r, C6);
		p = Math.fma(p, r, C5);
		p = Math.fma(p, r, C4);
		p = Math.fma(p, r, C3);
		p = Math.fma(p, r, C2);
		p = Math.fma(p, r, 1f);
		p = Math.fma(p, r, 1f);
		int exponent = Float.floatToRawIntBits(rounded) - Float.floatToRawIntBits(ROUND);
		int half = exponent >> 1;
		return p * power(half) * power(exponent - half);
	}

	/**
	 * A power of two, as the exponent of a float. Two factors reach results that are
	 * subnormal or infinite.
	 */
	private static float power(int exponent) {
		return Float.intBitsToFloat((exponent + 127) << 23);
	}

}
