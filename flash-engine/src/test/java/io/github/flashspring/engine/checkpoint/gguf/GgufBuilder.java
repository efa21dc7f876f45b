package io.github.flashspring.engine.checkpoint.gguf;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/**
 * Builds small GGUF files, right ones and wrong ones. {@link #llama()} is a complete
 * Llama of one layer, width 32, two heads over one key-value head, and eight tokens.
 */
final class GgufBuilder {

	private final Map<String, Object> values = new LinkedHashMap<>();

	private final Map<String, Tensor> tensors = new LinkedHashMap<>();

	private int version = 3;

	static GgufBuilder llama() {
		GgufBuilder builder = new GgufBuilder();
		builder.set("general.architecture", "llama")
			.set("llama.context_length", 64)
			.set("llama.embedding_length", 32)
			.set("llama.block_count", 1)
			.set("llama.feed_forward_length", 64)
			.set("llama.attention.head_count", 2)
			.set("llama.attention.head_count_kv", 1)
			.set("llama.attention.layer_norm_rms_epsilon", 1e-5f)
			.set("tokenizer.ggml.model", "gpt2")
			.set("tokenizer.ggml.pre", "gpt-2")
			.set("tokenizer.ggml.tokens", List.of("a", "b", "c", "ab", "abc", "Ġ", "<|im_start|>", "<|im_end|>"))
			.set("tokenizer.ggml.token_type", new int[] { 1, 1, 1, 1, 1, 1, 3, 3 })
			.set("tokenizer.ggml.merges", List.of("a b", "ab c"))
			.set("tokenizer.ggml.bos_token_id", 6)
			.set("tokenizer.ggml.eos_token_id", 7);
		builder.random("token_embd.weight", GgufType.F32, 8, 32)
			.random("output_norm.weight", GgufType.F32, 32)
			.random("blk.0.attn_norm.weight", GgufType.F32, 32)
			.random("blk.0.ffn_norm.weight", GgufType.F32, 32)
			.random("blk.0.attn_q.weight", GgufType.F32, 32, 32)
			.random("blk.0.attn_k.weight", GgufType.F32, 16, 32)
			.random("blk.0.attn_v.weight", GgufType.F32, 16, 32)
			.random("blk.0.attn_output.weight", GgufType.F32, 32, 32)
			.random("blk.0.ffn_gate.weight", GgufType.F32, 64, 32)
			.random("blk.0.ffn_up.weight", GgufType.F32, 64, 32)
			.random("blk.0.ffn_down.weight", GgufType.F32, 32, 64);
		return builder;
	}

	GgufBuilder version(int version) {
		this.version = version;
		return this;
	}

	/** Sets a String, Integer, Float, Boolean, List of texts, int[] or float[]. */
	GgufBuilder set(String key, Object value) {
		this.values.put(key, value);
		return this;
	}

	GgufBuilder without(String key) {
		this.values.remove(key);
		this.tensors.remove(key);
		return this;
	}

	/**
	 * A tensor of small random values (halves at the start of each block are in range).
	 */
	GgufBuilder random(String name, GgufType type, long... shape) {
		long elements = 1;
		for (long size : shape) {
			elements *= size;
		}
		byte[] data = new byte[(int) (elements / type.blockElements() * type.blockBytes())];
		Random random = new Random(name.hashCode());
		random.nextBytes(data);
		ByteBuffer bytes = ByteBuffer.wrap(data).order(ByteOrder.LITTLE_ENDIAN);
		for (int at = 0; at < data.length; at += type.blockBytes()) {
			switch (type) {
				case F32 -> bytes.putFloat(at, random.nextFloat(-1, 1));
				case F16 -> bytes.putShort(at, Float.floatToFloat16(random.nextFloat(-1, 1)));
				case BF16 -> bytes.putShort(at, (short) (Float.floatToIntBits(random.nextFloat(-1, 1)) >> 16));
				case Q4_1, Q5_1, Q4_K, Q5_K -> {
					bytes.putShort(at, Float.floatToFloat16(random.nextFloat(-0.1f, 0.1f)));
					bytes.putShort(at + 2, Float.floatToFloat16(random.nextFloat(-0.1f, 0.1f)));
				}
				case Q6_K -> bytes.putShort(at + 208, Float.floatToFloat16(random.nextFloat(-0.01f, 0.01f)));
				default -> bytes.putShort(at, Float.floatToFloat16(random.nextFloat(-0.1f, 0.1f)));
			}
		}
		return tensor(name, type, data, shape);
	}

