package io.github.flashspring.engine.model;

import java.util.List;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.device.Device;
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
	 * Asks for the weight of each token.
	 * @param pass the rows
	 * @param weights of the layer
	 * @param x F32 [rows, hiddenSize]
	 * @param reads gets what must be read for the answer
	 * @return the answer, once it was read; then {@link #factors} gives the weights
	 */
	float[] ask(Pass pass, Weights weights, Tensor x, List<Device.Readback> reads) {
		float[] answer = new float[x.rows()];
		if (this.gate != null) {
			Tensor logits = pass.get(this.gates);
			this.gate.forward(weights, logits, x);
			reads.add(new Device.Readback(logits, answer));
		}
		return answer;
	}

	/**
	 * The weight of each token.
	 * @param answer what was read; overwritten
	 * @return the weights
	 */
	float[] factors(float[] answer) {
		for (int row = 0; row < answer.length; row++) {
			answer[row] = (this.gate != null) ? (float) Routing.sigmoid(answer[row]) : 1f;
		}
		return answer;
	}

}
