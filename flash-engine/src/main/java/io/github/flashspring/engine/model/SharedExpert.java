package io.github.flashspring.engine.model;

import java.util.Arrays;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.device.Tensor;
import io.github.flashspring.engine.weights.Weights;

/**
 * An expert that sees every token.
 *
 * @param mlp what it computes
 * @param gate [1, hiddenSize], whose sigmoid is a token's weight; null: the weight is 1
 * @param gates [1] per row
 */
record SharedExpert(Sublayer mlp, @Nullable Linear gate, Slots.Slot gates) {

	/**
	 * Computes the outputs without their weights.
	 * @param pass the rows
	 * @param weights of the layer
	 * @param out F32 [rows, hiddenSize]
	 * @param x F32 [rows, hiddenSize]
	 * @return the weight of each row
	 */
	float[] forward(Pass pass, Weights weights, Tensor out, Tensor x) {
		float[] factors = new float[x.rows()];
		Arrays.fill(factors, 1f);
		if (this.gate != null) {
			Tensor logits = pass.get(this.gates);
			this.gate.forward(weights, logits, x);
			pass.device().read(logits, factors);
			for (int row = 0; row < factors.length; row++) {
				factors[row] = (float) Routing.sigmoid(factors[row]);
			}
		}
		this.mlp.forward(pass, weights, out, x);
		return factors;
	}

}
