package io.github.flashspring.engine.checkpoint.gguf;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;

import io.github.flashspring.engine.checkpoint.Checkpoint;
import io.github.flashspring.engine.checkpoint.CheckpointException;
import io.github.flashspring.engine.checkpoint.DType;
import io.github.flashspring.engine.checkpoint.ModelConfig;
import io.github.flashspring.engine.checkpoint.Quantization;
import io.github.flashspring.engine.checkpoint.RopeParameters;
import io.github.flashspring.engine.checkpoint.TensorBytes;
import io.github.flashspring.engine.checkpoint.TensorInfo;
import io.github.flashspring.engine.checkpoint.TestData;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/**
 * Whole imports: a trained model against its safetensors, small made-up ones against what
 * went in, and what is refused.
 */
class GgufImporterTests {

	private static final Path STORIES = TestData.path("models/stories260K");

	private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED
		.withOrder(ByteOrder.LITTLE_ENDIAN);

	private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED
		.withOrder(ByteOrder.LITTLE_ENDIAN);

	@TempDir
	Path folder;

	@Test
	void trainedModelInF32IsTheSameBitForBit() throws IOException {
		List<String> seen = new ArrayList<>();
		ImportReport report = GgufImporter.importFile(STORIES.resolve("gguf/stories260K-f32.gguf"), out(),
				(tensor, done, total) -> {
					seen.add(tensor);
					assertThat(done).isLessThanOrEqualTo(total);
				});
		assertThat(report.modelName()).isEqualTo("stories260K");
		assertThat(report.tensors()).isEqualTo(47);
		assertThat(seen).hasSize(47);
		try (Checkpoint imported = Checkpoint.open(out());
				Checkpoint original = Checkpoint.open(STORIES.resolve("f32"))) {
			assertThat(imported.tensors().keySet()).isEqualTo(original.tensors().keySet());
			for (TensorInfo tensor : original.tensors().values()) {
				TensorInfo same = imported.tensor(tensor.name(), tensor.shape());
				assertThat(TensorBytes.read(imported, same).mismatch(TensorBytes.read(original, tensor)))
					.as(tensor.name())
					.isEqualTo(-1);
			}
			assertThat(imported.totalBytes()).isEqualTo(report.bytes());
			ModelConfig ours = imported.config();
			for (String name : List.of("hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads",
					"num_key_value_heads", "head_dim", "vocab_size", "max_position_embeddings", "bos_token_id",
					"eos_token_id")) {
				assertThat(ours.getInt(name)).as(name).isEqualTo(original.config().getInt(name));
			}
			assertThat(ours.getDouble("rms_norm_eps")).isEqualTo(1e-5);
			assertThat(ours.getBoolean("tie_word_embeddings")).isTrue();
		}
	}

	@Test
	void trainedTokenizerIsTheSame() throws IOException {
		GgufImporter.importFile(STORIES.resolve("gguf/stories260K-f32.gguf"), out(), GgufImporterTests::ignore);
		assertThat(json("tokenizer.json"))
			.isEqualTo(JsonMapper.shared().readTree(STORIES.resolve("f32/tokenizer.json")));
		JsonNode config = json("tokenizer_config.json");
		assertThat(config.path("add_bos_token").booleanValue()).isTrue();
		assertThat(config.path("bos_token").stringValue()).isEqualTo("<s>");
		assertThat(json("generation_config.json").path("eos_token_id").toString()).isEqualTo("[2]");
	}

