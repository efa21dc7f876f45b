package io.github.flashspring.cli.bench;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IntSummaryStatistics;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;

import io.github.flashspring.engine.FlashConfig;
import io.github.flashspring.engine.FlashEngine;
import io.github.flashspring.engine.Generation;
import io.github.flashspring.engine.GenerationEvent;
import io.github.flashspring.engine.GenerationRequest;
import io.github.flashspring.engine.generate.Sampling;

/**
 * How fast several clients generate at once. Each sends a request without a limit of
 * tokens and reads it; when all together have as many as were asked for, they cancel.
 * Every client must get the tokens that it gets alone.
 */
final class ClientsBench {

	private static final int PROMPT = 4;

	/** How often the number of tokens is looked at: less than a pass of most models. */
	private static final long POLL_NANOS = 2_000_000;

	/** Of one client, if the others stand still. */
	private static final int MAX_CONTEXT = 2048;

	private final FlashConfig.Builder config;

	private final long weightBytes;

	private final int tokens;

	private final PrintWriter out;

	private final PrintWriter progress;

	/**
	 * Prepares.
	 * @param config model, device and threads
	 * @param weightBytes size of all weights
	 * @param tokens how many each client generates, about
	 * @param out gets the table
	 * @param progress is told what is being done
	 */
	ClientsBench(FlashConfig.Builder config, long weightBytes, int tokens, PrintWriter out, PrintWriter progress) {
		this.config = config;
		this.weightBytes = weightBytes;
		this.tokens = tokens;
		this.out = out;
		this.progress = progress;
	}

	/**
	 * Measures.
	 * @param budgets one after the other
	 * @param clients numbers of clients, all in each round
	 * @param rounds that count
	 * @return medians
	 * @throws IllegalStateException if a client got other tokens than alone
	 */
	Report run(List<Budget> budgets, List<Integer> clients, int rounds) {
		List<Result> results = new ArrayList<>();
		int mostClients = Collections.max(clients);
		this.out.printf(Locale.ROOT, "%-10s %8s %10s %10s %10s %8s%n", "budget", "clients", "together", "each",
				"slowest", "of one");
		for (Budget budget : budgets) {
			FlashConfig loaded = this.config.ramBudget(budget.of(this.weightBytes))
				.expertStreaming(budget.experts())
				.parallel(mostClients)
				.contextLength(Math.min(MAX_CONTEXT, PROMPT + mostClients * this.tokens + 1))
				.build();
			try (FlashEngine engine = FlashEngine.load(loaded)) {
				for (Result result : measure(engine, budget.text(), clients, rounds)) {
					print(result);
					results.add(result);
				}
			}
		}
		this.out.println("tokens/s, medians of " + rounds + "; each client got the tokens that it gets alone");
		this.out.flush();
		return new Report(rounds, results);
	}

	private List<Result> measure(FlashEngine engine, String budget, List<Integer> clients, int rounds) {
		List<int[]> alone = new ArrayList<>();
		for (int client = 0; client < Collections.max(clients); client++) {
			say(budget + ": client " + (client + 1) + " alone");
			alone.add(run(engine, List.of(client)).tokens().getFirst());
		}
		List<List<Run>> all = new ArrayList<>();
		for (int round = 0; round < rounds; round++) {
			List<Run> runs = new ArrayList<>();
			for (int number : clients) {
				say(budget + ": round " + (round + 1) + ", " + number + " clients");
				Run run = run(engine, IntStream.range(0, number).boxed().toList());
				check(run, alone);
				runs.add(run);
			}
			all.add(runs);
		}
		List<Result> results = new ArrayList<>();
		for (int i = 0; i < clients.size(); i++) {
			int at = i;
			int number = clients.get(i);
			double together = BenchReport.median(all, (runs) -> runs.get(at).rate());
			results.add(new Result(budget, number, together, together / number,
					BenchReport.median(all, (runs) -> runs.get(at).slowest()),
					BenchReport.median(all, (runs) -> runs.get(at).rate() / runs.getFirst().rate())));
		}
		return results;
	}

