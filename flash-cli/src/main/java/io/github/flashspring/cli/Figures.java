package io.github.flashspring.cli;

import java.time.Duration;
import java.util.Locale;

import io.github.flashspring.engine.Usage;
import io.github.flashspring.engine.generate.FinishReason;
import io.github.flashspring.engine.metrics.ByteSize;

/**
 * What a generation took, in one human-readable line.
 */
final class Figures {

	private Figures() {
	}

	/**
	 * The line that ends a generation.
	 * @param usage what it took
	 * @param reason why it ended
	 * @return such as
	 * {@code 5 prompt tokens (41.7 tokens/s), first token after 0.12 s, 64
	 * tokens (23.4 tokens/s), 1.2 GB read}
	 */
	static String of(Usage usage, FinishReason reason) {
		String first = (usage.completionTokens() > 0) ? ", first token after " + seconds(usage.timeToFirstToken()) : "";
		return count(usage.promptTokens(), "prompt token") + cached(usage) + rate(usage.promptTokensPerSecond()) + first
				+ ", " + count(usage.completionTokens(), "generated token") + rate(usage.tokensPerSecond()) + ", "
				+ ByteSize.readable(usage.bytesRead()) + " read" + switch (reason) {
					case STOP, TOOL_CALLS -> "";
					case LENGTH -> "; stopped at the length limit";
					case CANCELLED -> "; cancelled";
				};
	}

	private static String cached(Usage usage) {
		return (usage.cacheReadTokens() > 0) ? ", " + usage.cacheReadTokens() + " of them cached" : "";
	}

	static String seconds(Duration duration) {
		return String.format(Locale.ROOT, "%.2f s", duration.toNanos() * 1e-9);
	}

	private static String count(int number, String what) {
		return number + " " + what + ((number == 1) ? "" : "s");
	}

	private static String rate(double tokensPerSecond) {
		return (tokensPerSecond > 0) ? String.format(Locale.ROOT, " (%.1f tokens/s)", tokensPerSecond) : "";
	}

}
