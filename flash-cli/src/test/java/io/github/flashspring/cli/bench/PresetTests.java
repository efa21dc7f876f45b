package io.github.flashspring.cli.bench;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

import io.github.flashspring.engine.FlashConfig;
import io.github.flashspring.engine.FlashEngine;
import io.github.flashspring.engine.Usage;
import io.github.flashspring.engine.checkpoint.Checkpoint;
import io.github.flashspring.engine.checkpoint.DType;
import io.github.flashspring.engine.checkpoint.TensorSource;
import io.github.flashspring.engine.model.Architectures;
import io.github.flashspring.engine.model.ModelDefinition;
import io.github.flashspring.engine.residency.ExpertStreaming;
import io.github.flashspring.engine.memory.RamBudget;
import io.github.flashspring.engine.residency.ResidencyPlan;
import io.github.flashspring.engine.weights.WeightLayout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

/**
 * Tests for the exact shapes of well-known models.
 */
class PresetTests {

	@TempDir
	private Path folder;

	/** Parameters as their publishers count them: what corrects scores is none. */
	@ParameterizedTest
	@CsvSource({ "LLAMA_3_2_1B, 1235814400", "LLAMA_3_1_8B, 8030261248", "QWEN3_30B_A3B, 30532122624",
			"NEMOTRON_3_NANO_30B_A3B, 31577937344", "GPT_OSS_20B, 20914757184", "SMOLLM2_135M, 134515008" })
	void presetsHaveTheParametersOfTheirModels(Preset preset, long parameters) {
		assertThat(tensors(preset.config(), "bf16").tensors()
			.entrySet()
			.stream()
			.filter((tensor) -> !tensor.getKey().endsWith("e_score_correction_bias"))
			.mapToLong((tensor) -> Arrays.stream(tensor.getValue().shape()).reduce(1, (a, b) -> a * b))
			.sum()).isEqualTo(parameters);
	}

	@ParameterizedTest
	@CsvSource({ "LLAMA_3_2_1B, mlx-4bit", "LLAMA_3_2_1B, mlx-nvfp4", "LLAMA_3_1_8B, mlx-8bit",
			"QWEN3_30B_A3B, mlx-4bit", "QWEN3_30B_A3B, bf16", "NEMOTRON_3_NANO_30B_A3B, mlx-4bit",
			"NEMOTRON_3_NANO_30B_A3B, mlx-mxfp4", "NEMOTRON_3_NANO_30B_A3B, bf16", "GPT_OSS_20B, mlx-4bit",
			"GPT_OSS_20B, mlx-mxfp4-q8", "SMOLLM2_135M, mlx-3bit" })
	void architecturesFindEveryTensorAndNoOther(Preset preset, String format) throws IOException {
		SyntheticCheckpoint model = checkpoint(preset.config(), format);
		writeWithoutData(model);
		try (Checkpoint checkpoint = Checkpoint.open(this.folder)) {
			ModelDefinition definition = Architectures.define(checkpoint, (most) -> 512);
			WeightLayout layout = WeightLayout.of(checkpoint, definition.weightGroups(), definition.embedding(),
					definition.ignoredTensors());
			assertThat(layout).isNotNull();
			assertThat(definition.layerCount()).isEqualTo(preset.config().path("num_hidden_layers").intValue());
		}
	}

	@Test
	void nemotronInFourBitsHasItsSize() {
		assertThat(tensors(Preset.NEMOTRON_3_NANO_30B_A3B.config(), "mlx-4bit").tensors()
			.values()
			.stream()
			.mapToLong(TensorSource::byteSize)
			.sum()).isBetween(17_750_000_000L, 17_850_000_000L);
	}

	@ParameterizedTest
	@CsvSource({ "LLAMA_3_2_1B, mlx-4bit, 2", "LLAMA_3_1_8B, mlx-4bit, 1", "QWEN3_30B_A3B, mlx-4bit, 2",
			"NEMOTRON_3_NANO_30B_A3B, mlx-4bit, 6", "GPT_OSS_20B, mlx-4bit, 2", "GPT_OSS_20B, mlx-mxfp4-q8, 2",
			"SMOLLM2_135M, bf16, 2" })
	void presetsWithFewTokensAndExpertsGenerate(Preset preset, String format, int layers) throws IOException {
		ObjectNode config = preset.config(layers).put("vocab_size", 512);
		for (String experts : new String[] { "num_experts", "num_local_experts", "n_routed_experts" }) {
			if (config.has(experts)) {
				config.put(experts, 8);
			}
		}
		checkpoint(config, format).write(this.folder, (what, done, total) -> {
		});
		generate(layers);
	}

