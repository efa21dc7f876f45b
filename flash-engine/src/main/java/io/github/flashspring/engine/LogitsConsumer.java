package io.github.flashspring.engine;

/**
 * Receives the logits of every position of a text.
 */
@FunctionalInterface
public interface LogitsConsumer {

	/**
	 * Takes the logits behind a token.
	 * @param position position of the token, from 0 on, in order
	 * @param logits [vocab]; valid during the call only
	 */
	void accept(int position, float[] logits);

}