	@Test
	void trainedModelInQ80HasTheValuesOfItsBlocks() throws IOException {
		Path gguf = STORIES.resolve("gguf/stories260K-q8_0.gguf");
		GgufImporter.importFile(gguf, out(), GgufImporterTests::ignore);
		try (GgufFile file = GgufFile.open(gguf); Checkpoint imported = Checkpoint.open(out())) {
			assertThat(imported.quantization("model.layers.4.mlp.up_proj"))
				.contains(new Quantization(Quantization.Mode.AFFINE, 8, 32));
			assertThat(imported.quantization("model.layers.4.mlp.down_proj")).isEmpty();
			GgufTensor tensor = Objects.requireNonNull(file.tensors().get("blk.4.attn_k.weight"));
			assertThat(tensor.type()).isEqualTo(GgufType.Q8_0);
			float[][] values = affine(imported, "model.layers.4.self_attn.k_proj");
			byte[] data = new byte[(int) tensor.byteSize()];
			file.read(tensor, 0, ByteBuffer.wrap(data));
			for (int row = 0; row < 32; row++) {
				// Heads of 8 rows: neighbours in the file are halves of a head here.
				int source = row / 8 * 8 + 2 * (row % 4) + row % 8 / 4;
				for (int column = 0; column < 64; column++) {
					MemorySegment block = MemorySegment.ofArray(data)
						.asSlice(source * tensor.rowBytes() + column / 32 * 34L, 34);
					float d = Float.float16ToFloat(block.get(SHORT, 0));
					assertThat(values[row][column])
						.isEqualTo(d * block.get(ValueLayout.JAVA_BYTE, 2 + column % 32) + 0f);
				}
			}
		}
	}

	@ParameterizedTest
	@ValueSource(strings = { "Q4_0", "Q4_1", "Q8_0" })
	void blocksOf32BecomeAffineGroups(GgufType type) throws IOException {
		GgufBuilder builder = GgufBuilder.llama()
			.random("blk.0.ffn_up.weight", type, 64, 32)
			.random("blk.0.ffn_gate.weight", type, 64, 32);
		doImport(builder);
		AffineBlocks blocks = AffineBlocks.of(type).orElseThrow();
		byte[] data = builder.data("blk.0.ffn_up.weight");
		try (Checkpoint imported = Checkpoint.open(out())) {
			assertThat(imported.quantization("model.layers.0.mlp.up_proj")).contains(blocks.quantization());
			assertThat(imported.quantization("model.layers.0.mlp.down_proj")).isEmpty();
			assertThat(imported.tensor("model.layers.0.mlp.up_proj.scales").dtype()).isEqualTo(DType.F16);
			float[][] values = affine(imported, "model.layers.0.mlp.up_proj");
			for (int row = 0; row < 64; row++) {
				byte[] block = Arrays.copyOfRange(data, row * type.blockBytes(), (row + 1) * type.blockBytes());
				assertThat(values[row]).isEqualTo(AffineBlocksTests.affine(blocks, block));
			}
		}
	}

	@Test
	void scalesThatHalfCannotHoldBecomeSingle() throws IOException {
		byte[] data = new byte[64 * 34];
		for (int row = 0; row < 64; row++) {
			ByteBuffer.wrap(data)
				.order(ByteOrder.LITTLE_ENDIAN)
				.putShort(row * 34, Float.floatToFloat16(60_000))
				.put(row * 34 + 2, (byte) row);
		}
		doImport(GgufBuilder.llama().tensor("blk.0.ffn_up.weight", GgufType.Q8_0, data, 64, 32));
		try (Checkpoint imported = Checkpoint.open(out())) {
			assertThat(imported.tensor("model.layers.0.mlp.up_proj.biases").dtype()).isEqualTo(DType.F32);
			float d = Float.float16ToFloat(Float.floatToFloat16(60_000));
			assertThat(affine(imported, "model.layers.0.mlp.up_proj")[63][0]).isEqualTo(63 * d);
		}
	}

