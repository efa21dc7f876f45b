package io.github.flashspring.engine.generate;

import java.util.Arrays;
import java.util.List;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.cache.SequenceMemory;
import io.github.flashspring.engine.device.RaggedBatch;

/**
 * Tokens of one request, known and computed, as the {@link Scheduler} sees them.
 */
public final class Sequence {

	private final SequenceListener listener;

	private final int promptLength;

	private int[] tokens;

	private int length;

	private long computeNanos;

	/** Read by threads that show how far a prompt is. */
	private volatile int progress;

	private @Nullable SequenceMemory memory;

	private long arrival;

	private boolean started;

	/** Whether the disk was asked for what is known of the tokens. */
	private boolean loaded;

	private int cacheReadTokens;

	private int cacheWriteTokens;

	private volatile boolean cancelled;

	/**
	 * Makes a sequence.
	 * @param prompt at least one token
	 * @param listener decides on the tokens
	 */
	public Sequence(int[] prompt, SequenceListener listener) {
		if (prompt.length == 0) {
			throw new IllegalArgumentException("A sequence needs at least one token");
		}
		this.listener = listener;
		this.tokens = prompt.clone();
		this.length = prompt.length;
		this.promptLength = prompt.length;
	}

	SequenceListener listener() {
		return this.listener;
	}

	/** Tokens whose keys and values are not computed yet; at least 1. */
	int pending() {
		return this.length - computed();
	}

	int computed() {
		return (this.memory != null) ? this.memory.length() : 0;
	}

	int promptLength() {
		return this.promptLength;
	}

	/** Whether only the token that was generated last is not computed yet. */
	boolean isDecoding() {
		return computed() >= this.promptLength && pending() == 1;
	}

	int token(int position) {
		return this.tokens[position];
	}

	boolean isLast(int position) {
		return position == this.length - 1;
	}

	/**
	 * {@return number of known tokens}
	 */
	int length() {
		return this.length;
	}

	/**
	 * {@return the known tokens, and memory for more}
	 */
	int[] tokens() {
		return this.tokens;
	}

	/** The next rows of the sequence in a batch. */
	List<RaggedBatch.Span> spans(int firstRow, int rows) {
		return this.listener.wantsAllLogits() ? List.of(memory().span(firstRow, rows))
				: memory().spans(firstRow, rows, this.length, isDecoding());
	}

	/**
	 * Notes that tokens were computed.
	 * @param count how many
	 * @param nanos their share of the time of the pass
	 */
	void advance(int count, long nanos) {
		int before = computed();
		boolean decoding = isDecoding();
		memory().advance(count);
		this.computeNanos += nanos;
		this.progress = computed();
		if (!this.listener.wantsAllLogits()) {
			int kept = memory().keep(this.tokens, this.length, before, decoding);
			this.cacheWriteTokens += (before < this.promptLength) ? kept : 0;
		}
	}

	/**
	 * {@return tokens of the prompt that were not computed, because an earlier sequence
	 * left their keys and values}
	 */
	public int cacheReadTokens() {
		return this.cacheReadTokens;
	}

	/**
	 * {@return tokens of the prompt whose keys and values were left to others}
	 */
	public int cacheWriteTokens() {
		return this.cacheWriteTokens;
	}

	/**
	 * {@return tokens that were computed when the last pass ended; any thread may ask}
	 */
	public int progress() {
		return this.progress;
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

	/**
	 * {@return whether the sequence has memory for keys and values}
	 */
	boolean hasMemory() {
		return this.memory != null;
	}

	/**
	 * The memory of the tokens that are computed.
	 * @return the memory
	 * @throws IllegalStateException if the sequence waits for memory
	 */
	SequenceMemory memory() {
		if (this.memory == null) {
			throw new IllegalStateException("The sequence has no memory for keys and values");
		}
		return this.memory;
	}

	boolean isLoaded() {
		return this.loaded;
	}

	void loaded() {
		this.loaded = true;
	}

	/** Gives the sequence memory, in which nothing or a prefix is computed. */
	void memory(SequenceMemory lent) {
		this.memory = lent;
		this.computeNanos = 0;
		if (!this.started) {
			this.cacheReadTokens = lent.length();
		}
	}

	/** Gives the memory back; full pages are left to who has the same tokens. */
	void releaseMemory() {
		if (this.memory != null) {
			if (this.listener.wantsAllLogits()) {
				this.memory.close();
			}
			else {
				this.memory.leave(this.tokens);
			}
			this.memory = null;
		}
	}

	/** Tells the listener, once, that the sequence begins to run. */
	void start() {
		if (!this.started) {
			this.started = true;
			this.listener.started();
		}
	}

	/**
	 * {@return whether the sequence has run before}
	 */
	boolean hasStarted() {
		return this.started;
	}

	/**
	 * {@return number of the sequence in order of arrival}
	 */
	long arrival() {
		return this.arrival;
	}

	void arrival(long number) {
		this.arrival = number;
	}

	boolean isCancelled() {
		return this.cancelled;
	}

	void cancel() {
		this.cancelled = true;
	}

}
