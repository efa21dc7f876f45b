package io.github.flashspring.engine.checkpoint.gguf;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.TimeUnit;

import io.github.flashspring.engine.checkpoint.CheckpointException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.json.JsonMapper;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/**
 * Reading GGUF headers, whole, broken and mutated.
 */
class GgufFileTests {

	private static final int CASES = 4_000;

	@TempDir
	Path folder;

	@Test
	void readsPairsAndTensors() throws IOException {
		GgufBuilder builder = GgufBuilder.llama().set("some.floats", new float[] { 1.5f, -2 }).set("some.flag", true);
		try (GgufFile file = GgufFile.open(builder.write(file()))) {
			assertThat(file.metadata().requireString("general.architecture")).isEqualTo("llama");
			assertThat(file.metadata().requireInt("llama.block_count", 1, 9)).isEqualTo(1);
			assertThat(file.metadata().requireDouble("llama.attention.layer_norm_rms_epsilon")).isEqualTo(1e-5);
			assertThat(file.metadata().requireDoubles("some.floats", 2)).containsExactly(1.5, -2);
			assertThat(file.metadata().getBoolean("some.flag", false)).isTrue();
			assertThat(file.metadata().requireStrings("tokenizer.ggml.merges")).containsExactly("a b", "ab c");
			GgufTensor tensor = Objects.requireNonNull(file.tensors().get("blk.0.ffn_down.weight"));
			assertThat(tensor.shape()).containsExactly(32L, 64L);
			ByteBuffer data = ByteBuffer.allocate((int) tensor.byteSize());
			file.read(tensor, 0, data);
			assertThat(data.array()).isEqualTo(builder.data("blk.0.ffn_down.weight"));
			assertThatExceptionOfType(IndexOutOfBoundsException.class)
				.isThrownBy(() -> file.read(tensor, 1, data.clear()));
		}
	}

	@Test
	void textsOfEveryLengthAreReadWhole() throws IOException {
		Random random = new Random(5);
		GgufBuilder builder = GgufBuilder.llama();
		Map<String, String> texts = new LinkedHashMap<>();
		for (int length : new int[] { 0, 1, 65_000, 1 << 16, (1 << 16) + 1, 1 << 20, 7, 536, 65_528, 65_527 }) {
			char[] text = new char[length];
			for (int i = 0; i < length; i++) {
				text[i] = (char) ('a' + random.nextInt(26));
			}
			texts.put("text." + length, new String(text));
			builder.set("text." + length, new String(text)).set("number." + length, length);
		}
		try (GgufFile file = GgufFile.open(builder.write(file()))) {
			texts.forEach((key, text) -> {
				assertThat(file.metadata().requireString(key)).isEqualTo(text);
				assertThat(file.metadata().requireInt("number." + text.length(), 0, 1 << 20)).isEqualTo(text.length());
			});
		}
	}

	@Test
	void wrongKindsOfValuesAreTold() throws IOException {
		try (GgufFile file = GgufFile.open(GgufBuilder.llama().write(file()))) {
			GgufMetadata metadata = file.metadata();
			assertThatExceptionOfType(CheckpointException.class)
				.isThrownBy(() -> metadata.requireInt("general.architecture", 0, 1))
				.withMessageContaining("expected a whole number from 0 to 1, found the text 'llama'");
			assertThatExceptionOfType(CheckpointException.class).isThrownBy(() -> metadata.requireString("none"))
				.withMessageContaining("Key 'none' of " + file() + ": expected a text, found nothing");
			assertThatExceptionOfType(CheckpointException.class)
				.isThrownBy(() -> metadata.requireLongs("tokenizer.ggml.token_type", 9))
				.withMessageContaining("found an array of 8 whole numbers");
		}
	}

	@Test
	void refusesForeignAndTruncatedFiles() throws IOException {
		refuses(new byte[0], "does not begin with 'GGUF'");
		refuses("ggjt, an older format, long enough".getBytes(StandardCharsets.US_ASCII), "does not begin with 'GGUF'");
		refuses(GgufBuilder.llama().version(1).build(), "has GGUF version 1; expected 2 or 3");
		refuses(GgufBuilder.llama().version(3 << 24).build(), "expected 2 or 3, little-endian");
		byte[] file = GgufBuilder.llama().build();
		refuses(Arrays.copyOf(file, file.length - 1), "is truncated: tensor 'blk.0.ffn_down.weight'");
		for (int length = 24; length < headerSize(file); length++) {
			refuses(Arrays.copyOf(file, length), file().toString());
		}
	}

