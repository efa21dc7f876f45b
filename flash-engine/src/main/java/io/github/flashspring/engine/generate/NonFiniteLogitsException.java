package io.github.flashspring.engine.generate;

/**
 * Thrown when a model computes logits that are NaN. The generation ends before a token is
 * made of them. Readers get it when none of the weights is NaN or infinite, so numbers
 * overflow; otherwise they get a
 * {@link io.github.flashspring.engine.checkpoint.CheckpointException} that names the file
 * and the tensor.
 */
public final class NonFiniteLogitsException extends IllegalStateException {

	NonFiniteLogitsException() {
		super("The model's logits are not numbers (NaN); its weights are damaged or its numbers overflow");
	}

}
