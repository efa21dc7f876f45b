package io.github.flashspring.engine.model;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import io.github.flashspring.engine.cache.KvPrecision;
import io.github.flashspring.engine.memory.RamBudget;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * The prefix cache on golden checkpoints of every kind: a sequence that resumes has the
 * bits of one that does not.
 */
@Timeout(300)
class PrefixHitTests {

	private static final int PAGE = ScheduledModel.PAGE;

	private static final int ANSWER = 36;

	private static final long OWN = 8 << 20;

	private static int[] tokens(int count, long seed) {
		return new Random(seed).ints(count, 3, 60).toArray();
	}

	private static void assertSame(ScheduledModel.Run run, ScheduledModel.Run expected, String what) {
		assertThat(run.tokens).as(what).isEqualTo(expected.tokens);
		for (int i = 0; i < expected.logits.size(); i++) {
			assertThat(run.logits.get(i)).as("logits %d %s", i, what).isEqualTo(expected.logits.get(i));
		}
	}

	private static ScheduledModel open(String name, ScheduledModel.Options options) throws Exception {
		return new ScheduledModel(TestModel.folder(name), options, ScheduledModel.keeping(OWN));
	}

	private static ScheduledModel.Run expected(String name, int[] prompt, int answer) throws Exception {
		return expected(name, prompt, answer, ScheduledModel.Options.DEFAULT);
	}

	private static ScheduledModel.Run expected(String name, int[] prompt, int answer, ScheduledModel.Options options)
			throws Exception {
		try (ScheduledModel model = new ScheduledModel(TestModel.folder(name), options, (cache) -> cache)) {
			return model.generate(prompt, answer);
		}
	}

	@ParameterizedTest
	@ValueSource(strings = { "golden/llama", "golden/gemma2", "golden/gemma3_text", "golden/gpt_oss",
			"golden/deepseek_v3", "golden/mamba2", "golden/nemotron_h", "golden/qwen3_moe", "golden/mixtral",
			"golden-variants/qwen3-window" })
	void hitAtEveryPageGivesTheBitsOfNone(String name) throws Exception {
		hitAtEveryPage(name, ScheduledModel.Options.DEFAULT);
	}

	@ParameterizedTest
	@ValueSource(strings = { "golden/llama", "golden/gemma3_text", "golden/deepseek_v3", "golden/nemotron_h" })
	void hitAtEveryPageGivesTheBitsOfNoneInLowerPrecision(String name) throws Exception {
		hitAtEveryPage(name, ScheduledModel.Options.in(new KvPrecision(KvPrecision.Mode.F16)));
		// the first 64 of 150 tokens are read in 8 bits at the end of the prompt
		hitAtEveryPage(name, ScheduledModel.Options.in(new KvPrecision(KvPrecision.Mode.HYBRID, 64, 8)));
	}

	private static void hitAtEveryPage(String name, ScheduledModel.Options options) throws Exception {
		int[] prompt = tokens(150, 7);
		ScheduledModel.Run expected = expected(name, prompt, ANSWER, options);
		try (ScheduledModel model = open(name, options)) {
			for (int end = PAGE; end < prompt.length; end += PAGE) {
				int[] before = Arrays.copyOf(prompt, end + 3);
				before[end + 2] = 61;
				model.generate(before, 1);
				ScheduledModel.Run run = model.generate(prompt, ANSWER);
				assertThat(run.sequence.cacheReadTokens()).isEqualTo(end);
				assertSame(run, expected, "behind " + end + " tokens");
				model.forget();
				assertThat(model.prefixes().bytes()).isZero();
			}
		}
	}

