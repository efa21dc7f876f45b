package io.github.flashspring.cli.bench;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.metrics.ByteSize;

/**
 * Speed at several numbers of threads and positions.
 *
 * @param rounds how many there were
 * @param results medians, for each number of threads and position
 */
record ScalingReport(int rounds, List<Result> results) {

	/**
	 * Sums up rounds.
	 * @param rounds at least one, each with the same numbers of threads and positions
	 * @return their medians
	 */
	static ScalingReport of(List<List<Result>> rounds) {
		List<Result> medians = new ArrayList<>();
		for (int i = 0; i < rounds.getFirst().size(); i++) {
			int index = i;
			List<Result> same = rounds.stream().map((round) -> round.get(index)).toList();
			Result base = medians.stream()
				.filter((result) -> result.position() == same.getFirst().position())
				.findFirst()
				.orElse(null);
			medians.add(Result.median(same, base));
		}
		return new ScalingReport(rounds.size(), medians);
	}

	void print(int prompt, PrintWriter out) {
		out.printf(Locale.ROOT, "%7s %8s %10s %11s %12s %9s %9s %9s%n", "threads", "position", "prefill", "decode t/s",
				"memory", "of memory", "of linear", "attention");
		for (Result result : this.results) {
			out.printf(Locale.ROOT, "%7d %8d %10.2f %11.2f %10s/s %9.2f %9s %9s%n", result.threads(), result.position(),
					result.prefillTokensPerSecond(), result.decodeTokensPerSecond(),
					ByteSize.readable((long) result.memoryBytesPerSecond()), result.shareOfMemoryRate(),
					number(result.shareOfLinear()), number(result.attentionShare()));
		}
		out.printf(Locale.ROOT, "medians of %d; at position 0 prefill is that of %d tokens%n", this.rounds, prompt);
		out.flush();
	}

	private static String number(@Nullable Double value) {
		return (value != null) ? String.format(Locale.ROOT, "%.2f", value) : "-";
	}

	/**
	 * Speed of one number of threads at one position.
	 *
	 * @param threads that compute
	 * @param position tokens before those that are generated; 0 stands for one
	 * @param prefillTokensPerSecond speed of the prompt up to there
	 * @param decodeTokensPerSecond speed of generating from there on
	 * @param memoryBytesPerSecond how fast so many threads read memory
	 * @param shareOfMemoryRate weights that decoding went through, over that rate
	 * @param shareOfLinear decoding speed over that of the first number of threads, by
	 * thread; null for the first
	 * @param attentionShare share of a token's time that the positions before it take:
	 * one minus the time at position 0 over that here; null at 0
	 */
	record Result(int threads, int position, double prefillTokensPerSecond, double decodeTokensPerSecond,
			double memoryBytesPerSecond, double shareOfMemoryRate, @Nullable Double shareOfLinear,
			@Nullable Double attentionShare) {

		static Result median(List<Result> same, @Nullable Result base) {
			Result first = same.getFirst();
			double decode = BenchReport.median(same, Result::decodeTokensPerSecond);
			double[] attention = same.stream()
				.map(Result::attentionShare)
				.filter(Objects::nonNull)
				.mapToDouble(Double::doubleValue)
				.toArray();
			return new Result(first.threads(), first.position(),
					BenchReport.median(same, Result::prefillTokensPerSecond), decode,
					BenchReport.median(same, Result::memoryBytesPerSecond),
					BenchReport.median(same, Result::shareOfMemoryRate),
					(base != null)
							? Double.valueOf(decode / base.decodeTokensPerSecond() * base.threads() / first.threads())
							: null,
					(attention.length > 0) ? Double.valueOf(BenchReport.median(attention)) : null);
		}

	}

}
