package io.github.flashspring.cli.bench;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.locks.LockSupport;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.FlashConfig;
import io.github.flashspring.engine.FlashEngine;
import io.github.flashspring.engine.Generation;
import io.github.flashspring.engine.GenerationEvent;
import io.github.flashspring.engine.GenerationRequest;
import io.github.flashspring.engine.Usage;
import io.github.flashspring.engine.generate.Sampling;
import io.github.flashspring.engine.metrics.EngineSnapshot;
import io.github.flashspring.engine.metrics.Timeline;
import io.github.flashspring.engine.residency.ResidencyPlan;

/**
 * Runs a model in one budget after the other, each with an engine of its own, so that
 * only one holds memory at a time.
 */
final class BudgetBench {

	/** Tokens that decoding starts from. */
	private static final int SHORT_PROMPT = 2;

	/**
	 * Tokens that let prefetch reach its steady state, with the passes in which layers
	 * are measured alone, and tell how long a token takes.
	 */
	private static final int WARM_UP = 12;

	/** Tokens for the JIT compiler. */
	private static final int FIRST_TOKENS = 4;

	/** Least tokens that count. */
	private static final int MIN_TOKENS = 4;

	private static final int TRACED_TOKENS = 8;

	/** Above it, rounds have tokens that are not counted. */
	private static final int MAX_ROUNDS = 1 << 20;

	private static final int TRACED_SPANS = 1_000_000;

	/** As many candidates as llama.cpp's default sampler keeps. */
	static final int TOP_K = 40;

	private final Settings settings;

	private final PrintWriter progress;

	/**
	 * Prepares runs.
	 * @param settings what is run
	 * @param progress is told what is being done
	 */
	BudgetBench(Settings settings, PrintWriter progress) {
		this.settings = settings;
		this.progress = progress;
	}

	/**
	 * Lets the JIT compiler see what is computed, prompts too, and the disk be known.
	 * @param budget the budget
	 */
	void warmUp(Budget budget) {
		say("warm-up, " + budget.text());
		FlashEngine.plan(config(budget));
		try (FlashEngine engine = FlashEngine.load(config(budget))) {
			Usage usage = generate(engine, 0, SHORT_PROMPT, FIRST_TOKENS);
			if (budget.isAll() || this.settings.prefill()) {
				prefill(engine, 0, usage.promptTokensPerSecond());
			}
		}
	}

	/**
	 * Runs a model in a budget.
	 * @param budget the budget
	 * @param round number of the round, so that each has other tokens
	 * @param memoryRate how fast memory is read, in bytes per second
	 * @param inMemory decoding speed with everything in memory in this round, if known
	 * @return what was measured
	 */
	BudgetRun run(Budget budget, int round, double memoryRate, @Nullable Double inMemory) {
		String name = "round " + (round + 1) + ", " + budget.text() + ": ";
		say(name + "load");
		System.gc(); // what earlier engines left does not count
		long memoryBefore = PeakMemory.now();
		PeakMemory.reset();
		long start = System.nanoTime();
		try (FlashEngine engine = FlashEngine.load(config(budget))) {
			double load = (System.nanoTime() - start) * 1e-9;
			generate(engine, round, SHORT_PROMPT, 1);
			double first = (System.nanoTime() - start) * 1e-9;
			bringFavourites(engine, round, name);
			Usage estimate = generate(engine, round, SHORT_PROMPT, WARM_UP);
			Prefill prefill = null;
			if (budget.isAll() || this.settings.prefill()) {
				say(name + "prompt");
				prefill = prefill(engine, round, estimate.promptTokensPerSecond());
			}
			int tokens = (int) Math.clamp((long) (estimate.tokensPerSecond() * this.settings.seconds()),
					Math.min(MIN_TOKENS, this.settings.tokens()), this.settings.tokens());
			long peak = PeakMemory.bytes();
			say(name + tokens + " tokens");
			Decoding decoding = Decoding.measure(engine, round, tokens);
			peak = Math.max(peak, decoding.peakMemoryBytes());
			double diskRate = decoding.diskBytesPerSecond();
			double streamed = decoding.bytesPerToken();
			double decode = decoding.tokensPerSecond();
			double weights = decode * this.settings.weightBytesPerToken();
			boolean streams = diskRate > 0 && decoding.neededBytesPerToken() > 0;
			Double limit = streams ? Double.valueOf(diskRate / decoding.neededBytesPerToken()) : null;
			double compute = (inMemory != null) ? inMemory : decoding.stallFreeTokensPerSecond();
			Double best = (limit != null) ? Double.valueOf(Math.min(limit, compute)) : null;
			Double reads = (streams && prefill != null)
					? Double.valueOf(prefill.bytes() / engine.plan().streamedBytes()) : null;
			return new BudgetRun(budget.text(), load, first, engine.snapshot().memoryOf("weights.pinned"), streamed,
					(prefill != null) ? Double.valueOf(prefill.usage().promptTokens()) : null,
					(prefill != null) ? Double.valueOf(prefill.usage().promptTokensPerSecond()) : null, reads, decode,
					weights, weights / memoryRate, (inMemory != null) ? Double.valueOf(decode / inMemory) : null,
					streams ? Double.valueOf(diskRate) : null, limit,
					(limit != null) ? Double.valueOf(decode / limit) : null, decoding.stallFreeTokensPerSecond(),
					compute, (best != null) ? Double.valueOf(decode / best) : null, decoding.stallShare(), peak,
					memoryBefore, ExpertRun.of(decoding.expertsBefore(), decoding.expertsAfter(), decoding.passes()));
		}
	}

