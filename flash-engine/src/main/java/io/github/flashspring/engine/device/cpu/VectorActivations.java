package io.github.flashspring.engine.device.cpu;

import jdk.incubator.vector.FloatVector;

import io.github.flashspring.engine.device.Activation;

/**
 * {@link Activations} over arrays, operation for operation.
 */
final class VectorActivations {

	/** Maximum of values at a time. */
	static final int CHUNK = 256;

	/** Length of an array that holds them, with working memory behind. */
	static final int ROOM = 2 * CHUNK;

	private static final int STEP = Lanes.WIDE.length();

	private VectorActivations() {
	}

	/**
	 * Replaces values by what an activation makes of them.
	 * @param activation applied to each
	 * @param values the values, and working memory from {@link #CHUNK} on
	 * @param count their number, at most {@link #CHUNK}
	 */
	static void apply(Activation activation, float[] values, int count) {
		int whole = count / STEP * STEP;
		switch (activation) {
			case SILU -> logistic(values, whole, -1f);
			case QUICK_GELU -> logistic(values, whole, Activations.QUICK_GELU_SCALE);
			case GELU_TANH -> {
				for (int i = 0; i < whole; i += STEP) {
					FloatVector x = FloatVector.fromArray(Lanes.WIDE, values, i);
					FloatVector cube = x.mul(x).fma(Activations.GELU_CUBE, 1f);
					x.mul(Activations.GELU_SCALE).mul(cube).intoArray(values, CHUNK + i);
				}
				divide(values, whole);
			}
			case RELU -> {
				for (int i = 0; i < whole; i += STEP) {
					FloatVector.fromArray(Lanes.WIDE, values, i).max(0f).intoArray(values, i);
				}
			}
			case SQUARED_RELU -> {
				for (int i = 0; i < whole; i += STEP) {
					FloatVector positive = FloatVector.fromArray(Lanes.WIDE, values, i).max(0f);
					positive.mul(positive).intoArray(values, i);
				}
			}
			case GELU -> whole = 0;
		}
		for (int i = whole; i < count; i++) {
			values[i] = Activations.apply(activation, values[i]);
		}
	}

	/** {@code x / (1 + exp(factor · x))}. */
	private static void logistic(float[] values, int count, float factor) {
		for (int i = 0; i < count; i += STEP) {
			FloatVector.fromArray(Lanes.WIDE, values, i).mul(factor).intoArray(values, CHUNK + i);
		}
		divide(values, count);
	}

	/** Divides by one more than the exponentials of what lies behind. */
	private static void divide(float[] values, int count) {
		VectorMath.exp(values, CHUNK, count, 0f);
		for (int i = 0; i < count; i += STEP) {
			FloatVector.fromArray(Lanes.WIDE, values, i)
				.div(FloatVector.fromArray(Lanes.WIDE, values, CHUNK + i).add(1f))
				.intoArray(values, i);
		}
	}

}
