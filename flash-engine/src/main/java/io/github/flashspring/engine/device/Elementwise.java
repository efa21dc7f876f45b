package io.github.flashspring.engine.device;

/**
 * Operations of a {@link Device} that work value by value: activations, scaling, capping.
 * They follow its law: the bits of a value do not depend on the rows next to it.
 */
public interface Elementwise {

	/**
	 * {@code out = activation(x)}.
	 * @param out F32 [n, columns]; may be {@code x}
	 * @param x F32 [n, columns]
	 * @param activation applied to each value
	 */
	void activate(Tensor out, Tensor x, Activation activation);

	/**
	 * A gate: {@code out = activation(gate) · up}.
	 * @param out F32 [n, columns]; may be {@code gate} or {@code up}
	 * @param gate F32 [n, columns]
	 * @param up F32 [n, columns]
	 * @param activation applied to each value of the gate
	 * @see <a href="https://arxiv.org/abs/2002.05202">Shazeer 2020</a>
	 */
	void gate(Tensor out, Tensor gate, Tensor up, Activation activation);

	/**
	 * The gated activation of gpt-oss: {@code out = g / (1 + exp(−alpha·g)) · (u + 1)}
	 * with {@code g = min(gate, limit)} and {@code u} clamped to ±{@code limit}.
	 * @param out F32 [n, columns]; may be {@code gate} or {@code up}
	 * @param gate F32 [n, columns]
	 * @param up F32 [n, columns]
	 * @param alpha steepness of the gate
	 * @param limit above 0
	 */
	void clampedSwiGlu(Tensor out, Tensor gate, Tensor up, float alpha, float limit);

	/**
	 * {@code x = cap · tanh(x / cap)}.
	 * @param x F32 [n, columns]
	 * @param cap above 0
	 */
	void softcap(Tensor x, float cap);

	/**
	 * {@code x *= factor}.
	 * @param x F32 [n, columns]
	 * @param factor any number
	 */
	void scale(Tensor x, float factor);

	/**
	 * {@code x += y · factor}, the product rounded before it is added.
	 * @param x F32 [n, columns]
	 * @param y F32 [n, columns]
	 * @param factor any number
	 */
	void addScaled(Tensor x, Tensor y, float factor);

	/**
	 * Separates columns: {@code even[r, i] = x[r, 2i]}, {@code odd[r, i] = x[r, 2i + 1]}.
	 * @param even F32 [n, columns]; not {@code x}
	 * @param odd F32 [n, columns]; not {@code x}
	 * @param x F32 [n, 2 · columns]
	 */
	void split(Tensor even, Tensor odd, Tensor x);

}
