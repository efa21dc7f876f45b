package io.github.flashspring.cli.bench;

import java.io.IOException;
import java.io.PrintWriter;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

import tools.jackson.databind.json.JsonMapper;

import io.github.flashspring.cli.bench.SingleAnswer.Times;

/**
 * How long somebody waits for a first answer: each round starts a fresh JVM for a short
 * answer, and another for a long one.
 */
final class FirstAnswerBench {

	/** Tokens of a short answer. */
	static final int TOKENS = 8;

	/** Tokens of a long answer; the first half is compared with the second. */
	private static final int LONG = 400;

	private final PrintWriter out;

	private final PrintWriter progress;

	/**
	 * Prepares.
	 * @param out gets the figures
	 * @param progress is told what is being done
	 */
	FirstAnswerBench(PrintWriter out, PrintWriter progress) {
		this.out = out;
		this.progress = progress;
	}

	/**
	 * Measures.
	 * @param arguments of the command line that make a JVM answer, but for the number of
	 * tokens
	 * @param rounds that count; one before brings the files into memory
	 * @return what was measured
	 * @throws IOException if a JVM cannot be started, or fails
	 */
	Report run(List<String> arguments, int rounds) throws IOException {
		say("warm-up of the files");
		start(arguments, TOKENS);
		List<Round> all = new ArrayList<>();
		for (int i = 1; i <= rounds; i++) {
			say("round " + i + ": " + TOKENS + " tokens");
			FreshJvm.Run brief = start(arguments, TOKENS);
			say("round " + i + ": " + LONG + " tokens");
			all.add(Round.of(brief, times(brief), times(start(arguments, LONG))));
		}
		Report report = new Report(all, Round.median(all));
		print(report);
		return report;
	}

	private static FreshJvm.Run start(List<String> arguments, int tokens) throws IOException {
		List<String> all = new ArrayList<>(arguments);
		all.addAll(List.of("--answer-once", String.valueOf(tokens)));
		return FreshJvm.run(all);
	}

	private static Times times(FreshJvm.Run run) {
		return JsonMapper.shared().readValue(run.output(), Times.class);
	}

	private void say(String what) {
		this.progress.println(what);
		this.progress.flush();
	}

	private void print(Report report) {
		this.out.printf(Locale.ROOT, "%-14s %12s %12s%n", "", "wall", "CPU");
		Round median = report.median();
		print("first token", median.firstTokenSeconds(), median.firstTokenCpuSeconds());
		print("eighth token", median.eighthTokenSeconds(), median.eighthTokenCpuSeconds());
		print("whole process", median.processSeconds(), median.processCpuSeconds());
		this.out.printf(Locale.ROOT, "tokens 1 to %d: %.2f tokens/s, %d to %d: %.2f tokens/s, ratio %.2f%n", LONG / 2,
				median.earlyTokensPerSecond(), LONG / 2, LONG, median.laterTokensPerSecond(), median.earlyOverLater());
		this.out.printf(Locale.ROOT, "medians of %d%n", report.rounds().size());
		this.out.flush();
	}

	private void print(String what, double wall, double cpu) {
		this.out.printf(Locale.ROOT, "%-14s %11.2fs %11.2fs%n", what, wall, cpu);
	}

	/**
	 * What was measured.
	 *
	 * @param rounds one after the other
	 * @param median each figure by itself
	 */
	record Report(List<Round> rounds, Round median) {

	}

	/**
	 * One round, or the medians of all. Times begin before the JVM is started; CPU time
	 * is that of all threads, in user and kernel mode.
	 *
	 * @param firstTokenSeconds to the first token
	 * @param firstTokenCpuSeconds CPU time until then
	 * @param eighthTokenSeconds to the eighth
	 * @param eighthTokenCpuSeconds CPU time until then
	 * @param processSeconds to the end of the process that makes eight tokens
	 * @param processCpuSeconds CPU time until then
	 * @param earlyTokensPerSecond rate of the first half of a long answer
	 * @param laterTokensPerSecond rate of the second
	 * @param earlyOverLater the one over the other
	 */
	record Round(double firstTokenSeconds, double firstTokenCpuSeconds, double eighthTokenSeconds,
			double eighthTokenCpuSeconds, double processSeconds, double processCpuSeconds, double earlyTokensPerSecond,
			double laterTokensPerSecond, double earlyOverLater) {

		static Round of(FreshJvm.Run run, Times brief, Times longer) {
			Instant first = Instant.parse(brief.start()).plusNanos(brief.firstNanos());
			Instant last = Instant.parse(brief.start()).plusNanos(brief.lastNanos());
			int half = longer.tokens() / 2;
			double early = (half - 1) * 1e9 / (longer.halfNanos() - longer.firstNanos());
			double later = (longer.tokens() - half) * 1e9 / (longer.lastNanos() - longer.halfNanos());
			return new Round(run.secondsUntil(first), run.cpuSecondsUntil(first), run.secondsUntil(last),
					run.cpuSecondsUntil(last), run.secondsUntil(run.end()), run.cpuSecondsUntil(run.end()), early,
					later, early / later);
		}

		static Round median(List<Round> rounds) {
			return new Round(BenchReport.median(rounds, Round::firstTokenSeconds),
					BenchReport.median(rounds, Round::firstTokenCpuSeconds),
					BenchReport.median(rounds, Round::eighthTokenSeconds),
					BenchReport.median(rounds, Round::eighthTokenCpuSeconds),
					BenchReport.median(rounds, Round::processSeconds),
					BenchReport.median(rounds, Round::processCpuSeconds),
					BenchReport.median(rounds, Round::earlyTokensPerSecond),
					BenchReport.median(rounds, Round::laterTokensPerSecond),
					BenchReport.median(rounds, Round::earlyOverLater));
		}

	}

}
