package io.github.flashspring.engine.device.cpu;

/**
 * The hyperbolic tangent in FP32, within 2 units in the last place, made of operations
 * that round alike on every machine: an odd polynomial where it is nearly linear (fitted
 * to {@code tanh} up to {@value #LINEAR}, rest below one unit), elsewhere
 * {@code 1 − 2 / (exp(2x) + 1)}.
 */
final class HyperbolicTangent {

	static final float LINEAR = 0.625f;

	static final float C3 = -0.333333343f;

	static final float C5 = 0.133333042f;

	static final float C7 = -0.053959325f;

	static final float C9 = 0.0217692908f;

	static final float C11 = -0.00834477972f;

	static final float C13 = 0.00229334435f;

	private HyperbolicTangent() {
	}

	/**
	 * The hyperbolic tangent.
	 * @param x any number
	 * @return {@code tanh(x)}; NaN for NaN
	 */
	static float tanh(float x) {
		float magnitude = Math.abs(x);
		return (magnitude < LINEAR) ? linear(x) : curved(x, Exponential.exp(2f * magnitude));
	}

	/**
	 * Caps a value.
	 * @param x any number
	 * @param cap above 0
	 * @return {@code cap · tanh(x / cap)}
	 */
	static float softcap(float x, float cap) {
		return cap * tanh(x / cap);
	}

	private static float linear(float x) {
		float square = x * x;
		float p = Math.fma(C13, square, C11);
		p = Math.fma(p, square, C9);
		p = Math.fma(p, square, C7);
		p = Math.fma(p, square, C5);
		p = Math.fma(p, square, C3);
		return Math.fma(x * square, p, x);
	}

	private static float curved(float x, float exponential) {
		return Math.copySign(1f - 2f / (exponential + 1f), x);
	}

}