	@Test
	void refusesLengthsThatTheFileDoesNotHave() throws IOException {
		ByteBuffer file = ByteBuffer.wrap(GgufBuilder.llama().build()).order(ByteOrder.LITTLE_ENDIAN);
		refuses(file.duplicate().order(ByteOrder.LITTLE_ENDIAN).putLong(8, Long.MAX_VALUE).array(),
				"tensors, but only");
		file = ByteBuffer.wrap(GgufBuilder.llama().build()).order(ByteOrder.LITTLE_ENDIAN);
		refuses(file.putLong(16, -1).array(), "18446744073709551615 key-value pairs");
		file = ByteBuffer.wrap(GgufBuilder.llama().build()).order(ByteOrder.LITTLE_ENDIAN);
		refuses(file.putLong(24, 1L << 40).array(), "The length of a key is 1099511627776 at byte 24");
	}

	@Test
	void refusesBadTensors() throws IOException {
		refuses(GgufBuilder.llama().tensor("t", GgufType.F32, new byte[0], 1L << 40, 1L << 40).build(),
				"more than 2^63 bytes");
		refuses(GgufBuilder.llama().tensor("t", GgufType.Q8_0, new byte[0], 33).build(), "multiple of 32");
		refuses(GgufBuilder.llama().tensor("t", GgufType.F32, new byte[0], 0).build(), "a dimension of size 0");
		refuses(GgufBuilder.llama().tensor("t", GgufType.F32, new byte[0], 1, 1, 1, 1, 1).build(), "5 dimensions");
		refuses(GgufBuilder.llama().set("general.alignment", 24).build(), "expected a power of two");
	}

	/** Flips, truncates and rewrites headers: an exception of ours or a whole reading. */
	@Test
	@Timeout(value = 300, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
	void mutatedHeaders() throws IOException {
		byte[] original = GgufBuilder.llama().build();
		int header = headerSize(original);
		Random random = new Random(3);
		int accepted = 0;
		int refused = 0;
		for (int i = 0; i < CASES; i++) {
			Files.write(file(), mutate(original, header, random));
			try (GgufFile file = GgufFile.open(file())) {
				LlamaShape shape = LlamaShape.of(file);
				LlamaTensors tensors = new LlamaTensors(file, shape);
				GgufVocabulary vocabulary = GgufVocabulary.of(file.metadata(), tensors.vocabSize());
				TokenizerJson tokenizer = new TokenizerJson(JsonMapper.shared(), file.metadata(), vocabulary);
				SettingsJson settings = new SettingsJson(JsonMapper.shared(), file.metadata());
				tokenizer.build();
				settings.config(shape, tensors, vocabulary);
				settings.tokenizerConfig(shape, vocabulary, tokenizer);
				settings.generationConfig(vocabulary);
				accepted++;
			}
			catch (CheckpointException ex) {
				refused++;
			}
			catch (Throwable ex) {
				throw new AssertionError("Case " + i + " ended in " + ex, ex);
			}
		}
		assertThat(accepted).isGreaterThan(CASES / 100);
		assertThat(refused).isGreaterThan(CASES / 4);
	}

	private int headerSize(byte[] content) throws IOException {
		Files.write(file(), content);
		try (GgufFile file = GgufFile.open(file())) {
			return (int) file.tensors().values().stream().mapToLong(GgufTensor::offset).min().orElseThrow();
		}
	}

	/** Damages the header; mutated data proves little. */
	private static byte[] mutate(byte[] original, int header, Random random) {
		byte[] bytes = original.clone();
		ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
		for (int i = random.nextInt(3); i >= 0; i--) {
			int at = random.nextInt(header);
			switch (random.nextInt(5)) {
				case 0 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
				case 1 -> bytes[at] = (byte) random.nextInt();
				case 2 -> buffer.putLong(at, random.nextLong());
				case 3 -> buffer.putInt(at, random.nextInt(20));
				default -> buffer.putLong(at,
						List.of(0L, -1L, Long.MAX_VALUE, Long.MIN_VALUE, 1L << 32).get(random.nextInt(5)));
			}
		}
		return (random.nextInt(20) == 0) ? Arrays.copyOf(bytes, random.nextInt(bytes.length)) : bytes;
	}

	private void refuses(byte[] content, String message) throws IOException {
		Files.write(file(), content);
		assertThatExceptionOfType(CheckpointException.class).isThrownBy(() -> GgufFile.open(file()).close())
			.withMessageContaining(message);
	}

	private Path file() {
		return this.folder.resolve("test.gguf");
	}

}
