package io.github.flashspring.engine;

import java.util.ArrayList;
import java.util.List;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import io.github.flashspring.engine.metrics.EngineSnapshot;
import io.github.flashspring.engine.memory.RamBudget;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Every architecture and precision against a reference implementation, and the first law:
 * the same bits whatever the budget, the threads, the chunk and the company.
 */
class GoldenTests {

	private static final double TOLERANCE = 5e-5;

	@ParameterizedTest
	@ValueSource(strings = { "golden/deepseek_v2", "golden/deepseek_v3", "golden/gemma2", "golden/gemma3_text",
			"golden/gpt_oss", "golden/granite", "golden/llama", "golden/mamba2", "golden/mistral", "golden/mixtral",
			"golden/nemotron", "golden/nemotron_h", "golden/olmo2", "golden/phi3", "golden/qwen2", "golden/qwen2_moe",
			"golden/qwen3", "golden/qwen3_moe", "golden-mlx/deepseek_v2-4bit-g32", "golden-mlx/deepseek_v3-4bit-g32",
			"golden-mlx/deepseek_v3-fp8", "golden-mlx/gemma2-4bit-g32", "golden-mlx/gemma3_text-4bit-g32",
			"golden-mlx/gpt_oss-4bit-g32", "golden-mlx/gpt_oss-mxfp4-original", "golden-mlx/gpt_oss-mxfp4-q8",
			"golden-mlx/granite-4bit-g32", "golden-mlx/llama-2bit-g64", "golden-mlx/llama-3bit-g32",
			"golden-mlx/llama-4bit-g32", "golden-mlx/llama-4bit-g64", "golden-mlx/llama-5bit-g32",
			"golden-mlx/llama-6bit-g64", "golden-mlx/llama-8bit-g64", "golden-mlx/llama-mixed",
			"golden-mlx/llama-mxfp4", "golden-mlx/llama-mxfp8", "golden-mlx/llama-nvfp4", "golden-mlx/mistral-4bit-g32",
			"golden-mlx/mixtral-4bit-g32", "golden-mlx/nemotron-4bit-g32", "golden-mlx/nemotron_h-4bit-g32",
			"golden-mlx/olmo2-4bit-g32", "golden-mlx/phi3-4bit-g32", "golden-mlx/qwen2-4bit-g32",
			"golden-mlx/qwen2_moe-4bit-g32", "golden-mlx/qwen3-4bit-g32", "golden-mlx/qwen3_moe-4bit-g32",
			"golden-variants/deepseek_v2-grouped", "golden-variants/deepseek_v3-fp8-odd",
			"golden-variants/deepseek_v3-mlx-mixed", "golden-variants/deepseek_v3-plain", "golden-variants/gemma2-mqa",
			"golden-variants/gemma3_text-caps", "golden-variants/gemma3_text-pattern",
			"golden-variants/gpt_oss-mlx-mixed", "golden-variants/gpt_oss-mxfp4-odd",
			"golden-variants/gpt_oss-truncate", "golden-variants/granite-bias", "golden-variants/llama-linear",
			"golden-variants/llama-mlx-all", "golden-variants/llama-mlx-groups", "golden-variants/llama-mlx-tied-mxfp4",
			"golden-variants/llama-mlx-tied-nvfp4", "golden-variants/llama-yarn", "golden-variants/mamba2-limits",
			"golden-variants/mistral-wide", "golden-variants/mixtral-window", "golden-variants/nemotron-bias",
			"golden-variants/nemotron_h-all", "golden-variants/olmo2-bias", "golden-variants/phi3-longrope",
			"golden-variants/qwen2_moe-sparse", "golden-variants/qwen3-fp8-embedding", "golden-variants/qwen3-window",
			"golden-variants/qwen3_moe-mlx-mixed", "golden-variants/qwen3_moe-tied", "golden-variants/deepseek_v2-bias",
			"golden-variants/deepseek_v3-sparse", "golden-variants/gemma2-sparse", "golden-variants/gpt_oss-sparse",
			"golden-variants/llama-stretched", "golden-variants/mamba2-groups", "golden-variants/mixtral-sparse",
			"golden-variants/nemotron_h-latent", "golden-variants/phi3-stretched", "golden-variants/qwen2_moe-window",
			"golden-variants/qwen3-sparse", "golden-variants/qwen3_moe-window", "golden-variants/nemotron_h-mlx-latent",
			"golden-variants/llama-fp8-rows", "golden-variants/mistral-types", "golden-variants/qwen3-partial",
			"golden-variants/llama-mlx-1bit", "golden-variants/nemotron_h-mlx-global",
			"golden-variants/qwen3_moe-mlx-global", "golden-variants/gemma3_text-silu", "golden-variants/llama-gelu",
			"golden-variants/mamba2-gelu", "golden-variants/nemotron_h-acts", "golden-variants/qwen2-relu",
			"golden-variants/qwen3_moe-quick_gelu" })
	void agreesWithTheReferenceInTheSameBitsEverywhere(String name) throws Exception {
		Golden golden = Golden.load(name);
		List<float[]> first;
		long everything;
		long least;
		try (FlashEngine engine = FlashEngine.load(golden.config().build())) {
			first = Golden.logits(engine, golden.prompt());
			everything = engine.snapshot().memory().stream().mapToLong(EngineSnapshot.Memory::bytes).sum();
			least = engine.plan().minimumBytes();
			double worst = 0;
			for (int row = 0; row < first.size(); row++) {
				for (int i = 0; i < first.get(row).length; i++) {
					worst = Math.max(worst, Math.abs(first.get(row)[i] - golden.logits()[row][i]));
				}
			}
			assertThat(worst).as("largest difference of a logit").isLessThan(TOLERANCE);
			assertThat(Golden.generate(engine, golden.prompt(), golden.greedy().length).tokens())
				.isEqualTo(golden.greedy());
		}
		for (FlashConfig config : variants(golden, least, everything)) {
			try (FlashEngine engine = FlashEngine.load(config)) {
				List<float[]> again = Golden.logits(engine, golden.prompt());
				assertThat(again).as("%s", config).hasSameSizeAs(first);
				for (int row = 0; row < first.size(); row++) {
					assertThat(again.get(row)).as("row %d with %s", row, config).isEqualTo(first.get(row));
				}
				assertThat(Golden.generate(engine, golden.prompt(), golden.greedy().length).tokens())
					.isEqualTo(golden.greedy());
			}
		}
	}

