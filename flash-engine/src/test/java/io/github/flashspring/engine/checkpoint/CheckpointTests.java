package io.github.flashspring.engine.checkpoint;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/**
 * Opening whole checkpoints: files, shards and index, names, mappings, quantised layouts.
 */
class CheckpointTests {

	@TempDir
	Path folder;

	@ParameterizedTest
	@ValueSource(strings = { "golden/llama", "golden/mistral", "golden/qwen2", "golden/qwen3",
			"golden-mlx/llama-4bit-g32", "golden-mlx/llama-4bit-g64", "golden-mlx/llama-8bit-g64",
			"golden-mlx/mistral-4bit-g32", "golden-mlx/qwen2-4bit-g32", "golden-mlx/qwen3-4bit-g32",
			"models/stories260K/f32", "models/stories260K/bf16", "models/stories260K/f16",
			"models/stories260K/mlx-4bit-g32", "models/stories260K/mlx-8bit-g64", "models/babyllama105/f32",
			"models/babyllama105/bf16", "models/babyllama105/mlx-4bit-g32", "models/babyllama105/mlx-8bit-g32" })
	void opensEveryCheckpoint(String name) {
		try (Checkpoint checkpoint = Checkpoint.open(TestData.path(name))) {
			assertThat(checkpoint.folder()).isEqualTo(TestData.path(name));
			assertThat(checkpoint.has("model.layers.0.self_attn.q_proj.weight")).isTrue();
			long bytes = 0;
			for (TensorInfo tensor : checkpoint.tensors().values()) {
				bytes += TensorBytes.read(checkpoint, tensor).byteSize();
			}
			assertThat(checkpoint.totalBytes()).isEqualTo(bytes).isPositive();
			checkpoint.quantization("model.layers.0.self_attn.q_proj")
				.ifPresent((quantization) -> assertThat(name)
					.contains(quantization.bits() + "bit-g" + quantization.groupSize()));
		}
	}

	@Test
	void readsAllShards() throws IOException {
		try (Checkpoint checkpoint = Checkpoint.open(TestData.path("models/stories260K/f16"))) {
			Set<Path> files = new HashSet<>();
			for (TensorInfo tensor : checkpoint.tensors().values()) {
				files.add(tensor.file());
				ByteBuffer read = ByteBuffer.allocate((int) tensor.byteSize());
				checkpoint.read(tensor, 0, read);
				int from = Math.toIntExact(tensor.offset());
				assertThat(read.array())
					.isEqualTo(Arrays.copyOfRange(Files.readAllBytes(tensor.file()), from, from + read.capacity()));
			}
			assertThat(files).hasSize(2);
		}
	}

	@Test
	void givesTheSameValuesInEveryPrecisionOfOneModel() {
		try (Checkpoint full = Checkpoint.open(TestData.path("models/stories260K/f32"));
				Checkpoint half = Checkpoint.open(TestData.path("models/stories260K/f16"))) {
			assertThat(half.tensors().keySet()).isEqualTo(full.tensors().keySet());
			String name = "model.layers.4.mlp.down_proj.weight";
			MemorySegment floats = TensorBytes.read(full, full.tensor(name, 64, 172));
			MemorySegment halves = TensorBytes.read(half, half.tensor(name, 64, 172));
			for (long i = 0; i < full.tensor(name).elements(); i++) {
				float value = floats.getAtIndex(ValueLayout.JAVA_FLOAT_UNALIGNED, i);
				float rounded = Float.float16ToFloat(halves.getAtIndex(ValueLayout.JAVA_SHORT_UNALIGNED, i));
				assertThat(rounded).isEqualTo(Float.float16ToFloat(Float.floatToFloat16(value)));
			}
		}
	}

	@Test
	void quantizationFollowsOverridesAndScales() {
		try (Checkpoint checkpoint = Checkpoint.open(TestData.path("models/stories260K/mlx-4bit-g32"))) {
			assertThat(checkpoint.quantization("model.layers.0.mlp.up_proj"))
				.contains(new Quantization(Quantization.Mode.AFFINE, 4, 32));
			assertThat(checkpoint.quantization("model.layers.0.mlp.down_proj")).isEmpty();
			assertThat(checkpoint.quantization("model.norm")).isEmpty();
		}
	}

	@Test
	void missingTensorNamesSimilarOnes() {
		try (Checkpoint checkpoint = Checkpoint.open(TestData.path("golden/llama"))) {
			assertThatExceptionOfType(CheckpointException.class)
				.isThrownBy(() -> checkpoint.tensor("model.layers.0.self_attn.q_prj.weight"))
				.withMessageContaining("'model.layers.0.self_attn.q_prj.weight' is missing in")
				.withMessageContaining("similar: 'model.layers.0.self_attn.q_proj.weight'");
		}
	}

