package io.github.flashspring.cli.bench;

import java.io.IOException;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

import io.github.flashspring.engine.FlashConfig;
import io.github.flashspring.engine.FlashEngine;
import io.github.flashspring.engine.Generation;
import io.github.flashspring.engine.GenerationEvent;
import io.github.flashspring.engine.GenerationRequest;
import io.github.flashspring.engine.Usage;
import io.github.flashspring.engine.generate.Sampling;
import io.github.flashspring.engine.metrics.EngineSnapshot;
import io.github.flashspring.engine.metrics.Timeline;
import io.github.flashspring.engine.residency.DiskSpeed;
import io.github.flashspring.engine.residency.ReadPattern;

/**
 * Runs a model in one budget after the other, each with an engine of its own, so that
 * only one holds memory at a time.
 */
final class BudgetBench {

	/** Tokens that decoding starts from. */
	private static final int SHORT_PROMPT = 8;

	/** Passes that pin what stays and let reading ahead get into its stride. */
	private static final int WARM_UP = 4;

	private static final long DISK_BYTES = 1L << 30;

	private static final int TRACED_TOKENS = 8;

	private static final int TRACED_SPANS = 1_000_000;

	private final Settings settings;

	private final DiskSpeed disk;

	private final Map<Budget, ReadPattern> patterns = new HashMap<>();

	/**
	 * Prepares runs.
	 * @param settings what is run
	 * @param disk the disk of the model; the caller closes it
	 */
	BudgetBench(Settings settings, DiskSpeed disk) {
		this.settings = settings;
		this.disk = disk;
	}

	/**
	 * Runs a model in a budget.
	 * @param budget the budget
	 * @param tokens tokens to generate, at least 2
	 * @param round number of the round, so that each has other tokens
	 * @param memoryRate how fast memory is read, in bytes per second
	 * @return what was measured
	 */
	BudgetRun run(Budget budget, int tokens, int round, double memoryRate) {
		FlashConfig config = config(budget);
		Double diskRate = budget.isAll() ? null : this.disk.measure(pattern(budget), diskBytes());
		PeakMemory.reset();
		try (FlashEngine engine = FlashEngine.load(config)) {
			generate(engine, round, SHORT_PROMPT, WARM_UP);
			Double prefill = budget.isAll()
					? generate(engine, round, this.settings.promptTokens(), 1).promptTokensPerSecond() : null;
			EngineSnapshot before = engine.snapshot();
			Usage usage = generate(engine, round, SHORT_PROMPT, tokens);
			EngineSnapshot after = engine.snapshot();
			long passes = after.work().passes() - before.work().passes();
			double streamed = (double) (after.io().bytesRead() - before.io().bytesRead()) / Math.max(1, passes);
			double stalls = after.io().stallNanos() - before.io().stallNanos();
			double decode = usage.tokensPerSecond();
			double weights = decode * this.settings.weightBytesPerToken();
			Double limit = (diskRate != null && streamed > 0) ? Double.valueOf(diskRate / streamed) : null;
			return new BudgetRun(budget.text(), after.memoryOf("weights.pinned"), streamed, prefill, decode, weights,
					weights / memoryRate, (limit != null) ? diskRate : null, limit,
					(limit != null) ? Double.valueOf(decode / limit) : null,
					stalls / Math.max(1, usage.total().toNanos()), PeakMemory.bytes());
		}
	}

	/**
	 * Records what happens when while a few tokens are generated.
	 * @param budget the budget
	 * @param file receives a trace for Chrome or Perfetto
	 * @throws IOException if the file cannot be written
	 */
	void trace(Budget budget, Path file) throws IOException {
		Timeline timeline = new Timeline(TRACED_SPANS);
		try (FlashEngine engine = FlashEngine.load(config(budget))) {
			generate(engine, 0, SHORT_PROMPT, WARM_UP);
			engine.record(timeline);
			generate(engine, 0, SHORT_PROMPT, TRACED_TOKENS);
			engine.record(null);
		}
		try (Writer writer = Files.newBufferedWriter(file)) {
			timeline.writeChromeTrace(writer);
		}
	}

	private FlashConfig config(Budget budget) {
		return this.settings.config().ramBudget(budget.of(this.settings.weightBytes())).build();
	}

	private ReadPattern pattern(Budget budget) {
		return this.patterns.computeIfAbsent(budget, (key) -> FlashEngine.plan(config(key)).reads());
	}

	private long diskBytes() {
		return Math.min(DISK_BYTES, this.settings.weightBytes());
	}

	private static Usage generate(FlashEngine engine, int round, int promptTokens, int generated) {
		int[] ids = new int[promptTokens];
		int vocabulary = engine.model().vocabularySize();
		for (int i = 0; i < ids.length; i++) {
			ids[i] = Math.floorMod((i + 1) * 7919 + (round + 1) * 104_729, vocabulary);
		}
		GenerationRequest request = new GenerationRequest(new GenerationRequest.Tokens(ids), Sampling.GREEDY, generated,
				List.of(), true);
		try (Generation generation = engine.generate(request)) {
			GenerationEvent event = generation.next();
			while (event != null) {
				if (event instanceof GenerationEvent.Finished finished) {
					return finished.usage();
				}
				event = generation.next();
			}
		}
		throw new IllegalStateException("A generation ended without saying so");
	}

	/**
	 * What is run.
	 *
	 * @param config model, device and threads
	 * @param promptTokens tokens of the prompt
	 * @param weightBytes size of all weights
	 * @param weightBytesPerToken weights that a decoded token is multiplied with
	 */
	record Settings(FlashConfig.Builder config, int promptTokens, long weightBytes, long weightBytesPerToken) {

	}

}