	private static List<FlashConfig> variants(Golden golden, long least, long everything) {
		return List.of(golden.config().threads(1).build(), golden.config().threads(3).prefillChunk(7).build(),
				golden.config().prefillChunk(1).build(),
				golden.config().ramBudget(RamBudget.ofBytes(least + 40_000)).build(),
				golden.config().ramBudget(RamBudget.ofBytes((least + everything) / 2)).build(),
				golden.config().ramBudget(RamBudget.ofBytes(2 * everything)).build(),
				golden.config().ramBudget(RamBudget.MINIMUM).threads(1).build());
	}

	@ParameterizedTest
	@ValueSource(strings = { "llama", "gemma2", "gpt_oss", "qwen2_moe", "deepseek_v3", "mamba2", "nemotron_h" })
	void sequencesThatRunBesideEachOtherGetTheBitsOfAnEmptyEngine(String name) throws Exception {
		Golden golden = Golden.load("golden/" + name);
		int[] other = golden.prompt().clone();
		other[0] = 5;
		try (FlashEngine engine = FlashEngine.load(golden.config().contextLength(200).parallel(3).build())) {
			List<Generation> running = new ArrayList<>();
			for (int[] prompt : List.of(golden.prompt(), other, golden.prompt())) {
				running.add(engine
					.generate(new GenerationRequest(new GenerationRequest.Tokens(prompt), null, 30, List.of(), true)));
			}
			List<int[]> together = running.stream().map((generation) -> Golden.finish(generation).tokens()).toList();
			assertThat(together.get(0)).isEqualTo(together.get(2)).startsWith(golden.greedy());
			assertThat(together.get(1)).isEqualTo(Golden.generate(engine, other, 30).tokens());
		}
	}

}
