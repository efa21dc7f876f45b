package io.github.flashspring.engine.generate;

/**
 * Thrown where a model computes logits that are no numbers.
 */
public final class NotNumbersException extends IllegalStateException {

	NotNumbersException() {
		super("The model's logits are not numbers (NaN); its weights are damaged or its numbers overflow");
	}

}
