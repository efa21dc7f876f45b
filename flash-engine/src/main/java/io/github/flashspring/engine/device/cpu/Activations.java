package io.github.flashspring.engine.device.cpu;

import io.github.flashspring.engine.device.Activation;

/**
 * {@link Activation}s of single values, made of operations that round alike on every
 * machine.
 */
final class Activations {

	/** {@code −2 · sqrt(2 / π)}. */
	static final float GELU_SCALE = -1.5957691f;

	static final float GELU_CUBE = 0.044715f;

	static final float QUICK_GELU_SCALE = -1.702f;

	private static final double ROOT_OF_HALF = Math.sqrt(0.5);

	private Activations() {
	}

	static float apply(Activation activation, float x) {
		return switch (activation) {
			case SILU -> logistic(x, -x);
			case GELU_TANH -> logistic(x, GELU_SCALE * x * Math.fma(GELU_CUBE, x * x, 1f));
			case QUICK_GELU -> logistic(x, QUICK_GELU_SCALE * x);
			case GELU -> (float) (0.5 * x * ErrorFunction.complement(-x * ROOT_OF_HALF));
			case RELU -> Math.max(x, 0f);
			case SQUARED_RELU -> Math.max(x, 0f) * Math.max(x, 0f);
		};
	}

	private static float logistic(float x, float exponent) {
		return x / (1f + Exponential.exp(exponent));
	}

}