	@Test
	void plainTypesStayAndOthersBecomeF16() throws IOException {
		GgufBuilder builder = GgufBuilder.llama()
			.set("llama.embedding_length", 256)
			.set("llama.attention.head_count", 16)
			.set("llama.attention.head_count_kv", 1);
		builder.random("token_embd.weight", GgufType.BF16, 8, 256)
			.random("output.weight", GgufType.F16, 8, 256)
			.random("output_norm.weight", GgufType.F32, 256)
			.random("blk.0.attn_norm.weight", GgufType.F32, 256)
			.random("blk.0.ffn_norm.weight", GgufType.F32, 256)
			.random("blk.0.attn_q.weight", GgufType.Q6_K, 256, 256)
			.random("blk.0.attn_k.weight", GgufType.Q4_K, 16, 256)
			.random("blk.0.attn_v.weight", GgufType.Q5_K, 16, 256)
			.random("blk.0.attn_output.weight", GgufType.Q5_0, 256, 256)
			.random("blk.0.ffn_gate.weight", GgufType.Q6_K, 64, 256)
			.random("blk.0.ffn_up.weight", GgufType.Q5_1, 64, 256)
			.random("blk.0.ffn_down.weight", GgufType.F32, 256, 64);
		ImportReport report = doImport(builder);
		assertThat(report.notes())
			.contains("2 tensors of type Q6_K became F16: model.layers.0.self_attn.q_proj.weight, "
					+ "model.layers.0.mlp.gate_proj.weight");
		try (Checkpoint imported = Checkpoint.open(out())) {
			assertThat(imported.tensor("model.embed_tokens.weight", 8, 256).dtype()).isEqualTo(DType.BF16);
			assertThat(imported.tensor("lm_head.weight", 8, 256).dtype()).isEqualTo(DType.F16);
			assertThat(imported.config().getBoolean("tie_word_embeddings")).isFalse();
			assertThat(imported.config().has("quantization")).isFalse();
			TensorInfo gate = imported.tensor("model.layers.0.mlp.gate_proj.weight", 64, 256);
			assertThat(gate.dtype()).isEqualTo(DType.F16);
			MemorySegment gates = TensorBytes.read(imported, gate);
			byte[] data = builder.data("blk.0.ffn_gate.weight");
			float[] values = new float[256];
			for (int row = 0; row < 64; row++) {
				BlockDecoder.of(GgufType.Q6_K).orElseThrow().decode(MemorySegment.ofArray(data), row * 210L, values, 0);
				for (int column = 0; column < 256; column++) {
					assertThat(gates.getAtIndex(SHORT, row * 256L + column))
						.isEqualTo(Float.floatToFloat16(values[column]));
				}
			}
		}
	}

	@Test
	void saysWhereHalfPrecisionWouldOverflow() throws IOException {
		byte[] data = new byte[64 * 22];
		ByteBuffer.wrap(data).order(ByteOrder.LITTLE_ENDIAN).putShort(Float.floatToFloat16(60_000));
		ImportReport report = doImport(GgufBuilder.llama()
			.random("blk.0.ffn_gate.weight", GgufType.Q5_0, 64, 32)
			.tensor("blk.0.ffn_up.weight", GgufType.Q5_0, data, 64, 32));
		assertThat(report.notes()).contains("1 tensor of type Q5_0 became F16: model.layers.0.mlp.gate_proj.weight",
				"1 tensor of type Q5_0 became F32: model.layers.0.mlp.up_proj.weight");
		try (Checkpoint imported = Checkpoint.open(out())) {
			TensorInfo up = imported.tensor("model.layers.0.mlp.up_proj.weight", 64, 32);
			assertThat(up.dtype()).isEqualTo(DType.F32);
			assertThat(TensorBytes.read(imported, up).get(ValueLayout.JAVA_FLOAT_UNALIGNED, 0))
				.isEqualTo(-16 * Float.float16ToFloat(Float.floatToFloat16(60_000)));
		}
	}

	@Test
	void biasesAreCompletedAndPutBack() throws IOException {
		float[] bias = new float[32];
		for (int i = 0; i < 32; i++) {
			bias[i] = i;
		}
		doImport(GgufBuilder.llama().floats("blk.0.attn_q.bias", bias, 32));
		try (Checkpoint imported = Checkpoint.open(out())) {
			assertThat(imported.config().getBoolean("attention_bias")).isTrue();
			assertThat(imported.config().getBoolean("mlp_bias")).isFalse();
			MemorySegment q = TensorBytes.read(imported, imported.tensor("model.layers.0.self_attn.q_proj.bias", 32));
			assertThat(Stream.of(0, 1, 8, 9, 16, 24).map((i) -> q.getAtIndex(FLOAT, i))).containsExactly(0f, 2f, 1f, 3f,
					16f, 17f);
			MemorySegment o = TensorBytes.read(imported, imported.tensor("model.layers.0.self_attn.o_proj.bias", 32));
			assertThat(o.toArray(FLOAT)).containsOnly(0f);
			assertThat(imported.tensor("model.layers.0.self_attn.k_proj.bias", 16).elements()).isEqualTo(16);
		}
	}

