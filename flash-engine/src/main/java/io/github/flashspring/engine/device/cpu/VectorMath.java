package io.github.flashspring.engine.device.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * {@link Exponential} over arrays, operation for operation.
 */
final class VectorMath {

	private static final VectorSpecies<Float> FLOATS = Lanes.WIDE;

	private static final FloatVector MAX = FloatVector.broadcast(FLOATS, Exponential.MAX);

	private static final FloatVector MIN = FloatVector.broadcast(FLOATS, Exponential.MIN);

	private VectorMath() {
	}

	/**
	 * Replaces values by {@code exp(value − subtracted)}.
	 * @param values the values
	 * @param from index of the first
	 * @param count their number
	 * @param subtracted what is subtracted first
	 */
	static void exp(float[] values, int from, int count, float subtracted) {
		int whole = count / FLOATS.length() * FLOATS.length();
		FloatVector high = FloatVector.broadcast(FLOATS, -Exponential.LN_2_HIGH);
		FloatVector low = FloatVector.broadcast(FLOATS, -Exponential.LN_2_LOW);
		FloatVector one = FloatVector.broadcast(FLOATS, 1f);
		for (int i = from; i < from + whole; i += FLOATS.length()) {
			FloatVector x = FloatVector.fromArray(FLOATS, values, i).sub(subtracted);
			x = x.blend(MAX, x.compare(VectorOperators.GT, MAX));
			x = x.blend(MIN, x.compare(VectorOperators.LT, MIN));
			FloatVector rounded = x.fma(Exponential.LOG2_E, Exponential.ROUND);
			FloatVector n = rounded.sub(Exponential.ROUND);
			FloatVector r = n.fma(low, n.fma(high, x));
			FloatVector p = r.fma(Exponential.C7, Exponential.C6);
			p = p.fma(r, FloatVector.broadcast(FLOATS, Exponential.C5));
			p = p.fma(r, FloatVector.broadcast(FLOATS, Exponential.C4));
			p = p.fma(r, FloatVector.broadcast(FLOATS, Exponential.C3));
			p = p.fma(r, FloatVector.broadcast(FLOATS, Exponential.C2));
			p = p.fma(r, one).fma(r, one);
			IntVector exponent = rounded.reinterpretAsInts().sub(Float.floatToRawIntBits(Exponential.ROUND));
			IntVector half = exponent.lanewise(VectorOperators.ASHR, 1);
			IntVector rest = exponent.sub(half);
			p = p.mul(half.add(127).lanewise(VectorOperators.LSHL, 23).reinterpretAsFloats());
			p.mul(rest.add(127).lanewise(VectorOperators.LSHL, 23).reinterpretAsFloats()).intoArray(values, i);
		}
		for (int i = from + whole; i < from + count; i++) {
			values[i] = Exponential.exp(values[i] - subtracted);
		}
	}

}
