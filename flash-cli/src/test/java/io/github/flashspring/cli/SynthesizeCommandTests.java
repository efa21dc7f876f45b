package io.github.flashspring.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import io.github.flashspring.engine.FlashConfig;
import io.github.flashspring.engine.FlashEngine;
import io.github.flashspring.engine.residency.ExpertStreaming;
import io.github.flashspring.engine.memory.RamBudget;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Tests for {@code flash synthesize}, with shapes of a few hundred kilobytes.
 */
class SynthesizeCommandTests {

	/** A small model. */
	static final List<String> SHAPE = List.of("--layers", "2", "--hidden", "128", "--mlp", "256", "--heads", "4",
			"--kv-heads", "2", "--vocabulary", "320");

	@TempDir
	private Path folder;

	@ParameterizedTest
	@CsvSource({ "bf16, BF16", "mlx-2bit, 'affine, 2 bits, groups of 64'", "mlx-3bit, 'affine, 3 bits, groups of 64'",
			"mlx-4bit, 'affine, 4 bits, groups of 64'", "mlx-5bit, 'affine, 5 bits, groups of 64'",
			"mlx-6bit, 'affine, 6 bits, groups of 64'", "mlx-8bit, 'affine, 8 bits, groups of 64'",
			"mlx-mxfp4, 'mxfp4, 4 bits, groups of 32'", "mlx-mxfp8, 'mxfp8, 8 bits, groups of 32'",
			"mlx-nvfp4, 'nvfp4, 4 bits, groups of 16'" })
	void checkpointsLoadAndGiveLogits(String format, String precision) throws IOException {
		Path model = synthesize("model", "--format", format);
		try (FlashEngine engine = FlashEngine.load(FlashConfig.builder(model.toString()).threads(1).build())) {
			assertThat(engine.model().precision()).isEqualTo(precision);
			assertThat(engine.model().layers()).isEqualTo(2);
			assertThat(engine.model().vocabularySize()).isEqualTo(320);
			engine.logits(new int[] { 1, 5, 319 }, (position, logits) -> {
				assertThat(logits).hasSize(320);
				float least = Float.MAX_VALUE;
				float most = -Float.MAX_VALUE;
				for (float logit : logits) {
					assertThat(logit).isFinite();
					least = Math.min(least, logit);
					most = Math.max(most, logit);
				}
				// as spread as those of a model, neither all alike nor far out
				assertThat(most - least).isBetween(0.1f, 20f);
			});
		}
	}

	@ParameterizedTest
	@CsvSource({ "bf16, 0", "mlx-4bit, 1.5" })
	void aMixtureHasFavouriteExperts(String format, String skew) throws IOException {
		Path model = synthesize("model", "--format", format, "--moe", "--experts", "16", "--experts-per-token", "2",
				"--expert-mlp", "128", "--head-dim", "32", "--skew", skew);
		FlashConfig.Builder config = FlashConfig.builder(model.toString())
			.threads(1)
			.expertStreaming(new ExpertStreaming(ExpertStreaming.Keep.BY_USE, false));
		long least = FlashEngine.plan(config.ramBudget(RamBudget.MINIMUM).build()).minimumBytes();
		long weights = FlashEngine.plan(config.ramBudget(RamBudget.MINIMUM).build()).weightBytes();
		try (FlashEngine engine = FlashEngine
			.load(config.ramBudget(RamBudget.ofBytes(least + weights * 6 / 10)).build())) {
			assertThat(engine.model().architecture()).isEqualTo("qwen3_moe");
			for (int i = 0; i < 60; i++) {
				engine.logits(new int[] { 1 + 5 * i }, (position, logits) -> {
					for (float logit : logits) {
						assertThat(logit).isFinite();
					}
				});
			}
			assertThat(engine.plan().cachedExpertBytes()).isLessThan(engine.plan().weightBytes());
			double hits = engine.snapshot().experts().hitRate();
			if (skew.equals("0")) {
				assertThat(hits).isLessThan(0.75);
			}
			else {
				assertThat(hits).isGreaterThan(0.75);
			}
		}
	}