	@ParameterizedTest
	@CsvSource({ "8, 1, 4, 8192, 500000, 64", "32, 1, 4, 8192, 500000, 128", "8, 1, 4, 64, 500000, 16",
			"4, 1, 8, 4096, 10000, 128" })
	void frequencyFactorsBecomeLlama3Scaling(double factor, double low, double high, int positions, float theta,
			int headDim) throws IOException {
		RopeFactors.Llama3 scaling = new RopeFactors.Llama3(factor, low, high, positions);
		float[] divisors = new float[headDim / 2];
		for (int i = 0; i < divisors.length; i++) {
			divisors[i] = (float) scaling.divisor(Math.pow(theta, -2.0 * i / headDim));
		}
		doImport(rope(headDim, theta).floats("rope_freqs.weight", divisors, headDim / 2));
		RopeParameters rope = ModelConfig.read(out().resolve("config.json")).ropeParameters();
		assertThat(rope.type()).isEqualTo("llama3");
		assertThat(rope.theta()).isEqualTo(theta);
		assertThat(rope.factor()).isEqualTo(factor);
		assertThat(rope.highFreqFactor() / rope.lowFreqFactor()).isEqualTo(high / low);
		assertThat(rope.originalMaxPositionEmbeddings().orElseThrow() / rope.lowFreqFactor())
			.isEqualTo(positions / low);
	}

	@Test
	void otherFrequencyFactorsAreRefused() throws IOException {
		float[] divisors = { 1, 1, 1, 1, 2, 1, 5, 8 };
		refuses(rope(16, 10_000).floats("rope_freqs.weight", divisors, 8),
				"holds frequency factors that are not those of Llama 3");
		float[] ones = { 1, 1, 1, 1, 1, 1, 1, 1 };
		doImport(rope(16, 10_000).floats("rope_freqs.weight", ones, 8));
		assertThat(ModelConfig.read(out().resolve("config.json")).ropeParameters().type()).isEqualTo("default");
	}

	@Test
	void linearScalingIsKept() throws IOException {
		doImport(GgufBuilder.llama().set("llama.rope.scaling.type", "linear").set("llama.rope.scaling.factor", 4f));
		RopeParameters rope = ModelConfig.read(out().resolve("config.json")).ropeParameters();
		assertThat(rope.type()).isEqualTo("linear");
		assertThat(rope.factor()).isEqualTo(4);
	}

	@Test
	void byteLevelTokenizerWithTemplate() throws IOException {
		doImport(GgufBuilder.llama()
			.version(2)
			.set("tokenizer.ggml.pre", "smollm")
			.set("tokenizer.ggml.add_bos_token", true)
			.set("general.sampling.temp", 0.2f)
			.set("tokenizer.chat_template", "{{ messages }}"));
		JsonNode tokenizer = json("tokenizer.json");
		assertThat(tokenizer.path("model").path("vocab").path("abc").intValue()).isEqualTo(4);
		assertThat(tokenizer.path("model").path("merges").toString()).isEqualTo("[\"a b\",\"ab c\"]");
		assertThat(tokenizer.path("pre_tokenizer").path("pretokenizers").path(0).path("type").stringValue())
			.isEqualTo("Digits");
		assertThat(tokenizer.path("added_tokens").path(1).path("content").stringValue()).isEqualTo("<|im_end|>");
		assertThat(
				tokenizer.path("post_processor").path("single").path(0).path("SpecialToken").path("id").stringValue())
			.isEqualTo("<|im_start|>");
		assertThat(json("tokenizer_config.json").path("chat_template").stringValue()).isEqualTo("{{ messages }}");
		JsonNode generation = json("generation_config.json");
		assertThat(generation.path("eos_token_id").toString()).isEqualTo("[7]");
		assertThat(generation.path("temperature").doubleValue()).isEqualTo(0.2);
	}

