package io.github.flashspring.engine.generate;

import java.util.Arrays;

import org.jspecify.annotations.Nullable;

/**
 * Tokens of one request, known and computed, as the {@link Scheduler} sees them.
 */
public final class Sequence {

	private final SequenceListener listener;

	private final int promptLength;

	private final int capacity;

	private int[] tokens;

	private int length;

	private int computed;

	private long computeNanos;

	private int @Nullable [] blocks;

	private boolean started;

	private volatile boolean cancelled;

	/**
	 * Makes a sequence.
	 * @param prompt at least one token
	 * @param maxTokens most tokens behind the prompt whose logits will be asked for
	 * @param listener decides on the tokens
	 */
	public Sequence(int[] prompt, int maxTokens, SequenceListener listener) {
		if (prompt.length == 0) {
			throw new IllegalArgumentException("A sequence needs at least one token");
		}
		this.listener = listener;
		this.tokens = prompt.clone();
		this.length = prompt.length;
		this.promptLength = prompt.length;
		// the last token's keys and values are never needed
		this.capacity = prompt.length + Math.max(0, maxTokens - 1);
	}

	SequenceListener listener() {
		return this.listener;
	}

	int capacity() {
		return this.capacity;
	}

	/** Tokens whose keys and values are not computed yet; at least 1. */
	int pending() {
		return this.length - this.computed;
	}

	int computed() {
		return this.computed;
	}

	boolean isPrompt() {
		return this.computed < this.promptLength;
	}

	int token(int position) {
		return this.tokens[position];
	}

	boolean isLast(int position) {
		return position == this.length - 1;
	}

	/**
	 * Notes that tokens were computed.
	 * @param count how many
	 * @param nanos their share of the time of the pass
	 */
	void advance(int count, long nanos) {
		this.computed += count;
		this.computeNanos += nanos;
	}

	/** Time that the keys and values took which a preemption would lose. */
	long computeNanos() {
		return this.computeNanos;
	}

	void append(int token) {
		if (this.length == this.tokens.length) {
			this.tokens = Arrays.copyOf(this.tokens, Math.max(this.length + 16, this.length * 3 / 2));
		}
		this.tokens[this.length++] = token;
	}

	int @Nullable [] blocks() {
		return this.blocks;
	}

	/** Gives the sequence memory for its keys and values; none are computed yet. */
	void blocks(int[] lent) {
		this.blocks = lent;
		this.computed = 0;
		this.computeNanos = 0;
		if (!this.started) {
			this.started = true;
			this.listener.started();
		}
	}

	/** Takes the memory away, and with it what was computed. */
	int @Nullable [] takeBlocks() {
		int[] taken = this.blocks;
		this.blocks = null;
		return taken;
	}

	boolean isCancelled() {
		return this.cancelled;
	}

	void cancel() {
		this.cancelled = true;
	}

}
