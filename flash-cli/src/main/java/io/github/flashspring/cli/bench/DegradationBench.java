package io.github.flashspring.cli.bench;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.ToDoubleFunction;

import io.github.flashspring.engine.FlashConfig;
import io.github.flashspring.engine.FlashEngine;
import io.github.flashspring.engine.metrics.ByteSize;
import io.github.flashspring.engine.metrics.EngineSnapshot;
import io.github.flashspring.engine.metrics.PacingMetrics;
import io.github.flashspring.engine.memory.RamBudget;
import io.github.flashspring.engine.residency.InterferenceLoad;
import io.github.flashspring.engine.residency.InterferenceLoad.Mode;

/**
 * How much reading slows compute down: a model that is wholly in memory generates a few
 * tokens alone, a few with reads that the bandwidth controller paces, a few with reads at
 * full speed, and so on, in changing order. What lasts longer than such a turn, such as
 * other work on the machine, hits all alike; the rest shows in the quartiles.
 */
final class DegradationBench {

	/** Tokens that are counted in a turn, after those with which the reads change. */
	private static final int TURN = 5;

	/** Tokens that let the JIT compiler and the controller get to know the machine. */
	private static final int WARM_UP = 60;

	private static final List<List<Mode>> ORDERS = List.of(List.of(Mode.REST, Mode.PACED, Mode.FREE),
			List.of(Mode.FREE, Mode.PACED, Mode.REST), List.of(Mode.PACED, Mode.REST, Mode.FREE),
			List.of(Mode.FREE, Mode.REST, Mode.PACED), List.of(Mode.REST, Mode.FREE, Mode.PACED),
			List.of(Mode.PACED, Mode.FREE, Mode.REST));

	private final FlashConfig config;

	private final int tokens;

	private final double seconds;

	private final PrintWriter out;

	/**
	 * Prepares runs.
	 * @param config model, device and threads
	 * @param weightBytes size of all weights
	 * @param tokens most tokens to generate in each way in a round
	 * @param seconds about how long they may take
	 * @param out the human-readable table
	 */
	DegradationBench(FlashConfig.Builder config, long weightBytes, int tokens, double seconds, PrintWriter out) {
		this.config = config.ramBudget(RamBudget.ofBytes(2 * weightBytes + (1L << 30))).build();
		this.tokens = tokens;
		this.seconds = seconds;
		this.out = out;
	}

	/**
	 * Runs.
	 * @param rounds rounds of many turns
	 * @return what was measured
	 */
	Report run(int rounds) {
		try (FlashEngine engine = FlashEngine.load(this.config);
				InterferenceLoad reads = engine.diagnostics().interferenceLoad()) {
			reads.mode(Mode.PACED);
			double rate = BudgetBench.generate(engine, 0, 2, WARM_UP).tokensPerSecond();
			int count = (int) Math.clamp((long) (rate * this.seconds), TURN, Math.max(TURN, this.tokens)) / TURN;
			this.out.printf(Locale.ROOT,
					"%d turns of %d tokens in each way and round%n%-8s %9s %9s %17s %11s %9s %17s %11s%n", count, TURN,
					"round", "alone ms", "paced", "(quartiles)", "read", "free", "(quartiles)", "read");
			List<Turns> all = new ArrayList<>();
			List<Round> each = new ArrayList<>();
			for (int i = 0; i < rounds; i++) {
				List<Turns> turns = new ArrayList<>();
				for (int j = 0; j < count; j++) {
					turns.add(turns(engine, reads, i * count + j));
				}
				each.add(Round.of(turns));
				print(Integer.toString(i + 1), each.getLast());
				all.addAll(turns);
			}
			Round together = Round.of(all);
			print("all", together);
			PacingMetrics pacing = engine.snapshot().pacing();
			this.out.printf(Locale.ROOT, "the controller saw %.1f%%, allows %.1f%%, and holds reads to %s%n",
					100 * pacing.degradation(), 100 * pacing.maxDegradation(),
					Double.isFinite(pacing.paceBytesPerSecond())
							? ByteSize.readable((long) pacing.paceBytesPerSecond()) + "/s" : "nothing");
			this.out.flush();
			return new Report(TURN, all, each, together);
		}
	}

