package io.github.flashspring.cli.bench;

import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.metrics.ByteSize;

/**
 * How a model ran in one budget.
 *
 * @param budget as it was asked for, such as {@code all} or {@code 50%}
 * @param pinnedBytes weights that stayed in memory
 * @param streamedBytesPerToken bytes read for each generated token
 * @param prefillTokensPerSecond how fast the prompt was computed; measured with
 * everything in memory only
 * @param decodeTokensPerSecond how fast tokens were generated
 * @param weightBytesPerSecond weights that decoding went through, from memory and disk
 * @param shareOfMemoryRate the same over the rate of memory
 * @param diskBytesPerSecond rate of the disk alone, read in the same pattern just before;
 * null where nothing is read
 * @param limitTokensPerSecond what that rate allows at most; null where nothing is read
 * @param shareOfLimit how much of it was reached; null where nothing is read
 * @param stallShare share of the time in which computing waited for the disk
 * @param peakMemoryBytes most memory of the whole process; 0 where the system does not
 * tell
 */
record BudgetRun(String budget, double pinnedBytes, double streamedBytesPerToken,
		@Nullable Double prefillTokensPerSecond, double decodeTokensPerSecond, double weightBytesPerSecond,
		double shareOfMemoryRate, @Nullable Double diskBytesPerSecond, @Nullable Double limitTokensPerSecond,
		@Nullable Double shareOfLimit, double stallShare, double peakMemoryBytes) {

	static final String HEADER = String.format(Locale.ROOT, "%-8s %10s %10s %10s %11s %10s %9s %7s %10s", "budget",
			"in memory", "read/token", "decode t/s", "disk", "limit t/s", "of limit", "stalls", "peak");

	/**
	 * The medians of runs in one budget.
	 * @param runs at least one
	 * @return each figure by itself
	 */
	static BudgetRun median(List<BudgetRun> runs) {
		return new BudgetRun(runs.getFirst().budget(), median(runs, BudgetRun::pinnedBytes),
				median(runs, BudgetRun::streamedBytesPerToken), medianOf(runs, BudgetRun::prefillTokensPerSecond),
				median(runs, BudgetRun::decodeTokensPerSecond), median(runs, BudgetRun::weightBytesPerSecond),
				median(runs, BudgetRun::shareOfMemoryRate), medianOf(runs, BudgetRun::diskBytesPerSecond),
				medianOf(runs, BudgetRun::limitTokensPerSecond), medianOf(runs, BudgetRun::shareOfLimit),
				median(runs, BudgetRun::stallShare), median(runs, BudgetRun::peakMemoryBytes));
	}

	private static double median(List<BudgetRun> runs, ToDoubleFunction<BudgetRun> figure) {
		return BenchReport.median(runs.stream().mapToDouble(figure).toArray());
	}

	private static @Nullable Double medianOf(List<BudgetRun> runs, Function<BudgetRun, @Nullable Double> figure) {
		double[] known = runs.stream().map(figure).filter(Objects::nonNull).mapToDouble(Double::doubleValue).toArray();
		return (known.length > 0) ? BenchReport.median(known) : null;
	}

	void print(PrintWriter out) {
		out.printf(Locale.ROOT, "%-8s %10s %10s %10.2f %11s %10s %9s %6.0f%% %10s%n", this.budget,
				ByteSize.readable((long) this.pinnedBytes), ByteSize.readable((long) this.streamedBytesPerToken),
				this.decodeTokensPerSecond,
				(this.diskBytesPerSecond != null) ? ByteSize.readable(this.diskBytesPerSecond.longValue()) + "/s" : "-",
				number(this.limitTokensPerSecond), number(this.shareOfLimit), 100 * this.stallShare,
				(this.peakMemoryBytes > 0) ? ByteSize.readable((long) this.peakMemoryBytes) : "-");
		out.flush();
	}

	private static String number(@Nullable Double value) {
		return (value != null) ? String.format(Locale.ROOT, "%.2f", value) : "-";
	}

}
