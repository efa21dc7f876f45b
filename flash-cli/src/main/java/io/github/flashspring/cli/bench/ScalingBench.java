package io.github.flashspring.cli.bench;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;

import io.github.flashspring.engine.FlashConfig;
import io.github.flashspring.engine.FlashEngine;
import io.github.flashspring.engine.Usage;

/**
 * Reading prompts and decoding at several numbers of threads and positions, all in each
 * round.
 */
final class ScalingBench {

	/** Tokens that tell how long a token takes, and let the JIT compiler compile. */
	private static final int WARM_UP = 16;

	private static final int MIN_TOKENS = 4;

	private final Settings settings;

	private final PrintWriter out;

	private final PrintWriter progress;

	/** Differs for all prompts, so that none continues another. */
	private int prompts;

	/**
	 * Prepares.
	 * @param settings what is run
	 * @param out gets the table
	 * @param progress is told what is being done
	 */
	ScalingBench(Settings settings, PrintWriter out, PrintWriter progress) {
		this.settings = settings;
		this.out = out;
		this.progress = progress;
	}

	/**
	 * Measures.
	 * @param rounds that count; one before does not
	 * @return medians
	 */
	ScalingReport run(int rounds) {
		List<List<ScalingReport.Result>> all = new ArrayList<>();
		for (int round = 0; round <= rounds; round++) {
			List<ScalingReport.Result> results = new ArrayList<>();
			for (int threads : this.settings.threads()) {
				this.progress.println(((round == 0) ? "warm-up, " : "round " + round + ", ") + threads + " threads");
				this.progress.flush();
				results.addAll(measure(threads, (round == 0) ? List.of() : this.settings.positions()));
			}
			if (round > 0) {
				all.add(results);
			}
		}
		ScalingReport report = ScalingReport.of(all);
		report.print(this.settings.prompt(), this.out);
		return report;
	}

	private List<ScalingReport.Result> measure(int threads, List<Integer> positions) {
		List<ScalingReport.Result> results = new ArrayList<>();
		double memory = memoryRate(threads);
		FlashConfig config = this.settings.config().threads(threads).build();
		try (FlashEngine engine = FlashEngine.load(config)) {
			double estimate = generate(engine, 1, WARM_UP).tokensPerSecond();
			int tokens = (int) Math.clamp((long) (estimate * this.settings.seconds()),
					Math.min(MIN_TOKENS, this.settings.tokens()), this.settings.tokens());
			double prefill = generate(engine, this.settings.prompt(), 1).promptTokensPerSecond();
			double decode = generate(engine, 1, tokens).tokensPerSecond();
			results.add(new ScalingReport.Result(threads, 0, prefill, decode, memory,
					decode * this.settings.weightBytesPerToken() / memory, null, null));
			for (int position : positions) {
				Usage usage = generate(engine, position, tokens);
				double rate = usage.tokensPerSecond();
				results.add(new ScalingReport.Result(threads, position, usage.promptTokensPerSecond(), rate, memory,
						rate * this.settings.weightBytesPerToken() / memory, null, 1 - rate / decode));
			}
		}
		return results;
	}

	private Usage generate(FlashEngine engine, int promptTokens, int tokens) {
		return BudgetBench.generate(engine, this.prompts++, promptTokens, tokens);
	}

	private static double memoryRate(int threads) {
		try (MemoryRate memory = new MemoryRate(threads)) {
			return memory.measure().best();
		}
	}

	/**
	 * What is run.
	 *
	 * @param config model, device and memory
	 * @param threads numbers of threads
	 * @param positions where to decode, besides the beginning
	 * @param prompt tokens of the prompt whose speed is measured at the beginning
	 * @param tokens most tokens to generate at a position, at least 2
	 * @param seconds about how long they may take
	 * @param weightBytesPerToken weights that a decoded token is multiplied with
	 */
	record Settings(FlashConfig.Builder config, List<Integer> threads, List<Integer> positions, int prompt, int tokens,
			double seconds, long weightBytesPerToken) {

	}

}
