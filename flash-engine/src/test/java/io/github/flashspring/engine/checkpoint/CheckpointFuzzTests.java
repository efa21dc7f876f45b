package io.github.flashspring.engine.checkpoint;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Damaged files: whatever a bit flip, a splice or a hostile number does to a header or to
 * settings, the answer is a {@link CheckpointException} or a checkpoint that works.
 */
@Timeout(value = 600, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class CheckpointFuzzTests {

	private static final int CASES = 10_000;

	/** For a run by hand, with other cases. */
	private static final int MANY = 30_000;

	private static final List<String> CONFIGS = List.of("golden/llama", "golden/mistral", "golden/qwen3",
			"golden-mlx/llama-4bit-g32", "models/stories260K/mlx-8bit-g64");

	@TempDir
	Path folder;

	@BeforeEach
	void warmUp() throws IOException {
		// Class loading is not what the allocation limit is about.
		Files.writeString(this.folder.resolve("config.json"), "{\"quantization\": {\"bits\": 4, \"group_size\": 32}}");
		Files.write(this.folder.resolve("model.safetensors"), file());
		openAndTouch();
	}

	@Test
	void mutatedHeaders() throws IOException {
		mutateHeaders(20_261_123, CASES);
	}

	@Test
	@Tag("slow")
	void manyMutatedHeaders() throws IOException {
		mutateHeaders(20_261_129, MANY);
	}

	private void mutateHeaders(long seed, int cases) throws IOException {
		byte[] original = file();
		Mutator mutator = new Mutator(new Random(seed));
		FuzzOutcomes outcomes = new FuzzOutcomes();
		for (int i = 0; i < cases; i++) {
			Files.write(this.folder.resolve("model.safetensors"), mutator.file(original));
			outcomes.run(i, this::openAndTouch);
		}
		outcomes.verify();
	}

	@Test
	void mutatedConfigs() throws IOException {
		mutateConfigs(7, CASES);
	}

	@Test
	@Tag("slow")
	void manyMutatedConfigs() throws IOException {
		mutateConfigs(20_261_129, MANY);
	}

	private void mutateConfigs(long seed, int cases) throws IOException {
		Mutator mutator = new Mutator(new Random(seed));
		FuzzOutcomes outcomes = new FuzzOutcomes();
		Path file = this.folder.resolve("config.json");
		for (int i = 0; i < cases; i++) {
			byte[] original = Files.readAllBytes(TestData.path(CONFIGS.get(i % CONFIGS.size())).resolve("config.json"));
			Files.write(file, mutator.text(original));
			outcomes.run(i, this::openAndReadSettings);
		}
		outcomes.verify();
	}

	@Test
	void mutatedIndexes() throws IOException {
		byte[] original = """
				{"metadata": {"total_size": 40}, "weight_map": {"model.embed_tokens.weight": "weights.safetensors",
				 "model.norm.weight": "weights.safetensors", "q.weight": "weights.safetensors", "q.scales":
				 "weights.safetensors", "q.biases": "weights.safetensors", "empty": "weights.safetensors"}}"""
			.getBytes(StandardCharsets.UTF_8);
		// beside a complete model.safetensors, an index does not count
		Files.move(this.folder.resolve("model.safetensors"), this.folder.resolve("weights.safetensors"));
		Mutator mutator = new Mutator(new Random(11));
		FuzzOutcomes outcomes = new FuzzOutcomes();
		for (int i = 0; i < CASES / 10; i++) {
			Files.write(this.folder.resolve("model.safetensors.index.json"), mutator.text(original));
			outcomes.run(i, this::openAndTouch);
		}
		outcomes.verify();
	}

	private void openAndTouch() {
		try (Checkpoint checkpoint = Checkpoint.open(this.folder)) {
			for (TensorInfo tensor : checkpoint.tensors().values()) {
				if (tensor.byteSize() > 0) {
					checkpoint.read(tensor, 0, ByteBuffer.allocate(1));
					checkpoint.read(tensor, tensor.byteSize() - 1, ByteBuffer.allocate(1));
				}
				assertThat(Math.multiplyExact(tensor.elements(), (long) tensor.dtype().bytes()))
					.isEqualTo(tensor.byteSize());
			}
			checkpoint.quantization("q");
			checkpoint.tensor("model.norm.weight", 2);
		}
	}

	/** Reads everything that a model would ask for. */
	private void openAndReadSettings() {
		try (Checkpoint checkpoint = Checkpoint.open(this.folder)) {
			ModelConfig config = checkpoint.config();
			config.modelType();
			config.getStrings("architectures");
			long size = 1;
			for (String name : List.of("num_hidden_layers", "num_attention_heads", "num_key_value_heads", "vocab_size",
					"max_position_embeddings", "hidden_size", "intermediate_size", "head_dim")) {
				size = Math.max(size, config.getInt(name, 1));
			}
			assertThat(size).isLessThanOrEqualTo(Integer.MAX_VALUE);
			assertThat(config.getInt("num_hidden_layers", 1)).isBetween(1, 10_000);
			config.findInt("sliding_window");
			config.getFloat("rms_norm_eps", 1e-6f);
			config.getBoolean("tie_word_embeddings", false);
			config.getInts("eos_token_id");
			RopeParameters rope = config.ropeParameters();
			if (rope.type().equals("llama3")) {
				rope.factor();
				rope.highFreqFactor();
				rope.originalMaxPositionEmbeddings();
			}
			if (config.quantization().isPresent()) {
				checkpoint.quantization("q");
			}
		}
	}

	/** A small file with every kind of entry. */
	private static byte[] file() {
		byte[] header = """
				{"__metadata__":{"format":"pt"},\
				"model.embed_tokens.weight":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},\
				"model.norm.weight":{"dtype":"BF16","shape":[2],"data_offsets":[16,20]},\
				"q.weight":{"dtype":"U32","shape":[1,4],"data_offsets":[20,36]},\
				"q.scales":{"dtype":"F16","shape":[1,1],"data_offsets":[36,38]},\
				"q.biases":{"dtype":"F16","shape":[1,1],"data_offsets":[38,40]},\
				"empty":{"dtype":"I64","shape":[0,8],"data_offsets":[40,40]}}""".getBytes(StandardCharsets.UTF_8);
		ByteBuffer bytes = ByteBuffer.allocate(8 + header.length + 40).order(ByteOrder.LITTLE_ENDIAN);
		return bytes.putLong(header.length).put(header).array();
	}

}
