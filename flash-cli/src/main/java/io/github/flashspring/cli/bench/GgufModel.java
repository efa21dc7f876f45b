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

/**
 * Writes a synthetic model as a GGUF file with Q4_1 blocks, for llama.cpp to run beside
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

	private final ModelShape shape;

	private final long seed;

	private final ByteBuffer header;

	/**
	 * Describes a model.
	 * @param shape its shape
	 * @param seed of the random values
	 */
	GgufModel(ModelShape shape, long seed) {
		this.shape = shape;
		this.seed = seed;
		// names of tokens and tensors, and a page of everything else
		long bytes = 4096 + 64L * shape.vocabularySize() + 2048L * shape.layers();
		this.header = ByteBuffer.allocate(Math.toIntExact(bytes)).order(ByteOrder.LITTLE_ENDIAN);
	}

	/**
	 * Writes the file.
	 * @param file target, replaced if it exists
	 * @throws IOException if it cannot be written
	 */
	void write(Path file) throws IOException {
		SequencedMap<String, int[]> matrices = new LinkedHashMap<>();
		this.shape.matrices().forEach((name, sizes) -> matrices.put(rename(name) + ".weight", sizes));
		SequencedMap<String, Integer> vectors = new LinkedHashMap<>();
		this.shape.norms().forEach((name) -> vectors.put(rename(name) + ".weight", this.shape.hiddenSize()));
		putHeader(matrices, vectors);
		this.header.flip();
		try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE, StandardOpenOption.CREATE,
				StandardOpenOption.TRUNCATE_EXISTING)) {
			while (this.header.hasRemaining()) {
				channel.write(this.header);
			}
			int index = 0;
			for (int[] sizes : matrices.values()) {
				RandomBlocks.write(channel, RandomBlocks.seed(this.seed, index++), (long) sizes[0] * sizes[1] / BLOCK,
						BLOCK_BYTES, (target, random) -> {
							float scale = SyntheticWeights.scale(random, 4);
							target.putShort(Float.floatToFloat16(scale));
							target.putShort(Float.floatToFloat16(-7.5f * scale));
							target.putLong(random.nextLong()).putLong(random.nextLong());
						});
				pad(channel);
			}
			for (int size : vectors.values()) {
				RandomBlocks.write(channel, RandomBlocks.seed(this.seed, index++), size, Float.BYTES,
						(target, random) -> target.putFloat(1f));
				pad(channel);
			}
		}
	}

	private void putHeader(Map<String, int[]> matrices, Map<String, Integer> vectors) {
		this.header.put("GGUF".getBytes(StandardCharsets.US_ASCII)).putInt(3);
		this.header.putLong(matrices.size() + vectors.size()).putLong(17);
		put("general.architecture", "llama");
		put("general.name", "synthetic");
		put("llama.context_length", 131_072);
		put("llama.embedding_length", this.shape.hiddenSize());
		put("llama.block_count", this.shape.layers());
		put("llama.feed_forward_length", this.shape.intermediateSize());
		put("llama.attention.head_count", this.shape.heads());
		put("llama.attention.head_count_kv", this.shape.keyValueHeads());
		put("llama.rope.dimension_count", this.shape.headDim());
		put("llama.vocab_size", this.shape.vocabularySize());
		put("llama.rope.freq_base", 500_000f);
		put("llama.attention.layer_norm_rms_epsilon", 1e-5f);
		putVocabulary();
		long offset = 0;
		for (Map.Entry<String, int[]> matrix : matrices.entrySet()) {
			long rows = matrix.getValue()[0];
			long columns = matrix.getValue()[1];
			put(matrix.getKey());
			this.header.putInt(2).putLong(columns).putLong(rows).putInt(Q4_1).putLong(offset);
			offset += padded(rows * columns / BLOCK * BLOCK_BYTES);
		}
		for (Map.Entry<String, Integer> vector : vectors.entrySet()) {
			put(vector.getKey());
			this.header.putInt(1).putLong(vector.getValue()).putInt(F32).putLong(offset);
			offset += padded((long) vector.getValue() * Float.BYTES);
		}
		while (this.header.position() % ALIGNMENT != 0) {
			this.header.put((byte) 0);
		}
	}

	/** A SentencePiece vocabulary: three special tokens, 256 bytes, and made-up words. */
	private void putVocabulary() {
		int size = this.shape.vocabularySize();
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
