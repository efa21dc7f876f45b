package io.github.flashspring.engine.checkpoint;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;

import com.sun.management.ThreadMXBean;
import org.junit.jupiter.api.BeforeEach;
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

	/** No case has more than some kilobytes on disk, so none may need more memory. */
	private static final long MOST_ALLOCATED = 16 << 20;

	private static final List<String> NUMBERS = List.of("0", "-1", "1", "2", "1.5", "-0", "2147483648", "4294967296",
			"9223372036854775807", "9223372036854775808", "18446744073709551615", "99999999999999999999999999", "1e308",
			"1e999", "1e-999", "NaN", "Infinity", "null", "true", "\"4\"", "[]", "{}", "0x10", "1e1000000000");

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
		byte[] original = file();
		Mutator mutator = new Mutator(new Random(20_261_123));
		Outcomes outcomes = new Outcomes();
		for (int i = 0; i < CASES; i++) {
			Files.write(this.folder.resolve("model.safetensors"), mutator.file(original));
			outcomes.run(i, this::openAndTouch);
		}
		outcomes.verify();
	}

	@Test
	void mutatedConfigs() throws IOException {
		Mutator mutator = new Mutator(new Random(7));
		Outcomes outcomes = new Outcomes();
		Path file = this.folder.resolve("config.json");
		for (int i = 0; i < CASES; i++) {
			byte[] original = Files.readAllBytes(TestData.path(CONFIGS.get(i % CONFIGS.size())).resolve("config.json"));
			Files.write(file, mutator.text(original));
			outcomes.run(i, this::openAndReadSettings);
		}
		outcomes.verify();
	}

	@Test
	void mutatedIndexes() throws IOException {
		byte[] original = """
				{"metadata": {"total_size": 40}, "weight_map": {"model.embed_tokens.weight": "model.safetensors",
				 "model.norm.weight": "model.safetensors", "q.weight": "model.safetensors", "q.scales":
				 "model.safetensors", "q.biases": "model.safetensors", "empty": "model.safetensors"}}"""
			.getBytes(StandardCharsets.UTF_8);
		Mutator mutator = new Mutator(new Random(11));
		Outcomes outcomes = new Outcomes();
		for (int i = 0; i < CASES / 10; i++) {
			Files.write(this.folder.resolve("model.safetensors.index.json"), mutator.text(original));
			outcomes.run(i, this::openAndTouch);
		}
		outcomes.verify();
	}

	private void openAndTouch() {
		try (Checkpoint checkpoint = Checkpoint.open(this.folder)) {
			for (TensorInfo tensor : checkpoint.tensors().values()) {
				MemorySegment data = checkpoint.map(tensor);
				if (data.byteSize() > 0) {
					data.get(ValueLayout.JAVA_BYTE, 0);
					data.get(ValueLayout.JAVA_BYTE, data.byteSize() - 1);
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
				rope.requireOriginalMaxPositionEmbeddings();
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

	/** Counts what became of the cases. */
	private static final class Outcomes {

		private final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();

		private final Set<String> refusals = new TreeSet<>();

		private int accepted;

		private int refused;

		void run(int number, Runnable reader) {
			long before = this.threads.getCurrentThreadAllocatedBytes();
			try {
				reader.run();
				this.accepted++;
			}
			catch (CheckpointException ex) {
				this.refused++;
				assertThat(ex.getMessage()).hasSizeLessThan(4_000);
				// Numbers and quoted names aside, how many different answers are there?
				this.refusals.add(ex.description().replaceAll("'[^']*'|[0-9]+|\\[[^]]*]|/\\S+", "?"));
			}
			catch (Throwable ex) {
				throw new AssertionError("Case " + number + " ended in " + ex, ex);
			}
			assertThat(this.threads.getCurrentThreadAllocatedBytes() - before).as("bytes allocated by case %d", number)
				.isLessThan(MOST_ALLOCATED);
		}

		/**
		 * A mutator that breaks nothing, or everything in one way, would prove nothing.
		 */
		void verify() {
			assertThat(this.accepted).isPositive();
			assertThat(this.refused).isGreaterThan(this.accepted / 4);
			assertThat(this.refusals).hasSizeGreaterThan(10);
		}

	}

	/** Damages bytes and texts. */
	private static final class Mutator {

		private final Random random;

		Mutator(Random random) {
			this.random = random;
		}

		/** Damages a safetensors file: its header, its length field, or its end. */
		byte[] file(byte[] original) {
			int headerSize = (int) ByteBuffer.wrap(original).order(ByteOrder.LITTLE_ENDIAN).getLong();
			return switch (this.random.nextInt(10)) {
				case 0 -> Arrays.copyOf(original, this.random.nextInt(original.length));
				case 1 -> Arrays.copyOf(original, original.length + 1 + this.random.nextInt(40));
				case 2 -> flip(original.clone());
				case 3 -> {
					long size = this.random.nextBoolean() ? this.random.nextLong() : this.random.nextInt(2_000);
					yield with(original, size);
				}
				default -> {
					byte[] header = text(Arrays.copyOfRange(original, 8, 8 + headerSize));
					byte[] data = Arrays.copyOfRange(original, 8 + headerSize, original.length);
					ByteBuffer bytes = ByteBuffer.allocate(8 + header.length + data.length)
						.order(ByteOrder.LITTLE_ENDIAN);
					yield bytes.putLong(header.length).put(header).put(data).array();
				}
			};
		}

		/** Damages a JSON text in one to three ways. */
		byte[] text(byte[] original) {
			byte[] text = original;
			for (int i = this.random.nextInt(3); i >= 0; i--) {
				text = mutate(text);
			}
			return text;
		}

		private byte[] mutate(byte[] text) {
			int at = this.random.nextInt(text.length + 1);
			int to = Math.min(text.length, at + this.random.nextInt(60));
			return switch (this.random.nextInt(9)) {
				case 0 -> (text.length > 0) ? flip(text.clone()) : text;
				case 1 -> Arrays.copyOf(text, at);
				case 2 -> splice(text, at, to, new byte[0]);
				case 3 -> splice(text, this.random.nextInt(text.length + 1), -1, Arrays.copyOfRange(text, at, to));
				case 4 -> {
					byte[] noise = new byte[1 + this.random.nextInt(8)];
					this.random.nextBytes(noise);
					yield splice(text, at, -1, noise);
				}
				case 5 -> {
					String nest = this.random.nextBoolean() ? "[" : "{\"a\":";
					yield splice(text, at, -1,
							nest.repeat(1 << this.random.nextInt(14)).getBytes(StandardCharsets.UTF_8));
				}
				default -> number(text);
			};
		}

		/** Replaces one number, wherever it stands. */
		private byte[] number(byte[] text) {
			String json = new String(text, StandardCharsets.ISO_8859_1);
			var numbers = Pattern.compile("(?<=[\\[,: ])-?[0-9][0-9.e+-]*").matcher(json);
			List<int[]> places = numbers.results().map((found) -> new int[] { found.start(), found.end() }).toList();
			if (places.isEmpty()) {
				return text;
			}
			int[] place = places.get(this.random.nextInt(places.size()));
			String number = this.random.nextInt(4) == 0 ? String.valueOf(this.random.nextInt(100))
					: NUMBERS.get(this.random.nextInt(NUMBERS.size()));
			return splice(text, place[0], place[1], number.getBytes(StandardCharsets.UTF_8));
		}

		private byte[] flip(byte[] bytes) {
			bytes[this.random.nextInt(bytes.length)] ^= (byte) (1 << this.random.nextInt(8));
			return bytes;
		}

		private static byte[] with(byte[] original, long headerSize) {
			byte[] changed = original.clone();
			ByteBuffer.wrap(changed).order(ByteOrder.LITTLE_ENDIAN).putLong(0, headerSize);
			return changed;
		}

		/** Replaces [from, to), or inserts at from if to is negative. */
		private static byte[] splice(byte[] text, int from, int to, byte[] piece) {
			int rest = (to < 0) ? from : to;
			byte[] joined = Arrays.copyOf(text, from + piece.length + text.length - rest);
			System.arraycopy(piece, 0, joined, from, piece.length);
			System.arraycopy(text, rest, joined, from + piece.length, text.length - rest);
			return joined;
		}

	}

}
