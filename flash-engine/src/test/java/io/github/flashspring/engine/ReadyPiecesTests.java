package io.github.flashspring.engine;

import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.function.BiPredicate;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import io.github.flashspring.engine.checkpoint.Checkpoint;
import io.github.flashspring.engine.checkpoint.TensorInfo;
import io.github.flashspring.engine.generate.Sampling;
import io.github.flashspring.engine.metrics.Timeline;
import io.github.flashspring.engine.storage.FaultyFiles;
import io.github.flashspring.engine.storage.FaultyFiles.Gate;
import io.github.flashspring.engine.memory.RamBudget;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * A disk that delivers some weights late: what is there already is computed meanwhile,
 * and the answer is the same.
 */
@Timeout(60)
class ReadyPiecesTests {

	private static final int[] PROMPT = { 1, 403, 407, 261 };

	/** Rows of the head in its first blocks, away from the tokens of the prompt. */
	private static final int[] HEAD_ROWS = { 64, 192 };

	private final FaultyFiles disk = new FaultyFiles();

	private static Path folder() throws Exception {
		return Golden.path("models/stories260K/bf16");
	}

	private static FlashConfig.Builder config() throws Exception {
		return FlashConfig.builder(folder().toString())
			.contextLength(64)
			.parallel(1)
			.threads(2)
			.reading(new FlashConfig.Reading(true, 1 << 14, 8));
	}

	@Test
	void oneOfTwoMatricesIsComputedWhileTheOtherIsLate() throws Exception {
		long[] offsets = new long[4];
		for (int i = 0; i < offsets.length; i++) {
			// In the middle: blocks of its neighbours in the file reach over its ends.
			offsets[i] = offset("model.layers." + (1 + i) + ".mlp.gate_proj.weight", 86);
		}
		run(offsets, (held, tasks) -> {
			String layer = "model.layers." + (1 + held);
			assertThat(tasks).noneMatch((name) -> name.startsWith(layer + ".mlp.gate_proj"));
			return tasks.stream().anyMatch((name) -> name.startsWith(layer + ".mlp.up_proj"));
		});
	}

	@Test
	void theOtherRowsAreComputedWhileTheFirstOnesAreLate() throws Exception {
		long[] offsets = new long[HEAD_ROWS.length];
		for (int i = 0; i < offsets.length; i++) {
			offsets[i] = offset("model.embed_tokens.weight", HEAD_ROWS[i]);
		}
		run(offsets, (held, tasks) -> {
			List<String> head = tasks.stream().filter((name) -> name.startsWith("model.embed_tokens ")).toList();
			assertThat(head).hasSizeLessThan(4);
			return head.size() == 3;
		});
	}

	/**
	 * Generates a token while a read is held back until enough was computed, and compares
	 * logits.
	 */
	private void run(long[] offsets, BiPredicate<Integer, List<String>> enough) throws Exception {
		List<float[]> expected;
		int[] token;
		try (FlashEngine whole = FlashEngine.load(config().build())) {
			expected = Golden.logits(whole, PROMPT);
			token = Golden.generate(whole, PROMPT, 1).tokens();
		}
		try (FlashEngine engine = LocalFlashEngine.load(config().ramBudget(budget()).build(),
				new OpenedBy(this.disk::of))) {
			Golden.generate(engine, PROMPT, 2);
			Settled.snapshot(engine);
			Timeline timeline = new Timeline(100_000);
			engine.diagnostics().record(timeline);
			Gate gate = this.disk.holdBack(offsets);
			Generation generation = engine.generate(
					new GenerationRequest(new GenerationRequest.Tokens(PROMPT), Sampling.GREEDY, 1, List.of(), true));
			try {
				int held = gate.awaitHeld();
				while (!enough.test(held, tasks(timeline))) {
					TimeUnit.MILLISECONDS.sleep(1);
				}
				assertThat(timeline.spans()).noneMatch((span) -> span.name().startsWith("pass of"));
			}
			finally {
				gate.open();
			}
			assertThat(Golden.finish(generation).tokens()).isEqualTo(token);
			engine.diagnostics().record(null);
			List<float[]> found = Golden.logits(engine, PROMPT);
			for (int i = 0; i < PROMPT.length; i++) {
				assertThat(found.get(i)).isEqualTo(expected.get(i));
			}
		}
	}

	/** Room for most reads at once, and for little that stays. */
	private static RamBudget budget() throws Exception {
		try (FlashEngine least = FlashEngine.load(config().ramBudget(RamBudget.MINIMUM).build())) {
			return RamBudget.ofBytes(least.plan().minimumBytes() + (long) (0.4 * least.plan().weightBytes()));
		}
	}

	private static List<String> tasks(Timeline timeline) {
		return timeline.spans()
			.stream()
			.filter((span) -> span.track().equals("tasks"))
			.map(Timeline.Span::name)
			.toList();
	}

	private static long offset(String tensor, int row) throws Exception {
		try (Checkpoint checkpoint = Checkpoint.open(folder())) {
			TensorInfo found = Objects.requireNonNull(checkpoint.tensors().get(tensor));
			return found.offset() + row * found.byteSize() / found.dimension(0);
		}
	}

}
