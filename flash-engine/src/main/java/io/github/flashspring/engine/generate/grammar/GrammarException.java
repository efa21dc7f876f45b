package io.github.flashspring.engine.generate.grammar;

/**
 * Thrown when a grammar or a schema cannot be enforced: it is malformed, has no answer,
 * breaks a limit, or no token of the vocabulary can continue it.
 */
public class GrammarException extends IllegalArgumentException {

	public GrammarException(String message) {
		super(message);
	}

}