	@Test
	void fileWithoutTokenizerIsImported() throws IOException {
		GgufBuilder builder = GgufBuilder.llama();
		for (String key : List.of("model", "pre", "tokens", "token_type", "merges", "bos_token_id", "eos_token_id")) {
			builder.without("tokenizer.ggml." + key);
		}
		ImportReport report = doImport(builder);
		assertThat(report.notes()).containsExactly("The file has no tokenizer: the checkpoint takes token ids only");
		assertThat(out().resolve("tokenizer.json")).doesNotExist();
	}

	@Test
	void whatCannotBeImportedIsRefused() throws IOException {
		refuses(GgufBuilder.llama().set("general.architecture", "qwen2"), "'llama', the only one that import reads");
		refuses(GgufBuilder.llama().set("llama.expert_count", 8), "Key 'llama.expert_count'");
		refuses(GgufBuilder.llama().set("llama.attention.sliding_window", 8), "Key 'llama.attention.sliding_window'");
		refuses(GgufBuilder.llama().set("llama.rope.scaling.type", "yarn").set("llama.rope.scaling.factor", 2f),
				"expected 'none' or 'linear', found the text 'yarn'");
		refuses(GgufBuilder.llama().set("llama.rope.dimension_count", 8), "expected 16, the size of a head, found 8");
		refuses(GgufBuilder.llama()
			.random("blk.0.ffn_up.weight", GgufType.IQ4_NL, 64, 32)
			.tensor("blk.0.ffn_gate.weight", GgufType.Q8_1, new byte[64 * 36], 64, 32),
				"has type Q8_1, which import does not read");
		refuses(GgufBuilder.llama().random("blk.0.attn_q_norm.weight", GgufType.F32, 16),
				"Tensor 'blk.0.attn_q_norm.weight' of");
		refuses(GgufBuilder.llama().random("blk.1.attn_q.weight", GgufType.F32, 32, 32),
				"does not belong to a Llama of 1 layers");
		refuses(GgufBuilder.llama().without("blk.0.ffn_up.weight"), "'model.layers.0.mlp.up_proj.weight'");
		refuses(GgufBuilder.llama().random("blk.0.attn_q.weight", GgufType.F32, 31, 32), "expected 2 heads of 16 rows");
		refuses(GgufBuilder.llama().set("tokenizer.ggml.model", "bert"), "Key 'tokenizer.ggml.model'");
		refuses(GgufBuilder.llama().set("tokenizer.ggml.pre", "future"), "a known way to cut text");
		refuses(GgufBuilder.llama().set("tokenizer.ggml.merges", List.of("a x")), "the text 'a x'");
		refuses(GgufBuilder.llama().set("tokenizer.ggml.merges", List.of("ab")), "the text 'ab'");
		refuses(GgufBuilder.llama().set("tokenizer.ggml.tokens", List.of("a", "a")), "token 0 again as token 1");
		refuses(GgufBuilder.llama().set("tokenizer.ggml.bos_token_id", 8), "a whole number from 0 to 7, found 8");
		refuses(GgufBuilder.llama().set("llama.block_count", 100_000), "from 1 to 10000, found 100000");
		refuses(GgufBuilder.llama().set("llama.embedding_length", 64), "Tensor");
		byte[] infinite = new byte[64 * 34];
		infinite[1] = 0x7c;
		refuses(GgufBuilder.llama().tensor("blk.0.ffn_up.weight", GgufType.Q8_0, infinite, 64, 32),
				"values that are not finite numbers (block 0)");
	}

