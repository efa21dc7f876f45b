package io.github.flashspring.engine.model;

import io.github.flashspring.engine.device.Tensor;
import io.github.flashspring.engine.weights.WeightGroup;
import io.github.flashspring.engine.weights.Weights;

/**
 * A narrower space in which the experts of a mixture work: the stream is projected into
 * it once for all experts of a token, and the sum of what they give is projected back.
 *
 * @param into [latent, hidden]
 * @param outOf [hidden, latent]
 * @param inputs [latent] per row, for a part of a pass
 * @param sums [latent] per row, for a part of a pass
 * @param inputsOfParts [latent] per row, for all parts of a pass
 * @param sumsOfParts [latent] per row, for all parts of a pass
 */
record LatentSpace(Linear into, Linear outOf, Slots.Slot inputs, Slots.Slot sums, Slots.Slot inputsOfParts,
		Slots.Slot sumsOfParts) {

	/**
	 * Declares the projections.
	 * @param decoder the model
	 * @param unit weights of the layer
	 * @param into name of the module that projects into the space
	 * @param outOf name of the module that projects back
	 * @param width of the space
	 * @param bias whether both have biases
	 * @return the space
	 */
	static LatentSpace of(Decoder decoder, WeightGroup unit, String into, String outOf, int width, boolean bias) {
		int hidden = decoder.config().hiddenSize();
		decoder.widen(width);
		return new LatentSpace(Linear.of(unit, into, width, hidden, bias), Linear.of(unit, outOf, hidden, width, bias),
				decoder.slot("latentSpace.inputs", width), decoder.slot("latentSpace.sums", width),
				decoder.slotForParts("latentSpace.inputs", width), decoder.slotForParts("latentSpace.sums", width));
	}

	int width() {
		return this.inputs.width();
	}

	/**
	 * Projects into the space.
	 * @param weights of the layer
	 * @param latent F32 [rows, width]
	 * @param x F32 [rows, hidden]
	 * @return {@code latent}
	 */
	Tensor enter(Weights weights, Tensor latent, Tensor x) {
		this.into.forward(weights, latent, x);
		return latent;
	}

	/**
	 * Projects back.
	 * @param weights of the layer
	 * @param out F32 [rows, hidden]
	 * @param latent F32 [rows, width]
	 */
	void leave(Weights weights, Tensor out, Tensor latent) {
		this.outOf.forward(weights, out, latent);
	}

}