	/**
	 * Generates until the favourites of a MoE model are in memory.
	 */
	private void bringFavourites(FlashEngine engine, int round, String name) {
		if (engine.plan().units().stream().anyMatch(ResidencyPlan.PlannedUnit::experts)) {
			say(name + "favourite experts");
			generate(engine, round + MAX_ROUNDS, SHORT_PROMPT, this.settings.expertTokens());
		}
	}

	/** The whole prompt, or as much of it as the time allows. */
	private Prefill prefill(FlashEngine engine, int round, double tokensPerSecond) {
		int most = this.settings.promptTokens();
		int tokens = (int) Math.clamp((long) (tokensPerSecond * this.settings.seconds()), Math.min(SHORT_PROMPT, most),
				most);
		EngineSnapshot before = settled(engine);
		Usage usage = generate(engine, round, tokens, 1);
		return new Prefill(usage, read(before, settled(engine)));
	}

	/** Bytes of weights that passes took from disk between two moments. */
	static double read(EngineSnapshot before, EngineSnapshot after) {
		return (after.io().bytesRead() - after.io().rowBytes() - after.io().aheadBytes())
				- (before.io().bytesRead() - before.io().rowBytes() - before.io().aheadBytes());
	}

	/** The state of an engine that reads nothing more. */
	static EngineSnapshot settled(FlashEngine engine) {
		EngineSnapshot now = engine.snapshot();
		long before = -1;
		while (now.work().activeRequests() > 0 || now.io().readsInFlight() > 0 || now.io().readsQueued() > 0
				|| now.io().bytesRead() != before) {
			before = now.io().bytesRead();
			LockSupport.parkNanos(2_000_000);
			now = engine.snapshot();
		}
		return now;
	}

	private void say(String what) {
		this.progress.println(what);
		this.progress.flush();
	}

	/**
	 * Records what happens when while a few tokens are generated, with favourite experts
	 * in memory.
	 * @param budget the budget
	 * @param file receives a trace for Chrome or Perfetto
	 * @throws IOException if the file cannot be written
	 */
	void trace(Budget budget, Path file) throws IOException {
		Timeline timeline = new Timeline(TRACED_SPANS);
		try (FlashEngine engine = FlashEngine.load(config(budget))) {
			generate(engine, 0, SHORT_PROMPT, 1);
			bringFavourites(engine, 0, "trace, " + budget.text() + ": ");
			generate(engine, 0, SHORT_PROMPT, WARM_UP);
			engine.diagnostics().record(timeline);
			// Other tokens: the experts of the same ones would all be in memory.
			generate(engine, 1, SHORT_PROMPT, TRACED_TOKENS);
			engine.diagnostics().record(null);
		}
		try (Writer writer = Files.newBufferedWriter(file)) {
			timeline.writeChromeTrace(writer);
		}
	}

	private FlashConfig config(Budget budget) {
		return this.settings.config()
			.ramBudget(budget.of(this.settings.weightBytes()))
			.expertStreaming(budget.experts())
			.build();
	}

	static Usage generate(FlashEngine engine, int round, int promptTokens, int generated) {
		int[] ids = new int[promptTokens];
		int vocabulary = engine.model().vocabularySize();
		for (int i = 0; i < ids.length; i++) {
			ids[i] = Math.floorMod((i + 1) * 7919 + (round + 1) * 104_729, vocabulary);
		}
		// With random weights the most likely tokens soon repeat themselves.
		Sampling sampling = new Sampling(1, 0, 0, 1, TOP_K, 1, 0, (long) round);
		GenerationRequest request = new GenerationRequest(new GenerationRequest.Tokens(ids), sampling, generated,
				List.of(), true);
		return usage(engine.generate(request));
	}

	/**
	 * Waits for the end of a generation.
	 * @param generation the generation, which is closed
	 * @return what it took
	 */
	static Usage usage(Generation generation) {
		try (generation) {
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
	 * @param promptTokens most tokens of the prompt
	 * @param prefill whether the prompt is computed in budgets below all as well
	 * @param tokens most tokens to generate
	 * @param seconds about how long one measurement may take
	 * @param weightBytes size of all weights
	 * @param weightBytesPerToken weights that a decoded token is multiplied with
	 * @param expertTokens tokens after which favourite experts are in memory
	 */
	record Settings(FlashConfig.Builder config, int promptTokens, boolean prefill, int tokens, double seconds,
			long weightBytes, long weightBytesPerToken, int expertTokens) {

	}

	/**
	 * A prompt that was computed.
	 *
	 * @param usage what it took
	 * @param bytes what it read of the streamed weights
	 */
	private record Prefill(Usage usage, double bytes) {

	}

}
