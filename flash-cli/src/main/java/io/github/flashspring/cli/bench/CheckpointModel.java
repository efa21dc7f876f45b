package io.github.flashspring.cli.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

import io.github.flashspring.engine.checkpoint.DType;
import io.github.flashspring.engine.checkpoint.Safetensors;
import io.github.flashspring.engine.checkpoint.TensorSource;

/**
 * Writes a synthetic model as a checkpoint folder: random matrices in BF16 or quantised
 * in MLX's layout, norms of ones, and {@code config.json}.
 */
final class CheckpointModel {

	private static final int BLOCK = 32;

	private final ModelShape shape;

	private final int bits;

	private final int groupSize;

	private final long seed;

	/**
	 * Describes a model.
	 * @param shape its shape
	 * @param bits 4 or 8, or 16 for BF16
	 * @param groupSize values of a group, if quantised
	 * @param seed of the random values
	 */
	CheckpointModel(ModelShape shape, int bits, int groupSize, long seed) {
		this.shape = shape;
		this.bits = bits;
		this.groupSize = groupSize;
		this.seed = seed;
	}

	/**
	 * Writes the folder.
	 * @param folder target; files of an earlier model are replaced
	 * @throws IOException if it cannot be written
	 */
	void write(Path folder) throws IOException {
		Files.createDirectories(folder);
		Map<String, TensorSource> tensors = new LinkedHashMap<>();
		for (Map.Entry<String, int[]> matrix : this.shape.matrices().entrySet()) {
			put(tensors, matrix.getKey(), matrix.getValue()[0], matrix.getValue()[1]);
		}
		for (String norm : this.shape.norms()) {
			tensors.put(norm + ".weight",
					new TensorSource(DType.BF16, new long[] { this.shape.hiddenSize() },
							(channel) -> RandomBlocks.write(channel, 0, this.shape.hiddenSize(), 2,
									(target, random) -> target.putShort(bfloat(1f)))));
		}
		Safetensors.write(folder.resolve("model.safetensors"), tensors, Map.of("format", "mlx"));
		Files.writeString(folder.resolve("config.json"), config());
	}

	private void put(Map<String, TensorSource> tensors, String name, long rows, long columns) {
		long seed = RandomBlocks.seed(this.seed, tensors.size());
		if (this.bits == 16) {
			tensors.put(name + ".weight",
					new TensorSource(DType.BF16, new long[] { rows, columns }, (channel) -> RandomBlocks.write(channel,
							seed, rows * columns / BLOCK, 2 * BLOCK, (target, random) -> {
								for (int i = 0; i < BLOCK; i++) {
									target.putShort(bfloat(SyntheticWeights.weight(random)));
								}
							})));
			return;
		}
		long words = columns * this.bits / 32;
		long groups = columns / this.groupSize;
		float middle = ((1 << this.bits) - 1) / 2f;
		tensors.put(name + ".weight",
				new TensorSource(DType.U32, new long[] { rows, words },
						(channel) -> RandomBlocks.write(channel, seed, rows * words / 4, 16,
								(target, random) -> target.putLong(random.nextLong()).putLong(random.nextLong()))));
		tensors.put(name + ".scales",
				new TensorSource(DType.BF16, new long[] { rows, groups }, (channel) -> RandomBlocks.write(
						channel, seed, rows * groups, 2,
						(target, random) -> target.putShort(bfloat(SyntheticWeights.scale(random, this.bits))))));
		// The same seed gives the same scales again, for biases that centre the values.
		tensors.put(name + ".biases",
				new TensorSource(DType.BF16, new long[] { rows, groups },
						(channel) -> RandomBlocks.write(channel, seed, rows * groups, 2, (target, random) -> target
							.putShort(bfloat(-middle * SyntheticWeights.scale(random, this.bits))))));
	}

	private static short bfloat(float value) {
		return (short) (Float.floatToRawIntBits(value) >>> 16);
	}

	private String config() {
		String quantization = (this.bits == 16) ? "" : """
				  "quantization": {"group_size": %d, "bits": %d},
				""".formatted(this.groupSize, this.bits);
		return """
				{
				  "architectures": ["LlamaForCausalLM"],
				  "model_type": "llama",
				  "hidden_act": "silu",
				  "hidden_size": %d,
				  "intermediate_size": %d,
				  "num_hidden_layers": %d,
				  "num_attention_heads": %d,
				  "num_key_value_heads": %d,
				  "head_dim": %d,
				  "vocab_size": %d,
				  "max_position_embeddings": 131072,
				  "rms_norm_eps": 1e-05,
				  "rope_theta": 500000.0,
				  "attention_bias": false,
				  "mlp_bias": false,
				%s  "tie_word_embeddings": %s,
				  "torch_dtype": "bfloat16"
				}
				""".formatted(this.shape.hiddenSize(), this.shape.intermediateSize(), this.shape.layers(),
				this.shape.heads(), this.shape.keyValueHeads(), this.shape.headDim(), this.shape.vocabularySize(),
				quantization, this.shape.tied());
	}

}
