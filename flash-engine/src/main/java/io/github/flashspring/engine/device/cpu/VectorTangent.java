package io.github.flashspring.engine.device.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * {@link HyperbolicTangent} over arrays, operation for operation.
 */
final class VectorTangent {

	private static final VectorSpecies<Float> FLOATS = Lanes.WIDE;

	private static final int STEP = FLOATS.length();

	/** Values whose exponentials are computed at a time. */
	private static final int CHUNK = 256;

	private VectorTangent() {
	}

	/**
	 * Replaces values by {@code cap · tanh(value / cap)}.
	 * @param values the values
	 * @param from index of the first
	 * @param count their number
	 * @param cap above 0
	 * @param scratch buffer for {@link #scratchFloats} values
	 */
	static void softcap(float[] values, int from, int count, float cap, float[] scratch) {
		int whole = count / STEP * STEP;
		for (int first = 0; first < whole; first += CHUNK) {
			chunk(values, from + first, Math.min(CHUNK, whole - first), cap, scratch);
		}
		for (int i = from + whole; i < from + count; i++) {
			values[i] = HyperbolicTangent.softcap(values[i], cap);
		}
	}

	static int scratchFloats() {
		return CHUNK;
	}

	private static void chunk(float[] values, int from, int count, float cap, float[] exponentials) {
		for (int i = 0; i < count; i += STEP) {
			FloatVector.fromArray(FLOATS, values, from + i).div(cap).abs().mul(2f).intoArray(exponentials, i);
		}
		VectorMath.exp(exponentials, 0, count, 0f);
		for (int i = 0; i < count; i += STEP) {
			FloatVector x = FloatVector.fromArray(FLOATS, values, from + i).div(cap);
			FloatVector magnitude = FloatVector.broadcast(FLOATS, 2f)
				.div(FloatVector.fromArray(FLOATS, exponentials, i).add(1f));
			FloatVector curved = FloatVector.broadcast(FLOATS, 1f).sub(magnitude);
			curved = curved.blend(curved.neg(), x.compare(VectorOperators.LT, 0f));
			FloatVector square = x.mul(x);
			FloatVector p = square.fma(HyperbolicTangent.C13, HyperbolicTangent.C11);
			p = p.fma(square, FloatVector.broadcast(FLOATS, HyperbolicTangent.C9));
			p = p.fma(square, FloatVector.broadcast(FLOATS, HyperbolicTangent.C7));
			p = p.fma(square, FloatVector.broadcast(FLOATS, HyperbolicTangent.C5));
			p = p.fma(square, FloatVector.broadcast(FLOATS, HyperbolicTangent.C3));
			FloatVector linear = x.mul(square).fma(p, x);
			VectorMask<Float> isLinear = x.abs().compare(VectorOperators.LT, HyperbolicTangent.LINEAR);
			curved.blend(linear, isLinear).mul(cap).intoArray(values, from + i);
		}
	}

}