	@ParameterizedTest
	@ValueSource(
			strings = { "golden/llama", "golden/gemma2", "golden/deepseek_v3", "golden/mamba2", "golden/nemotron_h" })
	void nextTurnResumesBehindTheAnswer(String name) throws Exception {
		int[] prompt = tokens(70, 3);
		ScheduledModel.Run first = expected(name, prompt, ANSWER);
		int[] second = Arrays.copyOf(prompt, prompt.length + ANSWER + 20);
		for (int i = 0; i < ANSWER; i++) {
			second[prompt.length + i] = first.tokens.get(i);
		}
		ScheduledModel.Run expected = expected(name, second, ANSWER);
		List<ScheduledModel.Options> all = List.of(new ScheduledModel.Options(RamBudget.MINIMUM, 1, 7, 448, 2),
				new ScheduledModel.Options(RamBudget.UNLIMITED, 3, 31, 224, 1), ScheduledModel.Options.DEFAULT);
		for (ScheduledModel.Options options : all) {
			try (ScheduledModel model = open(name, options)) {
				model.generate(prompt, ANSWER);
				ScheduledModel.Run run = model.generate(second, ANSWER);
				// the last token of the answer was never computed
				assertThat(run.sequence.cacheReadTokens()).isEqualTo((prompt.length + ANSWER - 1) / PAGE * PAGE);
				assertSame(run, expected, "with " + options);
				ScheduledModel.Run again = model.generate(second, ANSWER);
				assertThat(again.sequence.cacheReadTokens()).isEqualTo((second.length - 1) / PAGE * PAGE);
				assertSame(again, expected, "again with " + options);
			}
		}
	}

	@ParameterizedTest
	@ValueSource(strings = { "golden/llama", "golden/gemma2", "golden/mamba2", "golden/nemotron_h" })
	void sequencesPreemptedAtAnyMomentKeepTheirBits(String name) throws Exception {
		Random random = new Random(11);
		List<int[]> prompts = new ArrayList<>();
		List<ScheduledModel.Run> expected = new ArrayList<>();
		int[] common = tokens(40, 1);
		try (ScheduledModel model = new ScheduledModel(TestModel.folder(name), ScheduledModel.Options.DEFAULT,
				(cache) -> cache)) {
			for (int i = 0; i < 4; i++) {
				int[] prompt = Arrays.copyOf(common, 50 + 11 * i);
				System.arraycopy(tokens(prompt.length - 40, i), 0, prompt, 40, prompt.length - 40);
				prompts.add(prompt);
				expected.add(model.generate(prompt, 60));
			}
		}
		// memory for a sequence and a half
		ScheduledModel.Options options = new ScheduledModel.Options(RamBudget.UNLIMITED, 2, 64, 224, 3);
		try (ScheduledModel model = new ScheduledModel(TestModel.folder(name), options,
				ScheduledModel.keeping(100_000))) {
			for (int round = 0; round < 10; round++) {
				List<ScheduledModel.Run> runs = new ArrayList<>();
				for (int[] prompt : prompts) {
					runs.add(model.start(prompt, 60));
				}
				for (int i = 0; i < 30; i++) {
					ScheduledModel.Run run = runs.get(random.nextInt(runs.size()));
					run.pause(random.nextBoolean());
					Thread.sleep(1);
				}
				for (int i = 0; i < runs.size(); i++) {
					runs.get(i).pause(false);
				}
				for (int i = 0; i < runs.size(); i++) {
					assertSame(runs.get(i).finished(), expected.get(i), "of sequence " + i + " in round " + round);
				}
			}
			assertThat(model.prefixes().hits()).isPositive();
		}
	}

	@Test
	void sequencesOfOneMomentShareTheirPrompt() throws Exception {
		int[] prompt = tokens(150, 5);
		try (ScheduledModel model = open("golden/llama",
				new ScheduledModel.Options(RamBudget.UNLIMITED, 2, 64, 224, 4))) {
			model.generate(prompt, 1);
			List<ScheduledModel.Run> runs = new ArrayList<>();
			for (int i = 0; i < 4; i++) {
				// of 14 pages, four sequences of ten do not fit unless they share them
				runs.add(model.start(prompt, 2));
			}
			runs.forEach((run) -> assertThat(run.finished().sequence.cacheReadTokens()).isEqualTo(144));
			assertThat(model.prefixes().hitTokens()).isEqualTo(4 * 144);
			assertThat(model.prefixes().evictedPages()).isZero();
		}
	}

}