	@ParameterizedTest
	@CsvSource({ "mlx-4bit, 576, 1600, 96", "mlx-3bit, 960, 1856, 64", "mlx-mxfp4, 2880, 160, 34",
			"mlx-nvfp4, 48, 80, 12", "bf16, 50, 31, 6", "mlx-6bit, 64, 192, 16" })
	void everyWidthOfAFormatIsWritten(String format, String hidden, String mlp, String headDim) throws IOException {
		Path model = this.folder.resolve("model");
		List<String> args = List.of("synthesize", "--out", model.toString(), "--format", format, "--layers", "1",
				"--hidden", hidden, "--mlp", mlp, "--heads", "16", "--kv-heads", "2", "--head-dim", headDim,
				"--vocabulary", "301");
		assertThat(Call.of(FlashEngine::load, args.toArray(String[]::new)).code()).isZero();
		try (FlashEngine engine = FlashEngine.load(FlashConfig.builder(model.toString()).threads(1).build())) {
			engine.logits(new int[] { 1, 5, 300 }, (position, logits) -> {
				assertThat(logits).hasSize(301);
				for (float logit : logits) {
					assertThat(logit).isFinite();
				}
			});
		}
	}

	@Test
	void aPresetForLlamaCppIsReadByTheImport() {
		Path file = this.folder.resolve("model.gguf");
		assertThat(Call
			.of(FlashEngine::load, "synthesize", "--preset", "smollm2-135m", "--layers", "1", "--format", "gguf-q4_1",
					"--out", file.toString())
			.code()).isZero();
		Path out = this.folder.resolve("imported");
		assertThat(Call.of(FlashEngine::load, "import", file.toString(), "--out", out.toString()).code()).isZero();
		try (FlashEngine engine = FlashEngine.load(FlashConfig.builder(out.toString()).contextLength(64).build())) {
			assertThat(engine.model().vocabularySize()).isEqualTo(49152);
			assertThat(engine.model().layers()).isEqualTo(1);
		}
	}

	@Test
	void ropeScalingOfLlama3ComesThroughGguf() throws IOException {
		Path file = this.folder.resolve("model.gguf");
		assertThat(Call
			.of(FlashEngine::load, "synthesize", "--preset", "llama-3.2-1b", "--layers", "1", "--format", "gguf-q4_1",
					"--out", file.toString())
			.code()).isZero();
		Path out = this.folder.resolve("imported");
		assertThat(Call.of(FlashEngine::load, "import", file.toString(), "--out", out.toString()).code()).isZero();
		JsonNode scaling = JsonMapper.shared().readTree(out.resolve("config.json")).path("rope_scaling");
		assertThat(scaling.path("factor").doubleValue()).isEqualTo(32);
		assertThat(scaling.path("original_max_position_embeddings").intValue()).isEqualTo(8192);
	}

	@Test
	void ggufIsReadByTheImport() throws IOException {
		Path file = synthesize("model.gguf", "--format", "gguf-q4_1");
		Path out = this.folder.resolve("imported");
		Call call = Call.of(FlashEngine::load, "import", file.toString(), "--out", out.toString());
		assertThat(call.err()).doesNotContain("became");
		assertThat(call.code()).isZero();
		try (FlashEngine engine = FlashEngine.load(FlashConfig.builder(out.toString()).threads(1).build())) {
			assertThat(engine.model().precision()).isEqualTo("affine, 4 bits, groups of 32");
			assertThat(engine.model().vocabularySize()).isEqualTo(320);
		}
	}

	@ParameterizedTest
	@CsvSource({ "bf16", "mlx-4bit", "gguf-q4_1" })
	void theSameSeedGivesTheSameBytes(String format) throws IOException {
		byte[] one = bytes(synthesize("one", "--format", format, "--seed", "7"));
		assertThat(bytes(synthesize("again", "--format", format, "--seed", "7"))).isEqualTo(one);
		byte[] other = bytes(synthesize("other", "--format", format, "--seed", "8"));
		assertThat(other).hasSameSizeAs(one).isNotEqualTo(one);
		byte[] withoutSeed = bytes(synthesize("default", "--format", format));
		assertThat(bytes(synthesize("zero", "--format", format, "--seed", "0"))).isEqualTo(withoutSeed);
	}

	@Test
	void aTiedHeadIsNotWritten() throws IOException {
		Path model = synthesize("model", "--format", "bf16", "--tied");
		assertThat(Files.size(model.resolve("model.safetensors"))).isLessThan(
				Files.size(synthesize("other", "--format", "bf16").resolve("model.safetensors")) - 2 * 320 * 128);
		try (FlashEngine engine = FlashEngine.load(FlashConfig.builder(model.toString()).threads(1).build())) {
			engine.logits(new int[] { 1 }, (position, logits) -> assertThat(logits).hasSize(320));
		}
	}

