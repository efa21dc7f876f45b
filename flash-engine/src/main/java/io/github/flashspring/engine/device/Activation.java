package io.github.flashspring.engine.device;

/**
 * What feed-forward parts apply to each value between their linear layers.
 *
 * @see <a href="https://arxiv.org/abs/1606.08415">Hendrycks and Gimpel 2016, for GELU</a>
 */
public enum Activation {

	/** {@code x / (1 + exp(−x))}. */
	SILU,

	/** {@code x · Φ(x)} with the distribution function of the normal distribution. */
	GELU,

	/**
	 * GELU's approximation {@code x / (1 + exp(−2u))},
	 * {@code u = sqrt(2/π) · (x + 0.044715·x³)}, which is {@code x / 2 · (1 + tanh(u))}.
	 */
	GELU_TANH,

	/** GELU's approximation {@code x / (1 + exp(−1.702·x))}. */
	QUICK_GELU,

	/** {@code max(x, 0)}. */
	RELU,

	/** {@code max(x, 0)²}. */
	SQUARED_RELU

}
