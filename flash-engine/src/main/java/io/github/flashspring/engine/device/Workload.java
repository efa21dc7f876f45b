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
 * @param steps operations that only some models use
 * @see Device#warmUp
 */
public record Workload(Set<Linear> linears, Linear table, KvPages.@Nullable Layout keyValues, int hiddenSize,
		DType norms, Set<Step> steps) {

	/** An operation that only some models use. */
	public sealed interface Step {

	}

	/**
	 * A gate, see {@link Elementwise#gate}.
	 *
	 * @param activation of the gate
	 */
	public record Gate(Activation activation) implements Step {

	}

	/**
	 * An activation without a gate, see {@link Elementwise#activate}.
	 *
	 * @param activation applied to each value
	 */
	public record Activate(Activation activation) implements Step {

	}

	/** See {@link Elementwise#clampedSwiGlu}. */
	public record ClampedSwiGlu() implements Step {

	}

	/** See {@link Device#layerNorm}. */
	public record LayerNorm() implements Step {

	}

	/** See {@link Device#combine}. */
	public record Combine() implements Step {

	}

	/**
	 * Convolution and recurrence, see {@link StateSpace}.
	 *
	 * @param taps tokens that the convolution sees
	 * @param activation behind the convolution
	 * @param stateSize numbers of a state for each value of a head
	 */
	public record Recurrence(int taps, Activation activation, int stateSize) implements Step {

	}

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
