package io.github.flashspring.engine.model;

import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.device.Tensor;
import io.github.flashspring.engine.weights.Parameter;
import io.github.flashspring.engine.residency.StreamingProxy;
import io.github.flashspring.engine.weights.Weights;

/**
 * Turns the residual stream into logits: final norm and projection to the vocabulary, for
 * the rows that are asked for.
 *
 * @param norm final norm
 * @param weight [vocab, hidden]
 * @param hidden the residual stream
 * @param scale factor of the logits
 * @param softcap cap of the logits; 0: none
 */
record Head(Norm norm, Parameter weight, Slots.Slot hidden, float scale,
		float softcap) implements StreamingProxy.Layer<Pass> {

	@Override
	public void forward(Pass pass, Weights weights) {
		Device device = pass.device();
		int[] rows = pass.logitRows();
		Tensor last = pass.logits().hidden().rows(0, rows.length);
		Tensor logits = pass.logits().logits().rows(0, rows.length);
		device.gather(last, pass.get(this.hidden), rows);
		this.norm.forward(pass, weights, last, last);
		weights.linear(logits, last, this.weight, null);
		if (this.scale != 1f) {
			device.elementwise().scale(logits, this.scale);
		}
		if (this.softcap > 0) {
			device.elementwise().softcap(logits, this.softcap);
		}
	}

	/**
	 * Memory for logits.
	 *
	 * @param hidden F32 [n, hidden]
	 * @param logits F32 [n, vocab]
	 */
	record LogitsMemory(Tensor hidden, Tensor logits) {

		int rows() {
			return this.logits.rows();
		}

	}

}