	@ParameterizedTest
	@EnumSource
	@Tag("slow") // five gigabytes in all
	void exactPresetsOfTwoLayersGenerate(Preset preset) throws IOException {
		checkpoint(preset.config(2), "mlx-4bit").write(this.folder, (what, done, total) -> {
		});
		generate(2);
	}

	@ParameterizedTest
	@CsvSource({ "QWEN3_30B_A3B, mlx-4bit", "QWEN3_30B_A3B, mlx-nvfp4", "NEMOTRON_3_NANO_30B_A3B, mlx-4bit",
			"GPT_OSS_20B, mlx-4bit" })
	void skewMakesFavouriteExperts(Preset preset, String format) throws IOException {
		ObjectNode config = preset.config(2).put("vocab_size", 512);
		for (String experts : new String[] { "num_experts", "num_local_experts", "n_routed_experts" }) {
			if (config.has(experts)) {
				config.put(experts, 16);
			}
		}
		double flat = hitRate(config, format, 0);
		assertThat(hitRate(config, format, 2)).isGreaterThan(flat + 0.1);
	}

	/** With room for six tenths of the weights. */
	private double hitRate(ObjectNode config, String format, double skew) throws IOException {
		MatrixFormats formats = MatrixFormats.of(format, 64);
		new SyntheticCheckpoint(config, SyntheticTensors.of(config, formats, new SyntheticRouting(skew), 0),
				formats.standard())
			.write(this.folder, (what, done, total) -> {
			});
		FlashConfig.Builder engine = FlashConfig.builder(this.folder.toString())
			.contextLength(64)
			.expertStreaming(new ExpertStreaming(ExpertStreaming.Keep.BY_USE, false));
		ResidencyPlan least = FlashEngine.plan(engine.ramBudget(RamBudget.MINIMUM).build());
		RamBudget budget = RamBudget.ofBytes(least.minimumBytes() + least.weightBytes() * 6 / 10);
		try (FlashEngine loaded = FlashEngine.load(engine.ramBudget(budget).build())) {
			for (int i = 0; i < 24; i++) {
				loaded.logits(new int[] { 1 + 7 * i }, (position, logits) -> assertThat(logits[0]).isFinite());
			}
			return loaded.snapshot().experts().hitRate();
		}
	}

	@Test
	void layersBeyondThoseOfTheModelAreRefused() {
		assertThatIllegalArgumentException().isThrownBy(() -> Preset.SMOLLM2_135M.config(31))
			.withMessage("--layers must be 1 to 30 for smollm2-135m, but is 31");
	}

	private void generate(int layers) {
		try (FlashEngine engine = FlashEngine
			.load(FlashConfig.builder(this.folder.toString()).contextLength(64).build())) {
			assertThat(engine.model().layers()).isEqualTo(layers);
			Usage usage = BudgetBench.generate(engine, 0, 5, 3);
			assertThat(usage.completionTokens()).isEqualTo(3);
			engine.logits(new int[] { 1, 5, 300 }, (position, logits) -> {
				for (float logit : logits) {
					assertThat(logit).isFinite();
				}
			});
		}
	}

	private static TensorList tensors(ObjectNode config, String format) {
		return SyntheticTensors.of(config, MatrixFormats.of(format, 64), new SyntheticRouting(0), 0);
	}

	private static SyntheticCheckpoint checkpoint(ObjectNode config, String format) {
		return new SyntheticCheckpoint(config, tensors(config, format), MatrixFormats.of(format, 64).standard());
	}

	/** A file of the full length with a header and a hole instead of data. */
	private void writeWithoutData(SyntheticCheckpoint model) throws IOException {
		ObjectNode header = JsonMapper.shared().createObjectNode();
		long end = 0;
		for (DType type : new DType[] { DType.U32, DType.F32, DType.BF16, DType.U8 }) {
			for (var tensor : model.tensors().tensors().entrySet()) {
				if (tensor.getValue().dtype() == type) {
					ObjectNode entry = header.putObject(tensor.getKey()).put("dtype", type.name());
					entry.putPOJO("shape", tensor.getValue().shape());
					entry.putPOJO("data_offsets", new long[] { end, end + tensor.getValue().byteSize() });
					end += tensor.getValue().byteSize();
				}
			}
		}
		byte[] json = JsonMapper.shared().writeValueAsString(header).getBytes(StandardCharsets.UTF_8);
		try (RandomAccessFile file = new RandomAccessFile(this.folder.resolve("model.safetensors").toFile(), "rw")) {
			file.write(ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN).putLong(json.length).array());
			file.write(json);
			file.setLength(Long.BYTES + json.length + end);
		}
		Files.writeString(this.folder.resolve("config.json"), model.json());
	}

}
