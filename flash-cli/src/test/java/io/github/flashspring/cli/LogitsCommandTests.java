package io.github.flashspring.cli;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import io.github.flashspring.engine.checkpoint.CheckpointException;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * {@code flash logits} against a scripted engine: the bytes of the file, and what is left
 * of it when something goes wrong.
 */
class LogitsCommandTests {

	private final ScriptedEngine engine = new ScriptedEngine();

	@TempDir
	Path folder;

	@Test
	void fileHoldsTheLogitsOfAllPositions() throws IOException {
		Path file = this.folder.resolve("l.safetensors");
		Call call = logits("3,1", file);
		assertThat(call.code()).isZero();
		assertThat(call.out()).isEmpty();
		assertThat(call.err()).startsWith("logits [2, 4] in ").endsWith("written to " + file + "\n");
		ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
		byte[] header = new byte[Math.toIntExact(bytes.getLong())];
		bytes.get(header);
		assertThat(new String(header, StandardCharsets.US_ASCII).strip())
			.isEqualTo("{\"logits\":{\"dtype\":\"F32\",\"shape\":[2,4],\"data_offsets\":[0,32]}}");
		assertThat((8 + header.length) % 8).isZero();
		float[] values = new float[8];
		bytes.asFloatBuffer().get(values);
		assertThat(values).containsExactly(3, 0.5f, -1, 2, 1, 0.5f, -1, 2);
		assertThat(bytes.remaining()).isEqualTo(32);
		assertThat(this.engine.closed).isTrue();
	}

	@Test
	void failureLeavesAnEarlierFileAlone() throws IOException {
		Path file = Files.writeString(this.folder.resolve("l.safetensors"), "earlier");
		this.engine.failure = new CheckpointException("The disk went away.", "Bring it back.");
		Call call = logits("3,1", file);
		assertThat(call.code()).isOne();
		assertThat(call.err()).isEqualTo("flash logits: The disk went away. Bring it back.\n");
		assertThat(file).hasContent("earlier");
		try (Stream<Path> files = Files.list(this.folder)) {
			assertThat(files).containsExactly(file);
		}
	}

	@Test
	void placesThatCannotTakeAFileAreRefusedBeforeAnythingIsLoaded() {
		assertThat(logits("1", this.folder).err()).contains("is not a regular file");
		assertThat(logits("1", Path.of("/dev/full")).code()).isOne();
		Call call = logits("1", this.folder.resolve("missing/l.safetensors"));
		assertThat(call.code()).isEqualTo(2);
		assertThat(call.err()).contains("does not exist").contains("Try 'flash logits --help'.");
		assertThat(this.engine.config).isNull();
	}

	@Test
	void tokenIdsAndFileAreNeeded() {
		assertThat(Call.of(this.engine::load, "logits", "-m", "m").err())
			.startsWith("flash logits: Missing required options: '--token-ids=IDS', '--out=FILE'");
	}

	private Call logits(String ids, Path file) {
		return Call.of(this.engine::load, "logits", "--model", "m", "--token-ids", ids, "--out", file.toString());
	}

}
