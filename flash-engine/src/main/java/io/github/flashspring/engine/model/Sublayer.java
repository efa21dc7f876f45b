package io.github.flashspring.engine.model;

import java.util.List;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.device.Tensor;
import io.github.flashspring.engine.weights.Weights;

/**
 * What a layer adds to the residual stream: attention, an MLP, a MoE layer or a state
 * space.
 */
interface Sublayer {

	/**
	 * Computes one chunk of a pass.
	 * @param pass the rows
	 * @param weights of the layer
	 * @param out F32 [rows, hiddenSize]
	 * @param x F32 [rows, hiddenSize], not {@code out}
	 */
	void forward(Pass pass, Weights weights, Tensor out, Tensor x);

	/**
	 * Computes all chunks of a pass and adds the outputs to the residual stream: one
	 * chunk after the other, unless a sublayer gains by seeing all rows first.
	 * @param chunks in order, at least one
	 * @param weights of the layer
	 * @param branch gives the inputs and takes the outputs
	 */
	default void forward(List<Pass> chunks, Weights weights, Residual.Connection branch) {
		for (Pass chunk : chunks) {
			weights.begin(chunk != chunks.getLast());
			Tensor input = branch.input(chunk, weights);
			Tensor output = branch.output(chunk);
			forward(chunk, weights, output, input);
			branch.add(chunk, weights, output);
		}
	}

	/**
	 * Called once, when the sublayer becomes part of a model.
	 * @param norm of its input, or null
	 */
	default void attach(@Nullable Norm norm) {
	}

}
