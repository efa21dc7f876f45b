package io.github.flashspring.engine.generate;

/**
 * Thrown when the vocabulary has no token with which an answer could go on as its grammar
 * demands: it cannot write one of the characters that must come next.
 */
public final class NoTokenException extends IllegalStateException {

	NoTokenException() {
		super("No token of the model's vocabulary can continue the answer as its grammar demands. Allow other characters in the grammar or schema.");
	}

}
