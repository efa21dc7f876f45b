package io.github.flashspring.cli.bench;

import java.io.PrintWriter;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;

/**
 * What a benchmark found: a table for people, and the record itself for programs.
 *
 * @param model what was measured
 * @param rounds one after the other
 * @param median of the rounds
 */
record BenchReport(Model model, List<Round> rounds, Median median) {

	/**
	 * Sums up rounds.
	 * @param model what was measured
	 * @param rounds at least one
	 * @return the report
	 */
	static BenchReport of(Model model, List<Round> rounds) {
		double memory = median(rounds, Round::memoryBytesPerSecond);
		double decode = median(rounds, Round::decodeTokensPerSecond);
		double weights = decode * model.weightBytesPerToken();
		return new BenchReport(model, List.copyOf(rounds),
				new Median(memory, median(rounds, Round::smallPages), median(rounds, Round::hugePages),
						median(rounds, Round::prefillTokensPerSecond), decode, weights, weights / memory));
	}

	private static double median(List<Round> rounds, ToDoubleFunction<Round> figure) {
		return median(rounds.stream().mapToDouble(figure).toArray());
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
		out.printf(Locale.ROOT, "memory %.2f GB/s (%.2f in small pages, %.2f in huge ones), %d threads%n",
				this.median.memoryBytesPerSecond() * 1e-9, this.median.smallPages() * 1e-9,
				this.median.hugePages() * 1e-9, this.model.threads());
		out.printf(Locale.ROOT, "prefill %.2f tokens/s, %d tokens%n", this.median.prefillTokensPerSecond(),
				this.model.promptTokens());
		out.printf(Locale.ROOT, "decode %.2f tokens/s, %.2f GB/s of weights, %.2f of the memory rate%n",
				this.median.decodeTokensPerSecond(), this.median.weightBytesPerSecond() * 1e-9,
				this.median.shareOfMemoryRate());
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
	 * @param weightBytesPerToken bytes of all weights that a decoded token is multiplied
	 * with
	 * @param promptTokens tokens of the prompt
	 * @param generatedTokens tokens generated
	 */
	record Model(String id, String architecture, String precision, String device, int threads, long weightBytesPerToken,
			int promptTokens, int generatedTokens) {

		void print(PrintWriter out) {
			out.printf(Locale.ROOT, "%s, %s, %s, %d bytes of weights per token%n", this.precision, this.architecture,
					this.device, this.weightBytesPerToken);
			out.flush();
		}

	}

	/**
	 * One round.
	 *
	 * @param memoryBytesPerSecond how fast memory was read
	 * @param smallPages in small pages
	 * @param hugePages in huge pages
	 * @param prefillTokensPerSecond how fast the prompt was computed
	 * @param decodeTokensPerSecond how fast tokens were generated
	 */
	record Round(double memoryBytesPerSecond, double smallPages, double hugePages, double prefillTokensPerSecond,
			double decodeTokensPerSecond) {

		void print(int number, PrintWriter out) {
			out.printf(Locale.ROOT, "round %d: memory %.2f GB/s, prefill %.2f tokens/s, decode %.2f tokens/s%n", number,
					this.memoryBytesPerSecond * 1e-9, this.prefillTokensPerSecond, this.decodeTokensPerSecond);
			out.flush();
		}

	}

	/**
	 * Medians of the rounds.
	 *
	 * @param memoryBytesPerSecond how fast memory was read
	 * @param smallPages in small pages
	 * @param hugePages in huge pages
	 * @param prefillTokensPerSecond how fast the prompt was computed
	 * @param decodeTokensPerSecond how fast tokens were generated
	 * @param weightBytesPerSecond weights that decoding went through
	 * @param shareOfMemoryRate the same over the rate of memory
	 */
	record Median(double memoryBytesPerSecond, double smallPages, double hugePages, double prefillTokensPerSecond,
			double decodeTokensPerSecond, double weightBytesPerSecond, double shareOfMemoryRate) {

	}

}
