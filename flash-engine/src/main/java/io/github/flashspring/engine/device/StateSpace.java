package io.github.flashspring.engine.device;

import org.jspecify.annotations.Nullable;

/**
 * Operations of state space layers. Their rows are consecutive tokens of <em>one</em>
 * sequence; what they remember of the tokens before lies in a state that belongs to the
 * sequence. Rows are computed one after the other, so that the bits do not depend on how
 * a sequence is cut into passes.
 */
public interface StateSpace {

	/**
	 * A convolution of each column with its own filter over the last tokens, then an
	 * activation:
	 * {@code out[r, c] = activation(Σ_k weight[c, k] · x[r − K + 1 + k, c] + bias[c])}.
	 * @param out F32 [n, columns]; not {@code x}
	 * @param x F32 [n, columns]
	 * @param weight F32, F16 or BF16 [columns, K], the newest token last
	 * @param bias F32, F16 or BF16 [1, columns], or null
	 * @param state F32 [K − 1, columns]: the last inputs, oldest first; updated
	 * @param first whether the sequence begins with these rows; the state then counts as
	 * zero
	 * @param activation applied to each value
	 */
	void convolution(Tensor out, Tensor x, Tensor weight, @Nullable Tensor bias, Tensor state, boolean first,
			Activation activation);

	/**
	 * The recurrence of Mamba-2, for each head {@code h} and value {@code p} of it: <pre>
	 * δ = clamp(softplus(dt[r, h] + dtBias[h]))
	 * S[p, s] = S[p, s] · exp(−δ · exp(aLog[h])) + (δ · x[r, p]) · b[r, s]
	 * out[r, p] = Σ_s S[p, s] · c[r, s] + d[h] · x[r, p]
	 * </pre>
	 * @param out F32 [n, heads · headDim]; not {@code x}
	 * @param in what varies from token to token
	 * @param parameters what the layer has learned
	 * @param state F32 [heads · headDim, stateSize]; updated
	 * @param first whether the sequence begins with these rows; the state then counts as
	 * zero
	 * @see <a href="https://arxiv.org/abs/2405.21060">Dao and Gu 2024</a>
	 */
	void selectiveScan(Tensor out, ScanInput in, ScanParameters parameters, Tensor state, boolean first);

	/**
	 * What varies from token to token in {@link StateSpace#selectiveScan}.
	 *
	 * @param x F32 [n, heads · headDim]
	 * @param b F32 [n, groups · stateSize]; neighbouring heads share a group
	 * @param c F32 [n, groups · stateSize]
	 * @param dt F32 [n, heads]
	 */
	record ScanInput(Tensor x, Tensor b, Tensor c, Tensor dt) {

	}

	/**
	 * What a layer has learned for {@link StateSpace#selectiveScan}; each F32, F16 or
	 * BF16 [1, heads].
	 *
	 * @param aLog logarithm of the decay
	 * @param d weight of the input that skips the state
	 * @param dtBias added to the time step
	 * @param minStep minimum of the time step
	 * @param maxStep maximum of the time step, possibly infinite
	 */
	record ScanParameters(Tensor aLog, Tensor d, Tensor dtBias, float minStep, float maxStep) {

	}

}
