package io.github.flashspring.engine;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import io.github.flashspring.engine.checkpoint.Checkpoint;
import io.github.flashspring.engine.checkpoint.DType;
import io.github.flashspring.engine.checkpoint.Safetensors;
import io.github.flashspring.engine.checkpoint.TensorInfo;
import io.github.flashspring.engine.checkpoint.TensorSource;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

import static org.assertj.core.api.Assertions.assertThat;

/** Checkpoints that tie their embedding and have an {@code lm_head} all the same. */
class ShippedHeadTests {

	private static final String EMBEDDING = "model.embed_tokens.weight";

	private static final int LARGE_VOCAB = 1 << 17;

	private static final int HIDDEN = 64;

	@TempDir
	private Path folder;

	@Test
	void copyOfTheEmbeddingAsHeadChangesNoBit() throws Exception {
		Path tied = Golden.path("models/stories260K/bf16");
		write(tied, (embedding) -> embedding, 512);
		int[] tokens = { 1, 403, 407, 261, 378 };
		try (FlashEngine expected = FlashEngine.load(FlashConfig.builder(tied.toString()).contextLength(32).build());
				FlashEngine found = FlashEngine
					.load(FlashConfig.builder(this.folder.toString()).contextLength(32).build())) {
			List<float[]> logits = Golden.logits(found, tokens);
			List<float[]> tiedLogits = Golden.logits(expected, tokens);
			assertThat(logits).hasSameSizeAs(tiedLogits);
			for (int i = 0; i < logits.size(); i++) {
				assertThat(logits.get(i)).isEqualTo(tiedLogits.get(i));
			}
		}
	}

	@Test
	@EnabledOnOs(value = OS.LINUX, disabledReason = "elsewhere the system does not count what a process reads")
	void planReadsNoWeights() throws Exception {
		Path tied = Golden.path("models/stories260K/bf16");
		TensorSource large = TensorSource.of(DType.BF16,
				MemorySegment.ofArray(new byte[LARGE_VOCAB * HIDDEN * Short.BYTES]), LARGE_VOCAB, HIDDEN);
		write(tied, (embedding) -> large, LARGE_VOCAB);
		FlashConfig config = FlashConfig.builder(this.folder.toString()).contextLength(32).build();
		FlashEngine.plan(FlashConfig.builder(tied.toString()).contextLength(32).build());
		long before = bytesRead();
		FlashEngine.plan(config);
		assertThat(bytesRead() - before).isLessThan(LARGE_VOCAB * HIDDEN * Short.BYTES / 4);
	}

	private static long bytesRead() throws IOException {
		return Files.readAllLines(Path.of("/proc/self/io"))
			.stream()
			.filter((line) -> line.startsWith("rchar:"))
			.mapToLong((line) -> Long.parseLong(line.substring("rchar:".length()).strip()))
			.findFirst()
			.orElseThrow();
	}

	/** Writes a checkpoint again, with another embedding that is the head as well. */
	private void write(Path source, Change change, int vocab) throws IOException {
		try (DirectoryStream<Path> files = Files.newDirectoryStream(source)) {
			for (Path file : files) {
				Files.copy(file, this.folder.resolve(file.getFileName().toString()));
			}
		}
		Files.delete(this.folder.resolve("model.safetensors"));
		ObjectNode config = (ObjectNode) JsonMapper.shared().readTree(Files.readString(source.resolve("config.json")));
		config.put("vocab_size", vocab);
		Files.writeString(this.folder.resolve("config.json"), config.toString());
		Map<String, TensorSource> tensors = new LinkedHashMap<>();
		try (Checkpoint checkpoint = Checkpoint.open(source)) {
			for (TensorInfo tensor : checkpoint.tensors().values()) {
				ByteBuffer bytes = ByteBuffer.allocate(Math.toIntExact(tensor.byteSize()));
				checkpoint.read(tensor, 0, bytes);
				tensors.put(tensor.name(),
						TensorSource.of(tensor.dtype(), MemorySegment.ofBuffer(bytes.flip()), tensor.shape()));
			}
		}
		tensors.computeIfPresent(EMBEDDING, (name, embedding) -> change.of(embedding));
		assertThat(tensors).containsKey(EMBEDDING).doesNotContainKey("lm_head.weight");
		tensors.put("lm_head.weight", tensors.get(EMBEDDING));
		Safetensors.write(this.folder.resolve("model.safetensors"), tensors, Map.of());
	}

	/** Changes an embedding. */
	private interface Change {

		TensorSource of(TensorSource embedding);

	}

}
