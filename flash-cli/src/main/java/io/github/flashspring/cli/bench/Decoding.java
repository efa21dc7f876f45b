package io.github.flashspring.cli.bench;

import io.github.flashspring.engine.FlashEngine;
import io.github.flashspring.engine.Usage;
import io.github.flashspring.engine.metrics.EngineSnapshot;
import io.github.flashspring.engine.metrics.ExpertMetrics;

/**
 * Tokens that were generated in several segments. The disk alone is read before, between
 * and behind them, the same ranges of the same files as passes read: its rate may change
 * within seconds.
 *
 * @param tokensPerSecond how fast tokens were generated
 * @param seconds time from the first token of each segment to its last
 * @param totalSeconds time of the segments
 * @param stallSeconds time of that in which compute waited for the disk
 * @param passes passes of one token each
 * @param bytesRead what they read from disk
 * @param expertsBefore how experts came into memory until then
 * @param expertsAfter and in the end
 * @param diskBytesPerSecond rate of the disk alone; 0 if passes read nothing
 * @param peakMemoryBytes most memory of the whole process while it generated; 0 where the
 * system does not tell
 */
record Decoding(double tokensPerSecond, double seconds, double totalSeconds, double stallSeconds, long passes,
		double bytesRead, ExpertMetrics expertsBefore, ExpertMetrics expertsAfter, double diskBytesPerSecond,
		long peakMemoryBytes) {

	private static final int SEGMENTS = 4;

	/** Fewest tokens of a segment. */
	private static final int MIN_TOKENS = 4;

	/** What is read of the disk alone, all measurements together. */
	private static final long DISK_BYTES = 1L << 30;

	/**
	 * Generates.
	 * @param engine the model
	 * @param round number of the round, so that each has other tokens
	 * @param tokens how many tokens, at least 2
	 * @return what was measured
	 */
	static Decoding measure(FlashEngine engine, int round, int tokens) {
		int segments = Math.clamp(tokens / MIN_TOKENS, 1, SEGMENTS);
		EngineSnapshot first = BudgetBench.settled(engine);
		EngineSnapshot last = first;
		double generated = 0;
		double seconds = 0;
		double total = 0;
		double read = 0;
		long peak = 0;
		double rates = inverseRate(engine, segments);
		for (int i = 0; i < segments; i++) {
			int count = tokens * (i + 1) / segments - tokens * i / segments;
			EngineSnapshot before = BudgetBench.settled(engine);
			PeakMemory.reset();
			// A prompt of one token is a pass like all others.
			Usage usage = BudgetBench.generate(engine, round * SEGMENTS + i, 1, count);
			last = BudgetBench.settled(engine);
			peak = Math.max(peak, PeakMemory.bytes());
			generated += usage.completionTokens() - 1;
			seconds += usage.total().minus(usage.timeToFirstToken()).toNanos() * 1e-9;
			total += usage.total().toNanos() * 1e-9;
			read += BudgetBench.read(before, last);
			rates += inverseRate(engine, segments);
		}
		double stalls = (last.io().stallNanos() - first.io().stallNanos()) * 1e-9;
		return new Decoding((seconds > 0) ? generated / seconds : 0, seconds, total, stalls,
				last.work().passes() - first.work().passes(), read, first.experts(), last.experts(),
				(rates > 0) ? (segments + 1) / rates : 0, peak);
	}

	/** Seconds for a byte; 0 if passes read nothing. */
	private static double inverseRate(FlashEngine engine, int segments) {
		double rate = engine.diagnostics().diskBytesPerSecond(DISK_BYTES / (segments + 1));
		return (rate > 0) ? 1 / rate : 0;
	}

	/** Bytes that a token reads. */
	double bytesPerToken() {
		return this.bytesRead / Math.max(1, this.passes);
	}

	/** Bytes that a token reads, without those that turned out to be useless. */
	double neededBytesPerToken() {
		double useless = this.expertsAfter.lookaheadUselessBytes() - this.expertsBefore.lookaheadUselessBytes();
		return Math.max(0, this.bytesRead - useless) / Math.max(1, this.passes);
	}

	/** Share of the time in which compute waited for the disk. */
	double stallShare() {
		return (this.totalSeconds > 0) ? Math.min(1, this.stallSeconds / this.totalSeconds) : 0;
	}

	/**
	 * How fast these tokens would have been generated if compute had not waited for the
	 * disk. Concurrent reads slowed it all the same.
	 */
	double stallFreeTokensPerSecond() {
		return this.tokensPerSecond / Math.max(1e-3, 1 - stallShare());
	}

}
