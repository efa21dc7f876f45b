package io.github.flashspring.engine;

import java.util.ArrayList;
import java.util.List;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import io.github.flashspring.engine.device.RecordingDeviceProvider;
import io.github.flashspring.engine.memory.RamBudget;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Every architecture on a device that computes nothing before somebody waits for it, in
 * the bits of the CPU: pinned, streamed, in chunks and with several sequences at once.
 */
class RecordedModelTests {

	@ParameterizedTest
	@ValueSource(strings = { "golden/deepseek_v2", "golden/deepseek_v3", "golden/gemma2", "golden/gemma3_text",
			"golden/gpt_oss", "golden/granite", "golden/llama", "golden/mamba2", "golden/mistral", "golden/mixtral",
			"golden/nemotron", "golden/nemotron_h", "golden/olmo2", "golden/phi3", "golden/qwen2", "golden/qwen2_moe",
			"golden/qwen3", "golden/qwen3_moe", "golden-mlx/llama-4bit-g32", "golden-mlx/qwen3_moe-4bit-g32",
			"golden-mlx/gpt_oss-mxfp4-original", "golden-variants/llama-mlx-tied-mxfp4",
			"golden-variants/nemotron_h-latent", "golden-variants/deepseek_v3-fp8-odd" })
	void delayedWorkGivesTheSameBits(String name) throws Exception {
		requireSameBits(Golden.load(name));
	}

	@ParameterizedTest
	@ValueSource(strings = { "llama", "gpt_oss", "qwen2_moe", "nemotron_h" })
	void sequencesNextToEachOtherGetTheirOwnTokens(String name) throws Exception {
		Golden golden = Golden.load("golden/" + name);
		try (FlashEngine engine = FlashEngine.load(golden.config()
			.device(RecordingDeviceProvider.NAME)
			.warmUp(false)
			.contextLength(200)
			.parallel(3)
			.build())) {
			List<Generation> running = new ArrayList<>();
			for (int i = 0; i < 3; i++) {
				running.add(engine.generate(new GenerationRequest(new GenerationRequest.Tokens(golden.prompt()), null,
						golden.greedy().length, List.of(), true)));
			}
			for (Generation generation : running) {
				assertThat(Golden.finish(generation).tokens()).isEqualTo(golden.greedy());
			}
		}
	}

	static void requireSameBits(Golden golden) throws Exception {
		List<float[]> expected;
		long least;
		try (FlashEngine engine = FlashEngine.load(golden.config().warmUp(false).build())) {
			expected = Golden.logits(engine, golden.prompt());
			least = engine.plan().minimumBytes();
		}
		RamBudget budget = RamBudget.ofBytes(least + 40_000);
		RamBudget wholePrompts = RamBudget.ofBytes(least + 160_000);
		for (FlashConfig.Builder config : List.of(golden.config().prefillChunk(7), golden.config().ramBudget(budget),
				golden.config().ramBudget(wholePrompts).prefillChunk(7))) {
			try (FlashEngine engine = FlashEngine
				.load(config.device(RecordingDeviceProvider.NAME).warmUp(false).build())) {
				List<float[]> found = Golden.logits(engine, golden.prompt());
				assertThat(found).hasSameSizeAs(expected);
				for (int row = 0; row < expected.size(); row++) {
					assertThat(found.get(row)).as("row %d", row).isEqualTo(expected.get(row));
				}
				assertThat(Golden.generate(engine, golden.prompt(), golden.greedy().length).tokens())
					.isEqualTo(golden.greedy());
			}
		}
	}

}
