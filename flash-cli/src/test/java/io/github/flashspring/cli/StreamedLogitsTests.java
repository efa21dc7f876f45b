package io.github.flashspring.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import io.github.flashspring.engine.FlashConfig;
import io.github.flashspring.engine.FlashConfig.Reading;
import io.github.flashspring.engine.FlashEngine;
import io.github.flashspring.engine.Generation;
import io.github.flashspring.engine.GenerationEvent;
import io.github.flashspring.engine.GenerationRequest;
import io.github.flashspring.engine.generate.Sampling;
import io.github.flashspring.engine.metrics.EngineSnapshot;
import io.github.flashspring.engine.memory.RamBudget;
import io.github.flashspring.engine.residency.ResidencyPlan;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * However the weights of a model are read, its logits are the same bits: one thing is
 * varied at a time.
 */
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class StreamedLogitsTests {

	private static final int[] TOKENS = { 1, 17, 400, 33, 999, 5, 5, 120, 7, 64, 300 };

	@TempDir
	static Path folder;

	private static List<float[]> expected = List.of();

	@BeforeAll
	static void synthesize() {
		assertThat(Call
			.of(FlashEngine::load, "synthesize", "--format", "mlx-4bit", "--layers", "8", "--hidden", "256", "--mlp",
					"512", "--heads", "4", "--kv-heads", "2", "--vocabulary", "1000", "--out", folder.toString())
			.code()).isZero();
		expected = logits(config().ramBudget(RamBudget.UNLIMITED), null);
	}

	private static FlashConfig.Builder config() {
		return FlashConfig.builder(folder.toString())
			.contextLength(32)
			.parallel(1)
			.threads(2)
			.ramBudget(RamBudget.ofBytes(2 << 20));
	}

	private static List<float[]> logits(FlashConfig.Builder config, @Nullable RamBudget next) {
		List<float[]> all = new ArrayList<>();
		try (FlashEngine engine = FlashEngine.load(config.build())) {
			if (next != null) {
				engine.ramBudget(next);
			}
			engine.logits(TOKENS, (position, logits) -> all.add(logits.clone()));
		}
		return all;
	}

	private static void check(FlashConfig.Builder config) {
		List<float[]> found = logits(config, null);
		assertThat(found).hasSize(TOKENS.length);
		for (int i = 0; i < TOKENS.length; i++) {
			assertThat(found.get(i)).isEqualTo(expected.get(i));
		}
	}

	private static ResidencyPlan plan(FlashConfig.Builder config) {
		try (FlashEngine engine = FlashEngine.load(config.build())) {
			assertThat(engine.plan().streamedBytes()).isPositive();
			return engine.plan();
		}
	}

	@ParameterizedTest
	@ValueSource(ints = { 1, 2, 3, 8, 16 })
	void numberOfReaders(int readers) {
		FlashConfig.Builder config = config().reading(new Reading(true, 1 << 14, readers));
		assertThat(plan(config).reads().readsInFlight()).isEqualTo(readers);
		check(config);
	}

	@ParameterizedTest
	@CsvSource({ "16384, 16384", "32768, 32768", "50000, 50000" })
	void sizeOfReads(int bytes, long blocks) {
		FlashConfig.Builder config = config().reading(new Reading(true, bytes, 2));
		assertThat(plan(config).blockBytes()).isEqualTo(blocks);
		check(config);
	}

	@ParameterizedTest
	@ValueSource(booleans = { true, false })
	void directIo(boolean direct) {
		check(config().reading(new Reading(direct, 1 << 14, 4)));
	}

	@Test
	void sizeOfTheWindow() {
		Set<Long> windows = new HashSet<>();
		for (int kilobytes : new int[] { 1400, 1800, 2400 }) {
			for (int chunk : new int[] { 2, 32 }) {
				FlashConfig.Builder config = config().reading(new Reading(true, 1 << 14, 2))
					.prefillChunk(chunk)
					.ramBudget(RamBudget.ofBytes((long) kilobytes << 10));
				windows.add(plan(config).windowBytes());
				check(config);
			}
		}
		assertThat(windows).hasSizeGreaterThan(1);
	}

	@Test
	void aBudgetThatWasChanged() {
		for (int kilobytes : new int[] { 1300, 2400, 8000 }) {
			List<float[]> found = logits(config().reading(new Reading(true, 1 << 14, 2)),
					RamBudget.ofBytes((long) kilobytes << 10));
			for (int i = 0; i < TOKENS.length; i++) {
				assertThat(found.get(i)).isEqualTo(expected.get(i));
			}
		}
	}

	@Test
	void aPromptOfTwoThousandTokensReadsWhatStreamsOnce(@TempDir Path wide) throws InterruptedException {
		assertThat(Call
			.of(FlashEngine::load, "synthesize", "--format", "mlx-4bit", "--layers", "32", "--hidden", "128", "--mlp",
					"1024", "--heads", "8", "--kv-heads", "1", "--vocabulary", "1000", "--out", wide.toString())
			.code()).isZero();
		FlashConfig.Builder config = FlashConfig.builder(wide.toString())
			.contextLength(2050)
			.prefillChunk(64)
			.parallel(1)
			.threads(2)
			.reading(new Reading(true, 1 << 14, 2));
		ResidencyPlan least = FlashEngine.plan(config.ramBudget(RamBudget.MINIMUM).build());
		long budget = least.minimumBytes();
		while (FlashEngine.plan(config.ramBudget(RamBudget.ofBytes(budget)).build()).passRows() < 2048) {
			budget += least.weightBytes() / 16;
		}
		int[] prompt = new int[2048];
		Arrays.setAll(prompt, (i) -> 1 + i * 7 % 997);
		try (FlashEngine engine = FlashEngine.load(config.ramBudget(RamBudget.ofBytes(budget)).build())) {
			long streamed = engine.plan().streamedBytes();
			assertThat(streamed).isGreaterThan(least.weightBytes() / 4);
			generate(engine, new int[] { 1, 2, 3 });
			EngineSnapshot before = settled(engine);
			generate(engine, prompt);
			EngineSnapshot after = settled(engine);
			assertThat(after.work().passes() - before.work().passes()).isEqualTo(1);
			assertThat(taken(after) - taken(before)).isEqualTo(streamed);
		}
	}

	private static void generate(FlashEngine engine, int[] prompt) {
		try (Generation generation = engine.generate(
				new GenerationRequest(new GenerationRequest.Tokens(prompt), Sampling.GREEDY, 1, List.of(), true))) {
			GenerationEvent event = generation.next();
			while (event != null) {
				event = generation.next();
			}
		}
	}

	/** What passes took of what was read. */
	private static long taken(EngineSnapshot now) {
		return now.io().bytesRead() - now.io().rowBytes() - now.io().aheadBytes();
	}

	private static EngineSnapshot settled(FlashEngine engine) throws InterruptedException {
		EngineSnapshot now = engine.snapshot();
		long before = -1;
		while (now.work().activeRequests() > 0 || now.io().readsInFlight() > 0 || now.io().readsQueued() > 0
				|| now.io().bytesRead() != before) {
			before = now.io().bytesRead();
			TimeUnit.MILLISECONDS.sleep(20);
			now = engine.snapshot();
		}
		return now;
	}

}
