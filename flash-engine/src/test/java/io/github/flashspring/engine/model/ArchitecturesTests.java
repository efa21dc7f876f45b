package io.github.flashspring.engine.model;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import io.github.flashspring.engine.checkpoint.Checkpoint;
import io.github.flashspring.engine.checkpoint.CheckpointException;
import io.github.flashspring.engine.checkpoint.Safetensors;
import io.github.flashspring.engine.checkpoint.TensorInfo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/**
 * What architectures read from a config, and what they refuse.
 */
class ArchitecturesTests {

	@TempDir
	Path folder;

	@Test
	void unsupportedModelTypeSuggestsTheNearest() throws Exception {
		assertThatExceptionOfType(UnsupportedArchitectureException.class)
			.isThrownBy(() -> define("qwen3", "\"qwen3\"", "\"qwen3_mo\""))
			.withMessageContainingAll("config.json", "Unsupported model type 'qwen3_mo'. Did you mean 'qwen3_moe'?",
					"Supported are deepseek_v2, deepseek_v3, gemma2");
	}

	@ParameterizedTest
	@CsvSource({ "lama, llama", "Qwen3, qwen3", "gpt-oss, gpt_oss", "mistrall, mistral", "qwen2moe, qwen2_moe" })
	void misspelledTypesAreSuggested(String type, String meant) {
		assertThatExceptionOfType(UnsupportedArchitectureException.class)
			.isThrownBy(() -> define("qwen3", "\"qwen3\"", '"' + type + '"'))
			.withMessageContaining("Unsupported model type '" + type + "'. Did you mean '" + meant + "'?");
	}

	@ParameterizedTest
	@ValueSource(strings = { "gemma3", "glm4", "gpt2", "phi", "mllama", "ministral", "olmo3", "mamba", "" })
	void otherArchitecturesAreNotSuggested(String type) {
		assertThatExceptionOfType(UnsupportedArchitectureException.class)
			.isThrownBy(() -> define("qwen3", "\"qwen3\"", '"' + type + '"'))
			.satisfies((ex) -> assertThat(ex).hasMessageNotContaining("Did you mean"));
	}

	@Test
	void wrappersNameTheTextModel() {
		assertThatExceptionOfType(UnsupportedArchitectureException.class).isThrownBy(
				() -> define("qwen3", "\"qwen3\"", "\"gemma3\", \"text_config\": {\"model_type\": \"gemma3_text\"}"))
			.withMessageContaining("It wraps a model of the supported type 'gemma3_text'");
	}

	@Test
	void unsupportedConfigValuesAreRefused() throws Exception {
		assertRefused("llama", "\"silu\"", "\"selu\"",
				"hidden_act \"selu\" is not supported; supported are gelu, gelu_accurate");
		assertRefused("gemma3_text", "\"use_bidirectional_attention\": false", "\"use_bidirectional_attention\": true",
				"use_bidirectional_attention");
		assertRefused("llama", "\"rope_type\": \"llama3\"", "\"rope_type\": \"dynamic\"", "how long it becomes");
	}

	private void assertRefused(String name, String text, String replacement, String reason) throws Exception {
		assertThatExceptionOfType(UnsupportedArchitectureException.class)
			.isThrownBy(() -> define(name, text, replacement))
			.withMessageContainingAll("config.json", reason);
	}

	@Test
	void nonFiniteGlobalScaleOfExpertsIsRefused() throws Exception {
		Path golden = TestModel.folder("golden-variants/qwen3_moe-mlx-global");
		String tensor = "model.layers.1.mlp.switch_mlp.up_proj.global_scale";
		Files.copy(golden.resolve("config.json"), this.folder.resolve("config.json"));
		byte[] weights = Files.readAllBytes(golden.resolve("model.safetensors"));
		TensorInfo scales = Objects
			.requireNonNull(Safetensors.readHeader(golden.resolve("model.safetensors")).tensors().get(tensor));
		ByteBuffer.wrap(weights).order(ByteOrder.LITTLE_ENDIAN).putFloat((int) scales.offset() + 8, Float.NaN);
		Files.write(this.folder.resolve("model.safetensors"), weights);
		try (Checkpoint checkpoint = Checkpoint.open(this.folder)) {
			assertThatExceptionOfType(CheckpointException.class)
				.isThrownBy(() -> Architectures.define(checkpoint, (most) -> 64))
				.withMessageContainingAll("'" + tensor + "'", "model.safetensors", "finite", "expert 2", "NaN");
		}
	}

	@Test
	void latentAttentionCachesOnlyTheLatentVector() throws Exception {
		ModelDefinition definition = define("deepseek_v3", "\"vocab_size\"", "\"vocab_size\"");
		// 4 layers of 32 numbers and 8 that carry the position
		assertThat(definition.kvBytes(64, 64, 1)).isEqualTo(64 * 4 * 48 * 4L);
	}

	@Test
	void statesCountAsMemoryOfEverySequence() throws Exception {
		ModelDefinition definition = define("nemotron_h", "\"vocab_size\"", "\"vocab_size\"");
		long state = 3 * 192 + 128 * 16;
		assertThat(definition.stateFloats()).isEqualTo(state);
		assertThat(definition.kvBytes(64, 64, 3)).isEqualTo(64 * 2 * 2 * 16 * 4L + 3 * 4 * state);
		assertThat(definition.layerCount()).isEqualTo(4);
	}

	private ModelDefinition define(String name, String text, String replacement) throws Exception {
		Path golden = TestModel.folder("golden/" + name);
		String config = Files.readString(golden.resolve("config.json"));
		assertThat(config).contains(text);
		Files.writeString(this.folder.resolve("config.json"), config.replace(text, replacement));
		if (!Files.exists(this.folder.resolve("model.safetensors"))) {
			Files.copy(golden.resolve("model.safetensors"), this.folder.resolve("model.safetensors"));
		}
		try (Checkpoint checkpoint = Checkpoint.open(this.folder)) {
			return Architectures.define(checkpoint, (most) -> 64);
		}
	}

}