	/** Lets clients generate at once. */
	private Run run(FlashEngine engine, List<Integer> clients) {
		BudgetBench.settled(engine);
		long before = engine.snapshot().work().generatedTokens();
		long wanted = before + (long) this.tokens * clients.size();
		long start = System.nanoTime();
		List<Generation> generations = clients.stream()
			.map((client) -> engine.generate(request(engine, client)))
			.toList();
		List<CompletableFuture<int[]>> readers = generations.stream().map(ClientsBench::read).toList();
		long generated = before;
		while (generated < wanted && readers.stream().noneMatch(CompletableFuture::isDone)) {
			LockSupport.parkNanos(POLL_NANOS);
			generated = engine.snapshot().work().generatedTokens();
		}
		generations.forEach(Generation::cancel);
		List<int[]> tokens = readers.stream().map(CompletableFuture::join).toList();
		double seconds = (System.nanoTime() - start) * 1e-9;
		IntSummaryStatistics lengths = tokens.stream().mapToInt((each) -> each.length).summaryStatistics();
		return new Run(tokens, lengths.getSum() / seconds, lengths.getMin() / seconds);
	}

	private static GenerationRequest request(FlashEngine engine, int client) {
		int[] ids = new int[PROMPT];
		for (int i = 0; i < PROMPT; i++) {
			ids[i] = Math.floorMod((i + 1) * 7919 + (client + 1) * 104_729, engine.model().vocabularySize());
		}
		// With random weights the most likely tokens soon repeat themselves.
		Sampling sampling = new Sampling(1, 0, 0, 1, BudgetBench.TOP_K, 1, 0, (long) client);
		return new GenerationRequest(new GenerationRequest.Tokens(ids), sampling, null, List.of(), true);
	}

	/** Reads a generation on a thread of its own. */
	private static CompletableFuture<int[]> read(Generation generation) {
		CompletableFuture<int[]> tokens = new CompletableFuture<>();
		Thread.ofVirtual().start(() -> {
			try (generation) {
				GenerationEvent event = generation.next();
				while (!(event instanceof GenerationEvent.Finished)) {
					event = generation.next();
				}
				tokens.complete(((GenerationEvent.Finished) event).tokens());
			}
			catch (RuntimeException ex) {
				tokens.completeExceptionally(ex);
			}
		});
		return tokens;
	}

	private static void check(Run run, List<int[]> alone) {
		for (int client = 0; client < run.tokens().size(); client++) {
			int[] found = run.tokens().get(client);
			int[] expected = alone.get(client);
			for (int i = 0; i < Math.min(found.length, expected.length); i++) {
				if (found[i] != expected[i]) {
					throw new IllegalStateException(
							"Client %d of %d got token %d at position %d of its answer, alone %d".formatted(client + 1,
									run.tokens().size(), found[i], i, expected[i]));
				}
			}
		}
	}

	private void print(Result result) {
		this.out.printf(Locale.ROOT, "%-10s %8d %10.2f %10.2f %10.2f %8.2f%n", result.budget(), result.clients(),
				result.tokensPerSecond(), result.tokensPerSecondEach(), result.slowestTokensPerSecond(),
				result.ofOne());
		this.out.flush();
	}

	private void say(String what) {
		this.progress.println(what);
		this.progress.flush();
	}

	/**
	 * What was measured: medians.
	 *
	 * @param rounds rounds that count
	 * @param results for each budget and number of clients
	 */
	record Report(int rounds, List<Result> results) {

	}

	/**
	 * Some clients in a budget.
	 *
	 * @param budget as it was asked for
	 * @param clients how many
	 * @param tokensPerSecond of all together
	 * @param tokensPerSecondEach of one of them, on average
	 * @param slowestTokensPerSecond of the one that got fewest
	 * @param ofOne together over the first number of clients, usually one
	 */
	record Result(String budget, int clients, double tokensPerSecond, double tokensPerSecondEach,
			double slowestTokensPerSecond, double ofOne) {

	}

	/**
	 * Clients that generated at once.
	 *
	 * @param tokens of each
	 * @param rate tokens per second of all together
	 * @param slowest tokens per second of the one that got fewest
	 */
	private record Run(List<int[]> tokens, double rate, double slowest) {

	}

}
