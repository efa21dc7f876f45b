package io.github.flashspring.cli.bench;

import java.io.PrintWriter;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;

/**
 * What a benchmark found: a human-readable table, and the record itself for programs.
 *
 * @param model what was measured
 * @param rounds one after the other
 * @param median of the rounds
 */
record BenchReport(Model model, List<Round> rounds, Round median) {

	/**
	 * Sums up rounds.
	 * @param model what was measured
	 * @param rounds at least one, with the same budgets in the same order
	 * @return the report
	 */
	static BenchReport of(Model model, List<Round> rounds) {
		List<BudgetRun> budgets = IntStream.range(0, rounds.getFirst().budgets().size())
			.mapToObj((i) -> BudgetRun.median(rounds.stream().map((round) -> round.budgets().get(i)).toList()))
			.toList();
		return new BenchReport(model, List.copyOf(rounds), new Round(median(rounds, Round::memoryBytesPerSecond),
				median(rounds, Round::smallPages), median(rounds, Round::hugePages), budgets));
	}

	/**
	 * The middle of a figure.
	 * @param runs at least one
	 * @param figure of a run
	 * @return as {@link #median(double[])}
	 */
	static <T> double median(List<T> runs, ToDoubleFunction<T> figure) {
		return median(runs.stream().mapToDouble(figure).toArray());
	}

	/**
	 * The middle of some values.
	 * @param values at least one
	 * @return the middle one, or the mean of the two in the middle
	 */
	static double median(double... values) {
		double[] sorted = values.clone();
		Arrays.sort(sorted);
		int middle = sorted.length / 2;
		return (sorted.length % 2 == 1) ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
	}

	void printMedian(PrintWriter out) {
		out.printf(Locale.ROOT, "%nmedian of %d%n", this.rounds.size());
		out.printf(Locale.ROOT, "memory %.2f GB/s (%.2f in small pages, %.2f in huge ones), %d threads%n",
				this.median.memoryBytesPerSecond() * 1e-9, this.median.smallPages() * 1e-9,
				this.median.hugePages() * 1e-9, this.model.threads());
		for (BudgetRun run : this.median.budgets()) {
			Double prefill = run.prefillTokensPerSecond();
			if (prefill != null) {
				out.printf(Locale.ROOT, "prefill %.2f tokens/s, %d tokens%n", prefill, this.model.promptTokens());
				out.printf(Locale.ROOT, "decode %.2f tokens/s, %.2f GB/s of weights, %.2f of the memory rate%n",
						run.decodeTokensPerSecond(), run.weightBytesPerSecond() * 1e-9, run.shareOfMemoryRate());
			}
		}
		out.println();
		out.println(BudgetRun.HEADER);
		this.median.budgets().forEach((run) -> run.print(out));
		BudgetRun.printExperts(this.median.budgets(), out);
		out.flush();
	}

	/**
	 * What was measured.
	 *
	 * @param id as it was asked for
	 * @param architecture {@code model_type} of the config
	 * @param precision such as {@code BF16}
	 * @param device what computed
	 * @param threads how many read memory in the measurement of its rate
	 * @param weightBytes size of all weights
	 * @param weightBytesPerToken bytes of all weights that a decoded token is multiplied
	 * with
	 * @param promptTokens tokens of the prompt
	 * @param generatedTokens tokens generated
	 */
	record Model(String id, String architecture, String precision, String device, int threads, long weightBytes,
			long weightBytesPerToken, int promptTokens, int generatedTokens) {

		void print(PrintWriter out) {
			out.printf(Locale.ROOT, "%s, %s, %s, %d bytes of weights per token%n", this.precision, this.architecture,
					this.device, this.weightBytesPerToken);
			out.flush();
		}

	}

	/**
	 * One round, or the medians of all.
	 *
	 * @param memoryBytesPerSecond how fast memory was read
	 * @param smallPages in small pages
	 * @param hugePages in huge pages
	 * @param budgets how the model ran in each budget
	 */
	record Round(double memoryBytesPerSecond, double smallPages, double hugePages, List<BudgetRun> budgets) {

		Round {
			budgets = List.copyOf(budgets);
		}

	}

}