	@Test
	void tensorOfAnotherShapeIsRefused() {
		try (Checkpoint checkpoint = Checkpoint.open(TestData.path("golden/llama"))) {
			assertThatExceptionOfType(CheckpointException.class)
				.isThrownBy(() -> checkpoint.tensor("model.norm.weight", 65))
				.withMessageContaining("expected shape [65] by config.json, found [64]");
		}
	}

	@Test
	void surplusTensorsAreRefused() {
		try (Checkpoint checkpoint = Checkpoint.open(TestData.path("golden/llama"))) {
			List<String> used = checkpoint.tensors()
				.keySet()
				.stream()
				.filter((name) -> !name.equals("lm_head.weight"))
				.toList();
			assertThatExceptionOfType(CheckpointException.class)
				.isThrownBy(() -> checkpoint.requireNoSurplus(used, (name) -> false))
				.withMessageContaining("has 1 tensors that a model of type 'llama'")
				.withMessageContaining("'lm_head.weight'");
			checkpoint.requireNoSurplus(used, (name) -> name.startsWith("lm_head"));
		}
	}

	@Test
	void missingFolderConfigOrWeightsAreReported() throws IOException {
		assertThatExceptionOfType(CheckpointException.class)
			.isThrownBy(() -> Checkpoint.open(this.folder.resolve("none")))
			.withMessageContaining("There is no model folder");
		assertThatExceptionOfType(CheckpointException.class).isThrownBy(() -> Checkpoint.open(this.folder))
			.withMessageContaining("has no config.json");
		Files.writeString(this.folder.resolve("config.json"), "{}");
		assertThatExceptionOfType(CheckpointException.class).isThrownBy(() -> Checkpoint.open(this.folder))
			.withMessageContaining("has no *.safetensors");
	}

	@Test
	void takesTheOnlySafetensorsFileUnderAnyName() throws IOException {
		Files.writeString(this.folder.resolve("config.json"), "{}");
		write("weights.safetensors", "a");
		try (Checkpoint checkpoint = Checkpoint.open(this.folder)) {
			assertThat(checkpoint.tensors()).containsOnlyKeys("a");
		}
		write("more.safetensors", "b");
		assertThatExceptionOfType(CheckpointException.class).isThrownBy(() -> Checkpoint.open(this.folder))
			.withMessageContaining("2 safetensors files ('more.safetensors', 'weights.safetensors')");
	}

	@Test
	void indexIsCheckedAgainstShards() throws IOException {
		Files.writeString(this.folder.resolve("config.json"), "{}");
		write("model-1.safetensors", "a", "b");
		write("model-2.safetensors", "c");
		index("""
				{"a": "model-1.safetensors", "b": "model-1.safetensors", "c": "model-2.safetensors"}""");
		try (Checkpoint checkpoint = Checkpoint.open(this.folder)) {
			assertThat(checkpoint.tensors()).containsOnlyKeys("a", "b", "c");
		}
		refusesIndex("""
				{"a": "model-1.safetensors", "b": "model-1.safetensors"}""", null);
		refusesIndex("""
				{"a": "model-1.safetensors", "c": "model-2.safetensors"}""", "Tensor 'b' of");
		refusesIndex("""
				{"a": "model-1.safetensors", "b": "model-2.safetensors", "c": "model-2.safetensors"}""",
				"Tensor 'b' is missing in the shard 'model-2.safetensors'");
		refusesIndex("""
				{"a": "model-1.safetensors", "b": "model-3.safetensors"}""", "shard 'model-3.safetensors'");
		refusesIndex("{}", "at least one tensor");
		for (String file : List.of("../model-1.safetensors", "/etc/x.safetensors", "x/model-1.safetensors",
				"..\\\\x.safetensors", "config.json", ".safetensors", "a\\u0000.safetensors")) {
			refusesIndex("{\"a\": \"" + file + "\"}", "the name of a *.safetensors file in the same folder");
		}
		refusesIndex("{\"a\": 1}", "'weight_map.a'");
		refusesIndex("[]", "expected an object, found an array");
		write("model-2.safetensors", "c", "a");
		refusesIndex("""
				{"a": "model-1.safetensors", "b": "model-1.safetensors", "c": "model-2.safetensors"}""",
				"Tensor 'a' is in two shards");
	}

	@Test
	void singleFileWinsOverTheIndexOfOthers() throws IOException {
		Files.writeString(this.folder.resolve("config.json"), "{}");
		write("model.safetensors", "a");
		write("other.safetensors", "b");
		index("{\"b\": \"other.safetensors\"}");
		try (Checkpoint checkpoint = Checkpoint.open(this.folder)) {
			assertThat(checkpoint.tensors()).containsOnlyKeys("a");
		}
		refusesIndex("{\"a\": \"model.safetensors\", \"b\": \"model.safetensors\"}", "'b' is missing in the shard");
	}