	@ParameterizedTest
	@CsvSource({ "mlx-4bit", "gguf-q4_1" })
	void aModelLargerThanTheDiskIsRefusedBeforeItIsWritten(String format) throws IOException {
		Path out = this.folder.resolve("model");
		Call call = Call.of(FlashEngine::load, "synthesize", "--out", out.toString(), "--format", format, "--layers",
				"1000", "--hidden", "131072", "--mlp", "1048576");
		assertThat(call.code()).isEqualTo(1);
		assertThat(call.err()).containsPattern("The disk of .* has .* free, but \\d+ TB are needed");
		try (Stream<Path> files = Files.walk(this.folder)) {
			assertThat(files.filter(Files::isRegularFile)).isEmpty();
		}
	}

	@ParameterizedTest
	@CsvSource(delimiter = '|', quoteCharacter = '"', value = {
			"--format q4 | --format must be bf16, mlx-2bit, mlx-3bit, mlx-4bit, mlx-5bit, mlx-6bit, mlx-8bit, mlx-mxfp4, mlx-mxfp4-q8, mlx-mxfp8, mlx-nvfp4 or gguf-q4_1, but is q4",
			"--format bf16 --hidden 100 | --hidden must be a multiple of --heads, but is 100 with 32 heads",
			"--format bf16 --hidden 96 | --hidden must be an even multiple of --heads, but heads would be 3 wide",
			"--format mlx-4bit --hidden 96 --heads 4 --kv-heads 4 | --hidden must be a multiple of 64 for mlx-4bit, but is 96",
			"--format mlx-nvfp4 --hidden 72 --heads 4 --kv-heads 4 | --hidden must be a multiple of 16 for mlx-nvfp4, but is 72",
			"--format gguf-q4_1 --hidden 48 --heads 4 --kv-heads 4 | --hidden must be a multiple of 32 for mlx-4bit, but is 48",
			"--format mlx-4bit --heads 1 --kv-heads 1 --head-dim 34 | --heads times --head-dim must be a multiple of 64 for mlx-4bit, but is 34",
			"--format mlx-mxfp4 --moe --expert-mlp 48 | --expert-mlp must be a multiple of 32 for mlx-mxfp4, but is 48",
			"--preset llama-4 | 'llama-4' is not a preset. Expected llama-3.2-1b, llama-3.1-8b,",
			"--preset smollm2-135m --hidden 64 --tied | --preset has a shape of its own: leave out --hidden, --tied",
			"--preset smollm2-135m --layers 31 | --layers must be 1 to 30 for smollm2-135m, but is 31",
			"--preset qwen3-30b-a3b --format gguf-q4_1 | --format gguf-q4_1 is for Llamas",
			"--preset gpt-oss-20b --group-size 128 | model.embed_tokens would have 2880 inputs, but mlx-4bit needs a multiple of 128",
			"--format bf16 --heads 0 | --hidden must be a multiple of --heads",
			"--format bf16 --kv-heads 5 | --heads must be a multiple of --kv-heads, but is 32 with 5",
			"--format mlx-4bit --group-size 16 | --group-size must be 32, 64 or 128, but is 16",
			"--format bf16 --layers 0 | --layers must be 1 to 1000, but is 0",
			"--format mlx-4bit --mlp 100 | --mlp must be a multiple of 64 for mlx-4bit, but is 100",
			"--format bf16 --vocabulary 5 | --vocabulary must be 300 to 1000000, but is 5",
			"--format bf16 --layers many | 'many' is not an int" })
	void wrongOptionsAreRefused(String options, String message) {
		Path out = this.folder.resolve("model");
		Call call = Call.of(FlashEngine::load, ("synthesize --out " + out + " " + options).split(" "));
		assertThat(call.code()).isEqualTo(2);
		assertThat(call.err()).startsWith("flash synthesize: ").contains(message);
		assertThat(out).doesNotExist();
	}

	private Path synthesize(String name, String... options) {
		Path out = this.folder.resolve(name);
		List<String> args = new ArrayList<>(List.of("synthesize", "--out", out.toString()));
		args.addAll(SHAPE);
		args.addAll(List.of(options));
		Call call = Call.of(FlashEngine::load, args.toArray(String[]::new));
		assertThat(call.err()).isEqualTo("Wrote " + out + "\n");
		assertThat(call.code()).isZero();
		return out;
	}

	private static byte[] bytes(Path model) throws IOException {
		return Files.readAllBytes(Files.isDirectory(model) ? model.resolve("model.safetensors") : model);
	}

}
