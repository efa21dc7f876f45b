package io.github.flashspring.engine;

import java.time.Duration;

/**
 * What a generation took.
 *
 * @param promptTokens tokens of the prompt
 * @param completionTokens tokens generated, including an end-of-turn token
 * @param queued time from the request until the engine began with it
 * @param timeToFirstToken time from the request until the first token
 * @param total time from the request until the end
 * @param bytesRead bytes of weights read from disk while it ran; when requests run
 * concurrently, each counts the reads of the passes it shared
 * @param cacheReadTokens tokens of the prompt that the prefix cache had; they are part of
 * {@code promptTokens}
 * @param cacheWriteTokens tokens of the prompt that the prefix cache has since then
 */
public record Usage(int promptTokens, int completionTokens, Duration queued, Duration timeToFirstToken, Duration total,
		long bytesRead, int cacheReadTokens, int cacheWriteTokens) {

	/**
	 * What a generation took without a prefix cache.
	 * @param promptTokens tokens of the prompt
	 * @param completionTokens tokens generated
	 * @param queued time until the engine began with it
	 * @param timeToFirstToken time until the first token
	 * @param total time until the end
	 * @param bytesRead bytes of weights read
	 */
	public Usage(int promptTokens, int completionTokens, Duration queued, Duration timeToFirstToken, Duration total,
			long bytesRead) {
		this(promptTokens, completionTokens, queued, timeToFirstToken, total, bytesRead, 0, 0);
	}

	/**
	 * Decoding speed: tokens after the first, by the time after the first.
	 * @return tokens per second, or 0 when there was only one token
	 */
	public double tokensPerSecond() {
		double seconds = this.total.minus(this.timeToFirstToken).toNanos() * 1e-9;
		return (this.completionTokens > 1 && seconds > 0) ? (this.completionTokens - 1) / seconds : 0;
	}

	/**
	 * Prompt processing speed: tokens of the prompt that were computed by the time from
	 * the beginning of work until the first token.
	 * @return tokens per second, or 0 when nothing was generated
	 */
	public double promptTokensPerSecond() {
		double seconds = this.timeToFirstToken.minus(this.queued).toNanos() * 1e-9;
		return (seconds > 0) ? (this.promptTokens - this.cacheReadTokens) / seconds : 0;
	}

}