	/** After each of the tensors was written; a mapping of the file would end the JVM. */
	@ParameterizedTest
	@ValueSource(longs = { 0, 20_000 })
	void fileThatIsTruncatedMeanwhileIsRefused(long size) throws IOException {
		List<String> tensors = new ArrayList<>();
		GgufImporter.importFile(manyTypes().write(gguf()), this.folder.resolve("whole"),
				(tensor, done, total) -> tensors.add(tensor));
		assertThat(tensors).hasSizeGreaterThan(12);
		for (String last : tensors) {
			manyTypes().write(gguf());
			assertThatExceptionOfType(CheckpointException.class)
				.isThrownBy(() -> GgufImporter.importFile(gguf(), out(),
						(tensor, done, total) -> truncate(tensor, last, size)))
				.as(last)
				.withMessageContaining("The file " + gguf() + " was truncated while in use")
				.withMessageContaining("found " + size);
			assertThat(out()).doesNotExist();
		}
		try (Stream<Path> left = Files.list(this.folder)) {
			assertThat(left).containsExactlyInAnyOrder(gguf(), this.folder.resolve("whole"));
		}
	}

	private void truncate(String tensor, String last, long size) {
		if (tensor.equals(last)) {
			try (FileChannel channel = FileChannel.open(gguf(), StandardOpenOption.WRITE)) {
				channel.truncate(size);
			}
			catch (IOException ex) {
				throw new UncheckedIOException(ex);
			}
		}
	}

	@Test
	void fileThatIsOverwrittenMeanwhileIsRefused() throws IOException {
		manyTypes().write(gguf());
		Files.setLastModifiedTime(gguf(), FileTime.fromMillis(1_000_000_000_000L));
		byte[] other = Files.readAllBytes(gguf());
		assertThatExceptionOfType(CheckpointException.class)
			.isThrownBy(() -> GgufImporter.importFile(gguf(), out(), (tensor, done, total) -> {
				try {
					Files.write(gguf(), other, StandardOpenOption.WRITE);
				}
				catch (IOException ex) {
					throw new UncheckedIOException(ex);
				}
			}))
			.withMessageContaining("The file " + gguf() + " was changed while in use: importing it");
		assertThat(out()).doesNotExist();
	}

	/** Tensors of several reads each. */
	@ParameterizedTest
	@ValueSource(strings = { "Q8_0", "Q4_1", "Q5_0" })
	void largeTensorsAreReadWhole(GgufType type) throws IOException {
		int rows = 100_000;
		GgufBuilder builder = GgufBuilder.llama()
			.set("llama.feed_forward_length", rows)
			.random("blk.0.ffn_up.weight", type, rows, 32)
			.random("blk.0.ffn_gate.weight", GgufType.F16, rows, 32)
			.random("blk.0.ffn_down.weight", GgufType.F32, 32, rows);
		doImport(builder);
		byte[] data = builder.data("blk.0.ffn_up.weight");
		try (Checkpoint imported = Checkpoint.open(out())) {
			for (String part : List.of("gate", "down")) {
				MemorySegment found = TensorBytes.read(imported,
						imported.tensor("model.layers.0.mlp." + part + "_proj.weight"));
				assertThat(found.mismatch(MemorySegment.ofArray(builder.data("blk.0.ffn_" + part + ".weight"))))
					.isEqualTo(-1);
			}
			if (type == GgufType.Q5_0) {
				MemorySegment halves = TensorBytes.read(imported,
						imported.tensor("model.layers.0.mlp.up_proj.weight", rows, 32));
				float[] values = new float[32];
				for (int row = 0; row < rows; row++) {
					BlockDecoder.of(type)
						.orElseThrow()
						.decode(MemorySegment.ofArray(data), row * (long) type.blockBytes(), values, 0);
					for (int column = 0; column < 32; column++) {
						assertThat(halves.getAtIndex(SHORT, row * 32L + column))
							.isEqualTo(Float.floatToFloat16(values[column]));
					}
				}
				return;
			}
			AffineBlocks blocks = AffineBlocks.of(type).orElseThrow();
			float[][] values = affine(imported, "model.layers.0.mlp.up_proj");
			for (int row = 0; row < rows; row++) {
				byte[] block = Arrays.copyOfRange(data, row * type.blockBytes(), (row + 1) * type.blockBytes());
				assertThat(values[row]).isEqualTo(AffineBlocksTests.affine(blocks, block));
			}
		}
	}

