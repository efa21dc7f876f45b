package io.github.flashspring.engine.model;

import io.github.flashspring.engine.device.Tensor;
import io.github.flashspring.engine.weights.Weights;

/**
 * What a layer adds to the residual stream: attention, a feed-forward part, a mixture of
 * experts or a state space.
 */
interface Sublayer {

	/**
	 * Computes.
	 * @param pass the rows
	 * @param weights of the layer
	 * @param out F32 [rows, hidden]
	 * @param x F32 [rows, hidden], not {@code out}
	 */
	void forward(Pass pass, Weights weights, Tensor out, Tensor x);

}
