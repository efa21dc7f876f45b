package io.github.flashspring.engine.device.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/**
 * The functions of {@link Exponential} on vectors, operation for operation.
 */
final class VectorMath {

	private VectorMath() {
	}

	static FloatVector exp(FloatVector x) {
		FloatVector clamped = x.blend(Exponential.MAX, x.compare(VectorOperators.GT, Exponential.MAX));
		clamped = clamped.blend(Exponential.MIN, clamped.compare(VectorOperators.LT, Exponential.MIN));
		FloatVector rounded = clamped.fma(Exponential.LOG2_E, Exponential.ROUND);
		FloatVector n = rounded.sub(Exponential.ROUND);
		FloatVector r = n.fma(broadcast(x, -Exponential.LN_2_HIGH), clamped);
		r = n.fma(broadcast(x, -Exponential.LN_2_LOW), r);
		FloatVector p = r.fma(Exponential.C7, Exponential.C6);
		p = p.fma(r, broadcast(x, Exponential.C5));
		p = p.fma(r, broadcast(x, Exponential.C4));
		p = p.fma(r, broadcast(x, Exponential.C3));
		p = p.fma(r, broadcast(x, Exponential.C2));
		p = p.fma(r, broadcast(x, 1f));
		p = p.fma(r, broadcast(x, 1f));
		IntVector exponent = rounded.reinterpretAsInts().sub(Float.floatToRawIntBits(Exponential.ROUND));
		IntVector half = exponent.lanewise(VectorOperators.ASHR, 1);
		return p.mul(power(half)).mul(power(exponent.sub(half)));
	}

	private static FloatVector broadcast(FloatVector like, float value) {
		return FloatVector.broadcast(like.species(), value);
	}

	private static FloatVector power(IntVector exponent) {
		return exponent.add(127).lanewise(VectorOperators.LSHL, 23).reinterpretAsFloats();
	}

	/** {@code gate / (1 + exp(−gate)) · up}. */
	static FloatVector swiGlu(FloatVector gate, FloatVector up) {
		return gate.div(exp(gate.neg()).add(1f)).mul(up);
	}

}
