package io.github.flashspring.engine.generate;

/**
 * Decides what becomes of a sequence's logits. Called by the scheduler's thread, which
 * computes nothing meanwhile: be quick.
 */
public interface SequenceListener {

	/** Returned instead of a token to end the sequence. */
	int END = -1;

	/**
	 * Whether the next logits are wanted now. A sequence that is not ready uses no slot,
	 * and the memory of its keys and values is given to a waiting sequence that needs it,
	 * unless its reader has become idle only just now. When this turns to true, call
	 * {@link Scheduler#wake()}.
	 * @return true if ready
	 */
	boolean isReady();

	/**
	 * For how long the reader has left its next event unread.
	 * @return nanoseconds; 0 if the reader waits for the sequence
	 */
	default long idleNanos() {
		return 0;
	}

	/**
	 * Whether logits of all tokens are wanted, not only of the last one.
	 * @return true for all
	 */
	boolean wantsAllLogits();

	/** The first pass with tokens of the sequence begins. */
	void started();

	/**
	 * Takes the logits behind a token.
	 * @param position position of the token
	 * @param logits [vocab]; may be changed, valid during the call only
	 * @return the next token or {@link #END}; ignored for tokens that are followed by
	 * known ones
	 */
	int next(int position, float[] logits);

	/** The sequence was cancelled; nothing else follows. */
	void cancelled();

	/** The reader was idle for longer than the scheduler allows; nothing else follows. */
	default void timedOut() {
	}

	/** The scheduler was closed; nothing else follows. */
	void closed();

	/**
	 * The sequence cannot go on; nothing else follows.
	 * @param cause why
	 */
	void failed(RuntimeException cause);

}