	GgufBuilder tensor(String name, GgufType type, byte[] data, long... shape) {
		this.tensors.put(name, new Tensor(type, data, shape));
		return this;
	}

	GgufBuilder floats(String name, float[] values, long... shape) {
		ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
		for (float value : values) {
			bytes.putFloat(value);
		}
		return tensor(name, GgufType.F32, bytes.array(), shape);
	}

	byte[] data(String name) {
		Tensor tensor = this.tensors.get(name);
		if (tensor == null) {
			throw new IllegalArgumentException(name);
		}
		return tensor.data().clone();
	}

	/** Bytes of all tensors at the end of the file. */
	int dataBytes() {
		return this.tensors.values().stream().mapToInt((tensor) -> Math.ceilDiv(tensor.data().length, 32) * 32).sum();
	}

	Path write(Path file) throws IOException {
		return Files.write(file, build());
	}

	byte[] build() {
		Output out = new Output();
		out.raw("GGUF".getBytes(StandardCharsets.US_ASCII)).int32(this.version);
		out.int64(this.tensors.size()).int64(this.values.size());
		this.values.forEach((key, value) -> {
			out.text(key);
			value(out, value);
		});
		Output data = new Output();
		this.tensors.forEach((name, tensor) -> {
			out.text(name).int32(tensor.shape().length);
			for (int i = tensor.shape().length - 1; i >= 0; i--) {
				out.int64(tensor.shape()[i]);
			}
			out.int32(tensor.type().id()).int64(data.size());
			data.raw(tensor.data());
			data.pad(32);
		});
		out.pad(32);
		return out.raw(data.bytes()).bytes();
	}

	private static void value(Output out, Object value) {
		switch (value) {
			case String text -> out.int32(8).text(text);
			case Integer number -> out.int32(4).int32(number);
			case Float number -> out.int32(6).int32(Float.floatToIntBits(number));
			case Boolean truth -> out.int32(7).raw(new byte[] { (byte) (truth ? 1 : 0) });
			case List<?> texts -> {
				out.int32(9).int32(8).int64(texts.size());
				texts.forEach((text) -> out.text(text.toString()));
			}
			case int[] numbers -> {
				out.int32(9).int32(5).int64(numbers.length);
				for (int number : numbers) {
					out.int32(number);
				}
			}
			case float[] numbers -> {
				out.int32(9).int32(6).int64(numbers.length);
				for (float number : numbers) {
					out.int32(Float.floatToIntBits(number));
				}
			}
			default -> throw new IllegalArgumentException(value.toString());
		}
	}

	private record Tensor(GgufType type, byte[] data, long[] shape) {
	}

	/** Little-endian bytes. */
	private static final class Output {

		private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

		Output raw(byte[] raw) {
			this.bytes.writeBytes(raw);
			return this;
		}

		Output int32(int value) {
			return raw(ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(value).array());
		}

		Output int64(long value) {
			return raw(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(value).array());
		}

		Output text(String text) {
			byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
			return int64(utf8.length).raw(utf8);
		}

		void pad(int alignment) {
			while (this.bytes.size() % alignment != 0) {
				this.bytes.write(0);
			}
		}

		int size() {
			return this.bytes.size();
		}

		byte[] bytes() {
			return this.bytes.toByteArray();
		}

	}

}
