package io.github.flashspring.cli.bench;

import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.metrics.ByteSize;
import io.github.flashspring.engine.metrics.ExpertMetrics;

/**
 * How the experts of a MoE layer came into memory while tokens were generated.
 *
 * @param hitRate share of the experts that were in memory, or on their way, when a router
 * chose them
 * @param missedBytesPerToken bytes of the others
 * @param aheadBytesPerToken bytes read because a router would probably choose them
 * @param aheadUsed share of these reads whose expert was then used
 * @param uselessShare share of all bytes read for experts whose expert nobody used before
 * it left
 * @param cachedBytes experts in memory at the end
 */
record ExpertRun(double hitRate, double missedBytesPerToken, double aheadBytesPerToken, double aheadUsed,
		double uselessShare, double cachedBytes) {

	static final String HEADER = String.format(Locale.ROOT, "%-16s %10s %8s %12s %12s %10s %9s", "budget", "experts",
			"hits", "missed/token", "ahead/token", "ahead used", "useless");

	/**
	 * What happened between two moments.
	 * @param before the first
	 * @param after the second
	 * @param passes tokens generated between them
	 * @return null if the model has no experts
	 */
	static @Nullable ExpertRun of(ExpertMetrics before, ExpertMetrics after, long passes) {
		long needed = after.hits() + after.misses() - before.hits() - before.misses();
		if (needed == 0) {
			return null;
		}
		double missed = after.missedBytes() - before.missedBytes();
		double ahead = after.lookaheadBytes() - before.lookaheadBytes();
		double useless = after.lookaheadUselessBytes() - before.lookaheadUselessBytes();
		long reads = after.lookaheadReads() - before.lookaheadReads();
		return new ExpertRun((double) (after.hits() - before.hits()) / needed, missed / Math.max(1, passes),
				ahead / Math.max(1, passes),
				(reads == 0) ? 1 : Math.min(1, (double) (after.lookaheadUsed() - before.lookaheadUsed()) / reads),
				(missed + ahead == 0) ? 0 : useless / (missed + ahead), after.cachedBytes());
	}

	/**
	 * The medians of runs.
	 * @param runs at least one
	 * @return each figure by itself
	 */
	static ExpertRun median(List<ExpertRun> runs) {
		return new ExpertRun(BenchReport.median(runs, ExpertRun::hitRate),
				BenchReport.median(runs, ExpertRun::missedBytesPerToken),
				BenchReport.median(runs, ExpertRun::aheadBytesPerToken), BenchReport.median(runs, ExpertRun::aheadUsed),
				BenchReport.median(runs, ExpertRun::uselessShare), BenchReport.median(runs, ExpertRun::cachedBytes));
	}

	void print(String budget, PrintWriter out) {
		out.printf(Locale.ROOT, "%-16s %10s %7.1f%% %12s %12s %9.1f%% %8.1f%%%n", budget,
				ByteSize.readable((long) this.cachedBytes), 100 * this.hitRate,
				ByteSize.readable((long) this.missedBytesPerToken), ByteSize.readable((long) this.aheadBytesPerToken),
				100 * this.aheadUsed, 100 * this.uselessShare);
		out.flush();
	}

}
