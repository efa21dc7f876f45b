package io.github.flashspring.engine.device.cpu;

/**
 * The complement of the error function in double precision, made of operations that round
 * alike on every machine: quotients of polynomials, one for each of three ranges.
 *
 * @see <a href="https://doi.org/10.1090/S0025-5718-1969-0247736-4">Cody 1969: Rational
 * Chebyshev approximations for the error function</a>
 */
final class ErrorFunction {

	private static final double SMALL = 0.46875;

	private static final double MEDIUM = 4;

	/** {@code 1 / sqrt(π)}. */
	private static final double INVERSE_ROOT_OF_PI = 0.56418958354775628695;

	private static final double[] A = { 1.85777706184603153e-1, 3.16112374387056560, 1.13864154151050156e2,
			3.77485237685302021e2, 3.20937758913846947e3 };

	private static final double[] B = { 1, 2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3,
			2.84423683343917062e3 };

	private static final double[] C = { 2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594,
			6.61191906371416295e1, 2.98635138197400131e2, 8.81952221241769090e2, 1.71204761263407058e3,
			2.05107837782607147e3, 1.23033935479799725e3 };

	private static final double[] D = { 1, 1.57449261107098347e1, 1.17693950891312499e2, 5.37181101862009858e2,
			1.62138957456669019e3, 3.29079923573345963e3, 4.36261909014324716e3, 3.43936767414372164e3,
			1.23033935480374942e3 };

	private static final double[] P = { 1.63153871373020978e-2, 3.05326634961232344e-1, 3.60344899949804439e-1,
			1.25781726111229246e-1, 1.60837851487422766e-2, 6.58749161529837803e-4 };

	private static final double[] Q = { 1, 2.56852019228982242, 1.87295284992346725, 5.27905102951428412e-1,
			6.05183413124413191e-2, 2.33520497626869185e-3 };

	private ErrorFunction() {
	}

	/**
	 * The complement of the error function.
	 * @param x any number
	 * @return {@code 1 − erf(x)}, which falls from 2 to 0; NaN for NaN
	 */
	static double complement(double x) {
		double magnitude = Math.abs(x);
		if (magnitude <= SMALL) {
			return 1 - x * quotient(A, B, x * x);
		}
		double tail;
		if (magnitude <= MEDIUM) {
			tail = StrictMath.exp(-x * x) * quotient(C, D, magnitude);
		}
		else {
			double inverse = 1 / (x * x);
			tail = StrictMath.exp(-x * x) / magnitude * (INVERSE_ROOT_OF_PI - inverse * quotient(P, Q, inverse));
		}
		return (x < 0) ? 2 - tail : tail;
	}

	/** The quotient of two polynomials, their highest powers first. */
	private static double quotient(double[] numerator, double[] denominator, double x) {
		return polynomial(numerator, x) / polynomial(denominator, x);
	}

	private static double polynomial(double[] coefficients, double x) {
		double sum = 0;
		for (double coefficient : coefficients) {
			sum = sum * x + coefficient;
		}
		return sum;
	}

}
