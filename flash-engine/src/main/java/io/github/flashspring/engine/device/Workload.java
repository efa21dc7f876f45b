package io.github.flashspring.engine.device;

import java.util.Set;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.checkpoint.DType;
import io.github.flashspring.engine.checkpoint.Quantization;

/**
 * What a model computes, so that a device can prepare its code while weights are read.
 *
 * @param linears formats and widths of the linear layers
 * @param table format of the token embedding
 * @param keyValues a layer's part of a block of keys and values; null if no layer attends
 * @param hiddenSize width of the residual stream
 * @param norms type of the weights of norms
 * @param activations activations between linear layers
 * @see Device#warmUp
 */
public record Workload(Set<Linear> linears, Linear table, KvBlocks.@Nullable Layout keyValues, int hiddenSize,
		DType norms, Set<Activation> activations) {

	/**
	 * Linear layers that run through the same code.
	 *
	 * @param columns number of inputs
	 * @param values type of the values, or of the elements that hold codes
	 * @param quantization null if values are numbers
	 * @param scales type of the scales; null if values are numbers
	 */
	public record Linear(int columns, DType values, @Nullable Quantization quantization, @Nullable DType scales) {

	}

}
