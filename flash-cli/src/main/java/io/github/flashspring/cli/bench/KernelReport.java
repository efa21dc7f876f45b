package io.github.flashspring.cli.bench;

import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import java.util.SequencedMap;
import java.util.TreeMap;

import org.jspecify.annotations.Nullable;

/**
 * How fast kernels multiply.
 *
 * @param device what computed
 * @param rounds of which medians were taken
 * @param results one for each number of threads, format and number of rows
 */
record KernelReport(String device, int rounds, List<Result> results) {

	static void printHeader(List<Integer> widths, PrintWriter out) {
		out.printf(Locale.ROOT, "%-14s %7s %5s", "billion/s", "threads", "rows");
		widths.forEach((width) -> out.printf(Locale.ROOT, " %6d", width));
		out.printf(Locale.ROOT, "  slowest/fastest%n");
		out.flush();
	}

	/**
	 * One line of the table.
	 *
	 * @param threads that computed
	 * @param format of the weights
	 * @param rows that each weight was multiplied with
	 * @param weightsPerSecond for each width that the format allows
	 * @param fastestWidth the width with the highest rate
	 * @param slowestWidth that with the lowest
	 * @param slowestOverFastest the lowest rate over the highest
	 */
	record Result(int threads, String format, int rows, SequencedMap<Integer, Double> weightsPerSecond,
			int fastestWidth, int slowestWidth, double slowestOverFastest) {

		/**
		 * Finds the extremes.
		 * @param threads that computed
		 * @param format of the weights
		 * @param rows that each weight was multiplied with
		 * @param rates weights per second of each width, at least one
		 * @return the line
		 */
		static Result of(int threads, String format, int rows, SequencedMap<Integer, Double> rates) {
			TreeMap<Double, Integer> order = new TreeMap<>();
			rates.forEach((width, rate) -> order.put(rate, width));
			return new Result(threads, format, rows, rates, order.lastEntry().getValue(), order.firstEntry().getValue(),
					order.firstKey() / order.lastKey());
		}

		void print(List<Integer> widths, PrintWriter out) {
			out.printf(Locale.ROOT, "%-14s %7d %5d", this.format, this.threads, this.rows);
			for (Integer width : widths) {
				Double rate = this.weightsPerSecond.get(width);
				out.printf(Locale.ROOT, " %6s", number(rate));
			}
			out.printf(Locale.ROOT, "  %.2f (%d/%d)%n", this.slowestOverFastest, this.slowestWidth, this.fastestWidth);
			out.flush();
		}

		private static String number(@Nullable Double rate) {
			return (rate != null) ? String.format(Locale.ROOT, (rate < 10e9) ? "%.3f" : "%.2f", rate * 1e-9) : "-";
		}

	}

}
