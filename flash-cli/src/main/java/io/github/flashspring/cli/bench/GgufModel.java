package io.github.flashspring.cli.bench;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SequencedMap;

import tools.jackson.databind.JsonNode;

import io.github.flashspring.engine.checkpoint.CheckpointException;
import io.github.flashspring.engine.checkpoint.Staging;

/**
 * Writes a synthetic model as a GGUF file with Q4_1 blocks, for llama.cpp to run next to
 * ours: 32 codes of 4 bits with a scale and a minimum in half precision.
 *
 * @see <a href="https://github.com/ggml-org/ggml/blob/master/docs/gguf.md">GGUF</a>
 */
final class GgufModel {

	private static final int F32 = 0;

	private static final int Q4_1 = 3;

	private static final int BLOCK = 32;

	private static final int BLOCK_BYTES = 20;

	private static final int ALIGNMENT = 32;

	/** How far apart the frequencies of positions are: the size of a factor. */
	private static final String ROPE_FACTORS = "rope_freqs.weight";

	private final JsonNode config;

	private final long seed;

	private final ByteBuffer header;

	/**
	 * Shapes as they are in {@code config.json}'s world: [outputs, inputs], or [length].
	 */
	private final SequencedMap<String, long[]> tensors = new LinkedHashMap<>();

	/**
	 * Describes a model.
	 * @param config a Llama's {@code config.json}
	 * @param seed of the random values
	 * @throws IllegalArgumentException if a width is no multiple of a block
	 */
	GgufModel(JsonNode config, long seed) {
		this.config = config;
		this.seed = seed;
		WeightFormat blocks = WeightFormat.affine(4, BLOCK);
		MatrixFormats formats = new MatrixFormats(blocks, blocks, blocks, blocks);
		SyntheticTensors.of(config, formats, new SyntheticRouting(0), seed).tensors().forEach((name, tensor) -> {
			if (name.endsWith(".weight")) {
				long[] shape = tensor.shape();
				if (shape.length == 2) {
					shape[1] = shape[1] * Integer.SIZE / 4;
				}
				this.tensors.put(rename(name), shape);
			}
		});
		if (config.path("rope_scaling").isObject()) {
			this.tensors.put(ROPE_FACTORS, new long[] { size("head_dim") / 2 });
		}
		// names of tokens and tensors, and a page of everything else
		long bytes = 4096 + 64L * size("vocab_size") + 2048L * size("num_hidden_layers");
		this.header = ByteBuffer.allocate(Math.toIntExact(bytes)).order(ByteOrder.LITTLE_ENDIAN);
	}

	private int size(String name) {
		return this.config.path(name).intValue();
	}

	/**
	 * Writes the file.
	 * @param file target, replaced if it exists
	 * @param progress is told after each tensor
	 * @throws CheckpointException if the target is no regular file, or its disk has not
	 * enough free space
	 * @throws IOException if it cannot be written
	 */
	void write(Path file, Progress progress) throws IOException {
		long total = putHeader();
		this.header.flip();
		try (Staging staging = Staging.file(file, total)) {
			write(staging.path(), progress, total);
			staging.commit();
		}
	}