	private static GgufBuilder manyTypes() {
		return GgufBuilder.llama()
			.random("blk.0.attn_q.weight", GgufType.Q8_0, 32, 32)
			.random("blk.0.ffn_up.weight", GgufType.Q4_0, 64, 32)
			.random("blk.0.ffn_gate.weight", GgufType.Q5_0, 64, 32)
			.random("output.weight", GgufType.BF16, 8, 32);
	}

	@Test
	void folderWithContentIsLeftAlone() throws IOException {
		Files.createDirectories(out());
		doImport(GgufBuilder.llama());
		assertThat(out().resolve("config.json")).exists();
		assertThatExceptionOfType(CheckpointException.class).isThrownBy(() -> doImport(GgufBuilder.llama()))
			.withMessageContaining("exists already and is not empty");
		try (Stream<Path> files = Files.list(this.folder)) {
			assertThat(files).containsExactlyInAnyOrder(out(), this.folder.resolve("model.gguf"));
		}
	}

	private static GgufBuilder rope(int headDim, float theta) {
		GgufBuilder builder = GgufBuilder.llama()
			.set("llama.rope.freq_base", theta)
			.set("llama.attention.key_length", headDim)
			.set("llama.attention.value_length", headDim)
			.set("llama.rope.dimension_count", headDim);
		return builder.random("blk.0.attn_q.weight", GgufType.F32, 2 * headDim, 32)
			.random("blk.0.attn_k.weight", GgufType.F32, headDim, 32)
			.random("blk.0.attn_v.weight", GgufType.F32, headDim, 32)
			.random("blk.0.attn_output.weight", GgufType.F32, 32, 2 * headDim);
	}

	private void refuses(GgufBuilder builder, String message) throws IOException {
		assertThatExceptionOfType(CheckpointException.class).isThrownBy(() -> doImport(builder))
			.withMessageContaining(message);
		assertThat(out()).doesNotExist();
		Files.delete(this.folder.resolve("model.gguf"));
		try (Stream<Path> left = Files.list(this.folder)) {
			assertThat(left).isEmpty();
		}
	}

	private ImportReport doImport(GgufBuilder builder) throws IOException {
		return GgufImporter.importFile(builder.write(gguf()), out(), GgufImporterTests::ignore);
	}

	/** The values of a quantised matrix, as the engine computes them. */
	private static float[][] affine(Checkpoint checkpoint, String module) {
		Quantization quantization = checkpoint.quantization(module).orElseThrow();
		TensorInfo weight = checkpoint.tensor(module + ".weight");
		TensorInfo scales = checkpoint.tensor(module + ".scales");
		MemorySegment words = TensorBytes.read(checkpoint, weight);
		MemorySegment scale = TensorBytes.read(checkpoint, scales);
		MemorySegment bias = TensorBytes.read(checkpoint, checkpoint.tensor(module + ".biases"));
		int rows = (int) weight.dimension(0);
		int columns = (int) quantization.codes(weight.dimension(1), weight.dtype());
		float[][] values = new float[rows][columns];
		for (int row = 0; row < rows; row++) {
			for (int column = 0; column < columns; column++) {
				int bits = column * quantization.bits();
				int word = words.getAtIndex(ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN),
						row * weight.dimension(1) + bits / 32);
				int code = word >>> (bits % 32) & ((1 << quantization.bits()) - 1);
				long group = row * scales.dimension(1) + column / quantization.groupSize();
				values[row][column] = Math.fma((float) code, plain(scales.dtype(), scale, group),
						plain(scales.dtype(), bias, group));
			}
		}
		return values;
	}

	private static float plain(DType dtype, MemorySegment data, long index) {
		return (dtype == DType.F16) ? Float.float16ToFloat(data.getAtIndex(SHORT, index))
				: data.getAtIndex(FLOAT, index);
	}

	private JsonNode json(String name) {
		return JsonMapper.shared().readTree(out().resolve(name));
	}

	private Path gguf() {
		return this.folder.resolve("model.gguf");
	}

	private Path out() {
		return this.folder.resolve("out");
	}

	private static void ignore(String tensor, long done, long total) {
	}

}
