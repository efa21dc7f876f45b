package io.github.flashspring.cli.bench;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.function.Function;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.metrics.ByteSize;

/**
 * How a model ran in one budget.
 *
 * @param budget as it was asked for, such as {@code all} or {@code 50%}
 * @param loadSeconds time until the engine was ready for requests
 * @param firstTokenSeconds time from the start of loading to the end of the first pass,
 * which reads pinned weights
 * @param pinnedBytes weights that stayed in memory
 * @param streamedBytesPerToken bytes read for each generated token
 * @param promptTokens tokens of the prompt that was measured; null if none was
 * @param prefillTokensPerSecond how fast the prompt was computed
 * @param promptReads how often the prompt read streamed weights: 1 if once; null where
 * nothing is read
 * @param decodeTokensPerSecond how fast tokens were generated
 * @param weightBytesPerSecond weights that decoding went through, from memory and disk
 * @param shareOfMemoryRate the same over the rate of memory
 * @param shareOfInMemory decoding speed over that with everything in memory, in the same
 * round; null if that was not measured
 * @param diskBytesPerSecond rate of the disk alone for the same reads, measured just
 * before, between and after segments of decoding; null where nothing is read
 * @param limitTokensPerSecond what that rate allows at most for the bytes that were
 * needed: without reads that turned out to be useless; null where nothing is read
 * @param shareOfLimit how much of it was reached; null where nothing is read
 * @param stallFreeTokensPerSecond speed of the same tokens without the time in which
 * compute waited for the disk: concurrent reads slow it a little
 * @param computeTokensPerSecond what compute alone allows: the speed with everything in
 * memory, in the same round, or, if that was not measured, the one without stalls
 * @param shareOfLongerLimit how much was reached of the lower of both limits, which only
 * reads that wholly overlap compute could reach; null where nothing is read
 * @param stallShare share of the time in which compute waited for the disk
 * @param peakMemoryBytes most memory of the whole process; 0 where the system does not
 * tell
 * @param memoryBeforeBytes memory of the whole process before the model was loaded
 * @param experts how experts came into memory; null without experts
 */
record BudgetRun(String budget, double loadSeconds, double firstTokenSeconds, double pinnedBytes,
		double streamedBytesPerToken, @Nullable Double promptTokens, @Nullable Double prefillTokensPerSecond,
		@Nullable Double promptReads, double decodeTokensPerSecond, double weightBytesPerSecond,
		double shareOfMemoryRate, @Nullable Double shareOfInMemory, @Nullable Double diskBytesPerSecond,
		@Nullable Double limitTokensPerSecond, @Nullable Double shareOfLimit, double stallFreeTokensPerSecond,
		double computeTokensPerSecond, @Nullable Double shareOfLongerLimit, double stallShare, double peakMemoryBytes,
		double memoryBeforeBytes, @Nullable ExpertRun experts) {

	static final String HEADER = String.format(Locale.ROOT,
			"%-16s %9s %9s %10s %8s %10s %11s %8s %8s %10s %8s %-9s %8s %7s %9s %7s %7s", "budget", "in memory",
			"read/tok", "prefill", "reads", "decode t/s", "disk", "limit", "of limit", "stall-free", "compute",
			"longer", "of both", "of all", "stalls", "peak", "load");

	/**
	 * The medians of runs in one budget.
	 * @param runs at least one
	 * @return each figure by itself
	 */
	static BudgetRun median(List<BudgetRun> runs) {
		return new BudgetRun(runs.getFirst().budget(), BenchReport.median(runs, BudgetRun::loadSeconds),
				BenchReport.median(runs, BudgetRun::firstTokenSeconds),
				BenchReport.median(runs, BudgetRun::pinnedBytes),
				BenchReport.median(runs, BudgetRun::streamedBytesPerToken), medianOf(runs, BudgetRun::promptTokens),
				medianOf(runs, BudgetRun::prefillTokensPerSecond), medianOf(runs, BudgetRun::promptReads),
				BenchReport.median(runs, BudgetRun::decodeTokensPerSecond),
				BenchReport.median(runs, BudgetRun::weightBytesPerSecond),
				BenchReport.median(runs, BudgetRun::shareOfMemoryRate), medianOf(runs, BudgetRun::shareOfInMemory),
				medianOf(runs, BudgetRun::diskBytesPerSecond), medianOf(runs, BudgetRun::limitTokensPerSecond),
				medianOf(runs, BudgetRun::shareOfLimit), BenchReport.median(runs, BudgetRun::stallFreeTokensPerSecond),
				BenchReport.median(runs, BudgetRun::computeTokensPerSecond),
				medianOf(runs, BudgetRun::shareOfLongerLimit), BenchReport.median(runs, BudgetRun::stallShare),
				BenchReport.median(runs, BudgetRun::peakMemoryBytes),
				BenchReport.median(runs, BudgetRun::memoryBeforeBytes), experts(runs));
	}

	private static @Nullable ExpertRun experts(List<BudgetRun> runs) {
		List<ExpertRun> known = new ArrayList<>();
		for (BudgetRun run : runs) {
			if (run.experts() != null) {
				known.add(run.experts());
			}
		}
		return known.isEmpty() ? null : ExpertRun.median(known);
	}

	/**
	 * Prints how experts came into memory, if there are any.
	 * @param runs the runs
	 * @param out gets a table
	 */
	static void printExperts(List<BudgetRun> runs, PrintWriter out) {
		if (runs.stream().anyMatch((run) -> run.experts() != null)) {
			out.println();
			out.println(ExpertRun.HEADER);
			for (BudgetRun run : runs) {
				if (run.experts() != null) {
					run.experts().print(run.budget(), out);
				}
			}
			out.flush();
		}
	}

	private static @Nullable Double medianOf(List<BudgetRun> runs, Function<BudgetRun, @Nullable Double> figure) {
		double[] known = runs.stream().map(figure).filter(Objects::nonNull).mapToDouble(Double::doubleValue).toArray();
		return (known.length > 0) ? BenchReport.median(known) : null;
	}

	void print(PrintWriter out) {
		out.printf(Locale.ROOT,
				"%-16s %9s %9s %10s %8s %10.2f %11s %8s %8s %10.2f %8.2f %-9s %8s %7s %8.0f%% %7s %6.2fs%n",
				this.budget, ByteSize.readable((long) this.pinnedBytes),
				ByteSize.readable((long) this.streamedBytesPerToken), number(this.prefillTokensPerSecond),
				number(this.promptReads), this.decodeTokensPerSecond,
				(this.diskBytesPerSecond != null) ? ByteSize.readable(this.diskBytesPerSecond.longValue()) + "/s" : "-",
				number(this.limitTokensPerSecond), number(this.shareOfLimit), this.stallFreeTokensPerSecond,
				this.computeTokensPerSecond, longer(), number(this.shareOfLongerLimit), number(this.shareOfInMemory),
				100 * this.stallShare,
				(this.peakMemoryBytes > 0) ? ByteSize.readable((long) this.peakMemoryBytes) : "-", this.loadSeconds);
		out.flush();
	}

	/** What takes longer for a token: reading what it needs, or compute. */
	private String longer() {
		if (this.limitTokensPerSecond == null) {
			return "-";
		}
		return (this.limitTokensPerSecond < this.computeTokensPerSecond) ? "disk" : "compute";
	}

	private static String number(@Nullable Double value) {
		return (value != null) ? String.format(Locale.ROOT, "%.2f", value) : "-";
	}

}