	private void write(Path file, Progress progress, long total) throws IOException {
		try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
			while (this.header.hasRemaining()) {
				channel.write(this.header);
			}
			int index = 0;
			for (Map.Entry<String, long[]> tensor : this.tensors.entrySet()) {
				write(channel, tensor.getKey(), tensor.getValue(), RandomBlocks.seed(this.seed, index++));
				pad(channel);
				progress.at(tensor.getKey(), channel.position(), total);
			}
		}
	}

	private void write(FileChannel channel, String name, long[] shape, long tensorSeed) throws IOException {
		if (shape.length == 2) {
			RandomBlocks.repeat(channel, tensorSeed, shape[0] * shape[1] / BLOCK, BLOCK_BYTES, (target, random) -> {
				float scale = SyntheticWeights.scale(random, 4);
				target.putShort(Float.floatToFloat16(scale));
				target.putShort(Float.floatToFloat16(-7.5f * scale));
				target.putLong(random.nextLong()).putLong(random.nextLong());
			});
			return;
		}
		int[] next = new int[1];
		RandomBlocks.write(channel, tensorSeed, shape[0], Float.BYTES,
				(target, random) -> target.putFloat(name.equals(ROPE_FACTORS) ? ropeFactor(next[0]++) : 1f));
	}

	/**
	 * What Llama 3 divides a frequency by.
	 * @param pair of values of a head
	 */
	private float ropeFactor(int pair) {
		JsonNode scaling = this.config.path("rope_scaling");
		double low = scaling.path("low_freq_factor").doubleValue();
		double high = scaling.path("high_freq_factor").doubleValue();
		double factor = scaling.path("factor").doubleValue();
		double frequency = Math.pow(this.config.path("rope_theta").doubleValue(), -2.0 * pair / size("head_dim"));
		double turns = scaling.path("original_max_position_embeddings").doubleValue() * frequency / (2 * Math.PI);
		double smooth = Math.clamp((turns - low) / (high - low), 0, 1);
		return (float) (1 / ((1 - smooth) / factor + smooth));
	}

	/** Puts all before the data, and says how large the file becomes. */
	private long putHeader() {
		this.header.put("GGUF".getBytes(StandardCharsets.US_ASCII)).putInt(3);
		this.header.putLong(this.tensors.size()).putLong(19);
		put("general.architecture", "llama");
		put("general.name", "synthetic");
		put("llama.context_length", size("max_position_embeddings"));
		put("llama.embedding_length", size("hidden_size"));
		put("llama.block_count", size("num_hidden_layers"));
		put("llama.feed_forward_length", size("intermediate_size"));
		put("llama.attention.head_count", size("num_attention_heads"));
		put("llama.attention.head_count_kv", size("num_key_value_heads"));
		put("llama.attention.key_length", size("head_dim"));
		put("llama.attention.value_length", size("head_dim"));
		put("llama.rope.dimension_count", size("head_dim"));
		put("llama.vocab_size", size("vocab_size"));
		put("llama.rope.freq_base", this.config.path("rope_theta").floatValue());
		put("llama.attention.layer_norm_rms_epsilon", this.config.path("rms_norm_eps").floatValue());
		putVocabulary();
		long offset = 0;
		for (Map.Entry<String, long[]> tensor : this.tensors.entrySet()) {
			long[] shape = tensor.getValue();
			boolean matrix = shape.length == 2;
			put(tensor.getKey());
			this.header.putInt(shape.length);
			for (int i = shape.length - 1; i >= 0; i--) {
				this.header.putLong(shape[i]);
			}
			this.header.putInt(matrix ? Q4_1 : F32).putLong(offset);
			offset += padded(matrix ? shape[0] * shape[1] / BLOCK * BLOCK_BYTES : shape[0] * Float.BYTES);
		}
		while (this.header.position() % ALIGNMENT != 0) {
			this.header.put((byte) 0);
		}
		return this.header.position() + offset;
	}

	/** A SentencePiece vocabulary: three special tokens, 256 bytes, and made-up words. */
	private void putVocabulary() {
		int size = size("vocab_size");
		put("tokenizer.ggml.model", "llama");
		put("tokenizer.ggml.tokens");
		this.header.putInt(9).putInt(8).putLong(size);
		for (int i = 0; i < size; i++) {
			put(switch (i) {
				case 0 -> "<unk>";
				case 1 -> "<s>";
				case 2 -> "</s>";
				default -> (i < 259) ? "<0x%02X>".formatted(i - 3) : "\u2581t" + i;
			});
		}
		put("tokenizer.ggml.scores");
		this.header.putInt(9).putInt(6).putLong(size);
		for (int i = 0; i < size; i++) {
			this.header.putFloat(-i);
		}
		put("tokenizer.ggml.token_type");
		this.header.putInt(9).putInt(5).putLong(size);
		for (int i = 0; i < size; i++) {
			this.header.putInt((i == 0) ? 2 : (i < 3) ? 3 : (i < 259) ? 6 : 1);
		}
		put("tokenizer.ggml.bos_token_id", 1);
	}

	private void put(String value) {
		byte[] bytes = value.getBytes(StandardCharsets.UTF_8);
		this.header.putLong(bytes.length).put(bytes);
	}

	private void put(String key, String value) {
		put(key);
		this.header.putInt(8);
		put(value);
	}

	private void put(String key, int value) {
		put(key);
		this.header.putInt(4).putInt(value);
	}

	private void put(String key, float value) {
		put(key);
		this.header.putInt(6).putFloat(value);
	}

	private static long padded(long bytes) {
		return Math.ceilDiv(bytes, ALIGNMENT) * ALIGNMENT;
	}

	private static void pad(FileChannel channel) throws IOException {
		long missing = padded(channel.position()) - channel.position();
		channel.write(ByteBuffer.allocate((int) missing));
	}

	private static String rename(String name) {
		return name.replace("model.layers.", "blk.")
			.replace("model.embed_tokens", "token_embd")
			.replace("model.norm", "output_norm")
			.replace("lm_head", "output")
			.replace("self_attn.o_proj", "attn_output")
			.replaceAll("self_attn\\.([qkv])_proj", "attn_$1")
			.replaceAll("mlp\\.(gate|up|down)_proj", "ffn_$1")
			.replace("input_layernorm", "attn_norm")
			.replace("post_attention_layernorm", "ffn_norm");
	}

}
