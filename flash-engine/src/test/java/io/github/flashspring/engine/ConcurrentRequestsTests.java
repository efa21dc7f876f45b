package io.github.flashspring.engine;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import io.github.flashspring.engine.generate.Sampling;
import io.github.flashspring.engine.memory.RamBudget;
import io.github.flashspring.engine.metrics.EngineSnapshot;
import io.github.flashspring.engine.residency.ResidencyPlan;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Requests without a limit of tokens, in a budget with memory for the keys and values of
 * one context: they run concurrently all the same.
 */
@Timeout(120)
class ConcurrentRequestsTests {

	private static final int PARALLEL = 4;

	private static FlashConfig.Builder config() throws Exception {
		return FlashConfig.builder(Golden.path("models/stories260K/bf16").toString()).threads(1);
	}

	/** Half of the weights stream. */
	private static FlashEngine streamed() throws Exception {
		FlashConfig.Builder config = config().parallel(PARALLEL);
		ResidencyPlan least = FlashEngine.plan(config.ramBudget(RamBudget.MINIMUM).build());
		FlashEngine engine = FlashEngine
			.load(config.ramBudget(RamBudget.ofBytes(least.minimumBytes() + least.weightBytes() / 2)).build());
		assertThat(engine.plan().streamedBytes()).isPositive();
		assertThat(engine.plan().passRows()).isGreaterThanOrEqualTo(PARALLEL);
		return engine;
	}

	private static GenerationRequest request(int[] prompt, long seed) {
		return new GenerationRequest(new GenerationRequest.Tokens(prompt), new Sampling(1, 0, 0, 1, 0, 1, 0, seed),
				null, List.of(), true);
	}

	private static GenerationRequest request(int client) {
		return request(new int[] { 1, 403, 407, 261, 378 + client }, client);
	}

	private static List<int[]> alone(int clients) throws Exception {
		List<int[]> tokens = new ArrayList<>();
		try (FlashEngine engine = FlashEngine.load(config().parallel(1).build())) {
			for (int client = 0; client < clients; client++) {
				tokens.add(Golden.finish(engine.generate(request(client))).tokens());
			}
		}
		return tokens;
	}

	/** Submits requests while a pass runs, so that all wait when it ends. */
	private static List<Generation> submitTogether(FlashEngine engine, List<GenerationRequest> requests)
			throws Exception {
		CountDownLatch open = new CountDownLatch(1);
		CountDownLatch blocked = new CountDownLatch(1);
		CompletableFuture<Void> blocker = CompletableFuture
			.runAsync(() -> engine.logits(new int[] { 1 }, (position, logits) -> {
				blocked.countDown();
				awaitUninterruptibly(open);
			}));
		blocked.await();
		List<Generation> generations = requests.stream().map(engine::generate).toList();
		open.countDown();
		blocker.get();
		return generations;
	}

	private static void awaitUninterruptibly(CountDownLatch latch) {
		while (latch.getCount() > 0) {
			try {
				latch.await();
			}
			catch (InterruptedException ex) {
				throw new IllegalStateException(ex);
			}
		}
	}

	private static List<int[]> readAll(List<Generation> generations) throws Exception {
		try (ExecutorService readers = Executors.newVirtualThreadPerTaskExecutor()) {
			List<Future<int[]>> results = new ArrayList<>();
			for (Generation generation : generations) {
				results.add(readers.submit((Callable<int[]>) () -> Golden.finish(generation).tokens()));
			}
			List<int[]> tokens = new ArrayList<>();
			for (Future<int[]> result : results) {
				tokens.add(result.get());
			}
			return tokens;
		}
	}

	private static EngineSnapshot.Work awaitPassesToStop(FlashEngine engine) throws InterruptedException {
		EngineSnapshot.Work before = engine.snapshot().work();
		while (true) {
			TimeUnit.MILLISECONDS.sleep(50);
			EngineSnapshot.Work now = engine.snapshot().work();
			if (now.passes() == before.passes()) {
				return now;
			}
			before = now;
		}
	}

	@Test
	void requestsShareTheMemoryOfOneContextAndEachPass() throws Exception {
		List<int[]> expected = alone(PARALLEL);
		try (FlashEngine engine = streamed()) {
			List<Generation> generations = submitTogether(engine,
					List.of(request(0), request(1), request(2), request(3)));
			for (Generation generation : generations) {
				assertThat(generation.next()).isInstanceOf(GenerationEvent.Text.class);
			}
			EngineSnapshot.Work work = awaitPassesToStop(engine);
			assertThat(work.activeRequests()).isEqualTo(PARALLEL);
			assertThat(work.queuedRequests()).isZero();
			assertThat(work.generatedTokens()).isGreaterThan(2 * work.passes());
			// together they get longer than the memory: the youngest wait, and go on
			assertThat(readAll(generations)).usingRecursiveComparison().isEqualTo(expected);
		}
	}

	@Test
	void clientThatNeverReadsHoldsUpNobody() throws Exception {
		List<int[]> expected = alone(PARALLEL);
		try (FlashEngine engine = streamed()) {
			List<Generation> generations = submitTogether(engine,
					List.of(request(0), request(1), request(2), request(3)));
			assertThat(readAll(generations.subList(1, PARALLEL))).usingRecursiveComparison()
				.isEqualTo(expected.subList(1, PARALLEL));
			assertThat(awaitPassesToStop(engine).activeRequests()).isEqualTo(1);
			assertThat(Golden.finish(generations.getFirst()).tokens()).isEqualTo(expected.getFirst());
		}
	}

	@ParameterizedTest
	@ValueSource(strings = { "llama", "gemma2", "gpt_oss", "deepseek_v3", "mamba2", "nemotron_h" })
	void preemptedSequencesGoOnToTheSameBits(String name) throws Exception {
		Golden golden = Golden.load("golden/" + name);
		FlashConfig.Builder config = FlashConfig.builder(golden.folder().toString()).contextLength(96).threads(2);
		List<GenerationRequest> requests = new ArrayList<>();
		for (int client = 0; client < 3; client++) {
			int[] prompt = golden.prompt().clone();
			prompt[0] = 5 + client;
			requests.add(request(prompt, client));
		}
		List<int[]> expected = new ArrayList<>();
		try (FlashEngine engine = FlashEngine.load(config.parallel(1).build())) {
			requests.forEach((request) -> expected.add(Golden.finish(engine.generate(request)).tokens()));
		}
		try (FlashEngine engine = FlashEngine.load(config.parallel(3).ramBudget(RamBudget.MINIMUM).build())) {
			assertThat(readAll(submitTogether(engine, requests))).usingRecursiveComparison().isEqualTo(expected);
		}
	}

}
