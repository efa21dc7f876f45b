package io.github.flashspring.engine.generate;

/**
 * Restricts the tokens of one sequence. The sampler removes what is not admitted before
 * it draws, so that the rest keeps its proportions. One instance serves one sequence; not
 * thread-safe.
 */
public interface Constraint {

	/**
	 * Tokens that may come next, without those that end a turn.
	 * @return a bit for each token of the vocabulary, not to be changed
	 */
	long[] admitted();

	/**
	 * Whether the turn may end here.
	 * @return true if tokens that end it may come next
	 */
	boolean mayEnd();

	/**
	 * Whether the turn must end here.
	 * @return true if no token may come next
	 */
	boolean isComplete();

	/**
	 * Work that makes the next {@link #admitted()} fast, for another thread while the
	 * model computes.
	 * @return what to run
	 */
	Runnable preparation();

	/**
	 * Takes the token that was drawn.
	 * @param token one of those that were admitted
	 */
	void advance(int token);

}
