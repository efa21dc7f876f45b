package io.github.flashspring.engine.model;

import io.github.flashspring.engine.device.Tensor;
import io.github.flashspring.engine.weights.Weights;

/**
 * A narrower space in which the experts of a MoE layer work: the stream is projected into
 * it once for all experts of a token, and the sum of their outputs is projected back.
 *
 * @param into [width, hiddenSize]
 * @param outOf [hiddenSize, width]
 * @param inputs [width] per row of a chunk
 * @param sums [width] per row of a chunk
 * @param inputsOfPass [width] per row of a pass in several chunks
 * @param sumsOfPass [width] per row of a pass in several chunks
 */
record LatentSpace(Linear into, Linear outOf, Slots.Slot inputs, Slots.Slot sums, Slots.Slot inputsOfPass,
		Slots.Slot sumsOfPass) {

	/**
	 * Declares the projections.
	 * @param layer gets their weights
	 * @param into module that projects into the space
	 * @param outOf module that projects back
	 * @param width of the space
	 * @param bias of both
	 * @return the space
	 */
	static LatentSpace of(LayerBuilder layer, String into, String outOf, int width, Bias bias) {
		int hidden = layer.hiddenSize();
		Slots slots = layer.slots();
		layer.requirements().widen(width);
		return new LatentSpace(layer.linear(into, width, hidden, bias), layer.linear(outOf, hidden, width, bias),
				slots.shared("latentSpace.inputs", width), slots.shared("latentSpace.sums", width),
				slots.shared("latentSpace.inputs", width, Slots.Extent.CHUNKED_PASS),
				slots.shared("latentSpace.sums", width, Slots.Extent.CHUNKED_PASS));
	}

	int width() {
		return this.inputs.width();
	}

	/**
	 * Projects into the space.
	 * @param weights of the layer
	 * @param latent F32 [rows, width]
	 * @param x F32 [rows, hiddenSize]
	 * @return {@code latent}
	 */
	Tensor enter(Weights weights, Tensor latent, Tensor x) {
		this.into.forward(weights, latent, x);
		return latent;
	}

	/**
	 * Projects back.
	 * @param weights of the layer
	 * @param out F32 [rows, hiddenSize]
	 * @param latent F32 [rows, width]
	 */
	void leave(Weights weights, Tensor out, Tensor latent) {
		this.outOf.forward(weights, out, latent);
	}

}