	/** One turn in each way. */
	private static Turns turns(FlashEngine engine, InterferenceLoad reads, int number) {
		Map<Mode, Turn> turns = new EnumMap<>(Mode.class);
		for (Mode mode : ORDERS.get(number % ORDERS.size())) {
			turns.put(mode, turn(engine, reads, number, mode));
		}
		return new Turns(turns.getOrDefault(Mode.REST, Turn.NONE), turns.getOrDefault(Mode.PACED, Turn.NONE),
				turns.getOrDefault(Mode.FREE, Turn.NONE));
	}

	private static Turn turn(FlashEngine engine, InterferenceLoad reads, int number, Mode mode) {
		reads.mode(mode);
		long bytes = reads.bytes();
		long start = System.nanoTime();
		// The prompt is computed while the reads change.
		BudgetBench.generate(engine, number, 2, TURN + 1);
		double read = (reads.bytes() - bytes) * 1e9 / (System.nanoTime() - start);
		List<EngineSnapshot.Pass> passes = BudgetBench.settled(engine)
			.lastPasses()
			.stream()
			.filter((pass) -> pass.rows() == 1)
			.toList();
		double nanos = passes.subList(Math.max(0, passes.size() - TURN), passes.size())
			.stream()
			.mapToLong((pass) -> pass.nanos() - pass.stallNanos())
			.average()
			.orElseThrow();
		return new Turn(nanos, read);
	}

	private void print(String name, Round round) {
		this.out.printf(Locale.ROOT, "%-8s %9.2f %s %9s/s %s %9s/s%n", name, round.aloneNanos() * 1e-6,
				longer(round.pacedDegradation()), ByteSize.readable((long) round.pacedBytesPerSecond()),
				longer(round.freeDegradation()), ByteSize.readable((long) round.freeBytesPerSecond()));
		this.out.flush();
	}

	private static String longer(Spread spread) {
		return String.format(Locale.ROOT, "%8.1f%% %8.1f%% %6.1f%%", 100 * spread.median(), 100 * spread.lower(),
				100 * spread.upper());
	}

	/**
	 * What was measured.
	 *
	 * @param turnTokens tokens of each turn
	 * @param turns one after the other
	 * @param rounds what the turns of each round amount to
	 * @param all what all turns amount to
	 */
	record Report(int turnTokens, List<Turns> turns, List<Round> rounds, Round all) {

	}

	/**
	 * Turns of every kind, one after the other.
	 *
	 * @param alone with nothing read
	 * @param paced with reads that the controller paces
	 * @param free with reads at full speed
	 */
	record Turns(Turn alone, Turn paced, Turn free) {

	}

	/**
	 * Some tokens.
	 *
	 * @param nanos time in which a token was computed, in nanoseconds
	 * @param bytesPerSecond what was read meanwhile
	 */
	record Turn(double nanos, double bytesPerSecond) {

		private static final Turn NONE = new Turn(0, 0);

	}

	/**
	 * What some turns amount to: medians.
	 *
	 * @param aloneNanos time in which a token was computed with nothing read, in
	 * nanoseconds
	 * @param pacedDegradation how much longer it took with paced reads: 0.03 for 3 %
	 * @param pacedBytesPerSecond what was read meanwhile
	 * @param freeDegradation how much longer it took with reads at full speed
	 * @param freeBytesPerSecond what was read meanwhile
	 */
	record Round(double aloneNanos, Spread pacedDegradation, double pacedBytesPerSecond, Spread freeDegradation,
			double freeBytesPerSecond) {

		static Round of(List<Turns> turns) {
			return new Round(BenchReport.median(turns, (turn) -> turn.alone().nanos()),
					Spread.of(turns, (turn) -> turn.paced().nanos() / turn.alone().nanos() - 1),
					BenchReport.median(turns, (turn) -> turn.paced().bytesPerSecond()),
					Spread.of(turns, (turn) -> turn.free().nanos() / turn.alone().nanos() - 1),
					BenchReport.median(turns, (turn) -> turn.free().bytesPerSecond()));
		}

	}

	/**
	 * Middle and quartiles of a figure that was compared turn by turn.
	 *
	 * @param lower a quarter of the turns had less
	 * @param median the middle
	 * @param upper a quarter of the turns had more
	 */
	record Spread(double lower, double median, double upper) {

		static Spread of(List<Turns> turns, ToDoubleFunction<Turns> figure) {
			double[] sorted = turns.stream().mapToDouble(figure).sorted().toArray();
			return new Spread(sorted[(sorted.length - 1) / 4], BenchReport.median(sorted),
					sorted[sorted.length - 1 - (sorted.length - 1) / 4]);
		}

	}

}