	@Test
	void fileThatChangesItsSizeIsNoticed() throws IOException {
		Files.writeString(this.folder.resolve("config.json"), "{}");
		write("model.safetensors", "a");
		try (Checkpoint checkpoint = Checkpoint.open(this.folder)) {
			TensorInfo tensor = checkpoint.tensor("a");
			assertThat(checkpoint.channel(tensor.file()).isOpen()).isTrue();
			try (RandomAccessFile file = new RandomAccessFile(tensor.file().toFile(), "rw")) {
				file.setLength(file.length() - 3);
			}
			assertThatExceptionOfType(CheckpointException.class).isThrownBy(() -> checkpoint.channel(tensor.file()))
				.withMessageContainingAll("model.safetensors", "was truncated while in use");
			assertThatExceptionOfType(CheckpointException.class)
				.isThrownBy(() -> checkpoint.read(tensor, 0, ByteBuffer.allocate(8)))
				.withMessageContaining("inside of tensor 'a'");
		}
	}

	@Test
	void staleIndexNextToCompleteFileIsIgnored() throws IOException {
		Files.writeString(this.folder.resolve("config.json"), "{}");
		write("model.safetensors", "a");
		index("{\"a\": \"model-00001-of-00002.safetensors\", \"b\": \"model-00002-of-00002.safetensors\"}");
		try (Checkpoint checkpoint = Checkpoint.open(this.folder)) {
			assertThat(checkpoint.tensors()).containsOnlyKeys("a");
		}
		Files.writeString(this.folder.resolve("model.safetensors.index.json"), "no index");
		try (Checkpoint checkpoint = Checkpoint.open(this.folder)) {
			assertThat(checkpoint.tensors()).containsOnlyKeys("a");
		}
	}

	@Test
	void adaptersAloneAreRefused() throws IOException {
		Files.writeString(this.folder.resolve("adapter_config.json"),
				"{\"peft_type\": \"LORA\", \"base_model_name_or_path\": \"Qwen/Qwen3-4B\"}");
		write("adapter_model.safetensors", "a");
		for (boolean config : new boolean[] { false, true }) {
			if (config) {
				Files.writeString(this.folder.resolve("config.json"), "{}");
			}
			assertThatExceptionOfType(CheckpointException.class).isThrownBy(() -> Checkpoint.open(this.folder))
				.withMessageContaining("holds a PEFT adapter (adapter_config.json) and no model")
				.withMessageContaining("Merge it into its base model 'Qwen/Qwen3-4B'");
		}
	}

	@Test
	void filesThatWereNotDownloadedSaySo() throws IOException {
		String pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n";
		Files.writeString(this.folder.resolve("config.json"), "{}");
		Files.writeString(this.folder.resolve("model.safetensors"), pointer);
		assertThatExceptionOfType(CheckpointException.class).isThrownBy(() -> Checkpoint.open(this.folder))
			.withMessageContainingAll("model.safetensors is a Git LFS pointer", "git lfs pull");
		Files.writeString(this.folder.resolve("model.safetensors"), "<!doctype html>\n<html><title>401</title></html>");
		assertThatExceptionOfType(CheckpointException.class).isThrownBy(() -> Checkpoint.open(this.folder))
			.withMessageContaining("model.safetensors is an HTML page");
		Files.writeString(this.folder.resolve("config.json"), "  <html>");
		assertThatExceptionOfType(CheckpointException.class).isThrownBy(() -> Checkpoint.open(this.folder))
			.withMessageContaining("config.json is an HTML page");
	}

	private void refusesIndex(String weightMap, @Nullable String message) throws IOException {
		index(weightMap);
		if (message == null) {
			try (Checkpoint checkpoint = Checkpoint.open(this.folder)) {
				assertThat(checkpoint.tensors()).containsOnlyKeys("a", "b");
			}
		}
		else {
			assertThatExceptionOfType(CheckpointException.class).isThrownBy(() -> Checkpoint.open(this.folder))
				.withMessageContaining(message);
		}
	}

	private void index(String weightMap) throws IOException {
		Files.writeString(this.folder.resolve("model.safetensors.index.json"), "{\"weight_map\": " + weightMap + "}");
	}

	private void write(String file, String... names) throws IOException {
		Map<String, TensorSource> tensors = new LinkedHashMap<>();
		Stream.of(names).forEach((name) -> tensors.put(name, TensorSource.of(new float[] { 1, 2 }, 2)));
		Safetensors.write(this.folder.resolve(file), tensors, Map.of("format", "pt"));
		assertThat(new String(Files.readAllBytes(this.folder.resolve(file)), StandardCharsets.ISO_8859_1))
			.contains("\"format\":\"pt\"");
	}

	private static TensorSource zeros(DType dtype, long... shape) {
		long bytes = TensorInfo.byteSize(dtype, shape);
		return TensorSource.of(dtype, MemorySegment.ofArray(new byte[(int) bytes]), shape);
	}

}
