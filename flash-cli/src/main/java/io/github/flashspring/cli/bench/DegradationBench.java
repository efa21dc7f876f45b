package io.github.flashspring.cli.bench;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

import io.github.flashspring.engine.FlashConfig;
import io.github.flashspring.engine.FlashEngine;
import io.github.flashspring.engine.metrics.ByteSize;
import io.github.flashspring.engine.residency.RamBudget;
import io.github.flashspring.engine.residency.ReadsBeside;

/**
 * How much reading disturbs computing: a model that is wholly in memory generates alone,
 * beside reads that the bandwidth controller paces, and beside reads at full speed, in
 * turns.
 */
final class DegradationBench {

	private static final int WARM_UP = 12;

	private static final int LEAST_TOKENS = 4;

	private final FlashConfig config;

	private final int tokens;

	private final double seconds;

	private final PrintWriter out;

	/**
	 * Prepares runs.
	 * @param config model, device and threads
	 * @param weightBytes size of all weights
	 * @param tokens most tokens to generate in a run
	 * @param seconds about how long a run may take
	 * @param out the table, for people
	 */
	DegradationBench(FlashConfig.Builder config, long weightBytes, int tokens, double seconds, PrintWriter out) {
		this.config = config.ramBudget(RamBudget.ofBytes(2 * weightBytes + (1L << 30))).build();
		this.tokens = tokens;
		this.seconds = seconds;
		this.out = out;
	}

	/**
	 * Runs.
	 * @param rounds rounds, each with a run of every kind
	 * @return what was measured
	 */
	Report run(int rounds) {
		try (FlashEngine engine = FlashEngine.load(this.config)) {
			double rate = BudgetBench.generate(engine, 0, 2, WARM_UP).tokensPerSecond();
			int count = (int) Math.clamp((long) (rate * this.seconds), Math.min(LEAST_TOKENS, this.tokens),
					this.tokens);
			this.out.printf(Locale.ROOT, "%d tokens in each run%n%-8s %10s %10s %10s %11s %10s %10s %11s%n", count,
					"round", "alone t/s", "paced t/s", "longer", "read", "free t/s", "longer", "read");
			List<Round> all = new ArrayList<>();
			beside(engine, 0, WARM_UP, true); // the controller finds the pace
			for (int i = 0; i < rounds; i++) {
				double alone = BudgetBench.generate(engine, i, 2, count).tokensPerSecond();
				Beside paced = beside(engine, i, count, true);
				Beside free = beside(engine, i, count, false);
				all.add(new Round(alone, paced.tokensPerSecond(), alone / paced.tokensPerSecond() - 1,
						paced.bytesPerSecond(), free.tokensPerSecond(), alone / free.tokensPerSecond() - 1,
						free.bytesPerSecond()));
				print(Integer.toString(i + 1), all.getLast());
			}
			Round median = new Round(BenchReport.median(all, Round::aloneTokensPerSecond),
					BenchReport.median(all, Round::pacedTokensPerSecond),
					BenchReport.median(all, Round::pacedDegradation),
					BenchReport.median(all, Round::pacedBytesPerSecond),
					BenchReport.median(all, Round::freeTokensPerSecond),
					BenchReport.median(all, Round::freeDegradation),
					BenchReport.median(all, Round::freeBytesPerSecond));
			print("median", median);
			return new Report(count, all, median);
		}
	}

	private static Beside beside(FlashEngine engine, int round, int count, boolean paced) {
		long start = System.nanoTime();
		try (ReadsBeside reads = engine.readBeside(paced)) {
			double rate = BudgetBench.generate(engine, round, 2, count).tokensPerSecond();
			return new Beside(rate, reads.bytes() * 1e9 / (System.nanoTime() - start));
		}
	}

	private void print(String name, Round round) {
		this.out.printf(Locale.ROOT, "%-8s %10.2f %10.2f %9.1f%% %9s/s %10.2f %9.1f%% %9s/s%n", name,
				round.aloneTokensPerSecond(), round.pacedTokensPerSecond(), 100 * round.pacedDegradation(),
				ByteSize.readable((long) round.pacedBytesPerSecond()), round.freeTokensPerSecond(),
				100 * round.freeDegradation(), ByteSize.readable((long) round.freeBytesPerSecond()));
		this.out.flush();
	}

	/**
	 * What was measured.
	 *
	 * @param tokens tokens of each run
	 * @param rounds one after the other
	 * @param median each figure by itself
	 */
	record Report(int tokens, List<Round> rounds, Round median) {

	}

	/**
	 * Runs of every kind.
	 *
	 * @param aloneTokensPerSecond with nothing read
	 * @param pacedTokensPerSecond beside reads that the controller paces
	 * @param pacedDegradation how much longer a token took then: 0.03 for 3 %
	 * @param pacedBytesPerSecond what was read meanwhile
	 * @param freeTokensPerSecond beside reads at full speed
	 * @param freeDegradation how much longer a token took then
	 * @param freeBytesPerSecond what was read meanwhile
	 */
	record Round(double aloneTokensPerSecond, double pacedTokensPerSecond, double pacedDegradation,
			double pacedBytesPerSecond, double freeTokensPerSecond, double freeDegradation, double freeBytesPerSecond) {

	}

	/**
	 * A run beside reads.
	 *
	 * @param tokensPerSecond how fast tokens were generated
	 * @param bytesPerSecond what was read meanwhile
	 */
	private record Beside(double tokensPerSecond, double bytesPerSecond) {

	}

}
