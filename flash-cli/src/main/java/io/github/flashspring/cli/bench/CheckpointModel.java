package io.github.flashspring.cli.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.checkpoint.DType;
import io.github.flashspring.engine.checkpoint.Safetensors;
import io.github.flashspring.engine.checkpoint.TensorSource;

/**
 * Writes a synthetic model as a checkpoint folder: random matrices in BF16 or quantised
 * in MLX's layout, norms of ones, and {@code config.json}.
 */
final class CheckpointModel {

	private static final int BLOCK = 32;

	/** What attention adds to the stream of a mixture, compared with usual weights. */
	private static final float QUIET = 0.1f;

	private final ModelShape shape;

	private final WeightFormat format;

	private final long seed;

	private final @Nullable SyntheticMixture mixture;

	/**
	 * Describes a model.
	 * @param shape its shape
	 * @param format how weights are stored
	 * @param seed of the random values
	 */
	CheckpointModel(ModelShape shape, WeightFormat format, long seed) {
		this(shape, format, seed, null);
	}

	/**
	 * Describes a model whose feed-forward parts are mixtures of experts.
	 * @param shape its shape, without the feed-forward parts
	 * @param format how weights are stored
	 * @param seed of the random values
	 * @param mixture the experts, or null
	 */
	CheckpointModel(ModelShape shape, WeightFormat format, long seed, @Nullable SyntheticMixture mixture) {
		this.mixture = mixture;
		this.shape = shape;
		this.format = format;
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
		if (this.mixture == null) {
			for (Map.Entry<String, int[]> matrix : this.shape.matrices().entrySet()) {
				put(tensors, matrix.getKey(), 1, 0, matrix.getValue()[0], matrix.getValue()[1]);
			}
		}
		else {
			putMixture(tensors, this.mixture);
		}
		for (String norm : this.shape.norms()) {
			ones(tensors, norm, this.shape.hiddenSize());
		}
		Safetensors.write(folder.resolve("model.safetensors"), tensors, Map.of("format", "mlx"));
		Files.writeString(folder.resolve("config.json"), config());
	}

	private static void ones(Map<String, TensorSource> tensors, String norm, int width) {
		tensors.put(norm + ".weight", new TensorSource(DType.BF16, new long[] { width }, (channel) -> RandomBlocks
			.write(channel, 0, width, 2, (target, random) -> target.putShort(bfloat(1f)))));
	}

	private void putMixture(Map<String, TensorSource> tensors, SyntheticMixture experts) {
		int hidden = this.shape.hiddenSize();
		for (Map.Entry<String, int[]> matrix : this.shape.matrices().entrySet()) {
			String name = matrix.getKey();
			if (name.equals("model.embed_tokens")) {
				putEmbedding(tensors, name);
			}
			else if (name.endsWith("mlp.gate_proj")) {
				String mlp = name.substring(0, name.length() - "gate_proj".length());
				long seed = RandomBlocks.seed(this.seed, tensors.size());
				tensors.put(mlp + "gate.weight",
						new TensorSource(DType.BF16, new long[] { experts.experts(), hidden }, (channel) -> RandomBlocks
							.write(channel, seed, experts.experts(), 2 * hidden, experts.router(seed, hidden))));
				put(tensors, mlp + "switch_mlp.gate_proj", 1, experts.experts(), experts.width(), hidden);
				put(tensors, mlp + "switch_mlp.up_proj", 1, experts.experts(), experts.width(), hidden);
				put(tensors, mlp + "switch_mlp.down_proj", 1, experts.experts(), hidden, experts.width());
			}
			else if (!name.contains(".mlp.")) {
				put(tensors, name, name.endsWith("o_proj") ? QUIET : 1, 0, matrix.getValue()[0], matrix.getValue()[1]);
			}
			if (name.endsWith("self_attn.o_proj")) {
				String attention = name.substring(0, name.length() - "o_proj".length());
				ones(tensors, attention + "q_norm", this.shape.headDim());
				ones(tensors, attention + "k_norm", this.shape.headDim());
			}
		}
	}

	/** In BF16, since only rows of it are read: numbers of deviation 1. */
	private void putEmbedding(Map<String, TensorSource> tensors, String name) {
		long seed = RandomBlocks.seed(this.seed, tensors.size());
		int hidden = this.shape.hiddenSize();
		tensors.put(name + ".weight",
				new TensorSource(DType.BF16, new long[] { this.shape.vocabularySize(), hidden },
						(channel) -> RandomBlocks.write(channel, seed, this.shape.vocabularySize(), 2 * hidden,
								(target, random) -> {
									for (int i = 0; i < hidden; i++) {
										target.putShort(bfloat((i < SyntheticMixture.CONSTANT) ? 1f
												: (float) (Math.sqrt(12) * (random.nextDouble() - 0.5))));
									}
								})));
	}

	/**
	 * Puts a matrix, or several of the same shape in one tensor.
	 * @param tensors get it
	 * @param name of its module
	 * @param factor of usual weights
	 * @param count how many; 0: one, in a tensor of two dimensions
	 * @param outputs rows of each
	 * @param columns its columns
	 */
	private void put(Map<String, TensorSource> tensors, String name, float factor, int count, long outputs,
			long columns) {
		long seed = RandomBlocks.seed(this.seed, tensors.size());
		long rows = Math.max(1, count) * outputs;
		if (!this.format.quantised()) {
			tensors.put(name + ".weight",
					new TensorSource(DType.BF16, shape(count, outputs, columns), (channel) -> RandomBlocks
						.write(channel, seed, rows * columns / BLOCK, 2 * BLOCK, (target, random) -> {
							for (int i = 0; i < BLOCK; i++) {
								target.putShort(bfloat(factor * SyntheticWeights.weight(random)));
							}
						})));
			return;
		}
		int bits = this.format.bits();
		long words = columns * bits / 32;
		long groups = columns / this.format.groupSize();
		float middle = ((1 << bits) - 1) / 2f;
		tensors.put(name + ".weight", new TensorSource(DType.U32, shape(count, outputs, words),
				(channel) -> RandomBlocks.write(channel, seed, rows * words / 4, 16, (target,
						random) -> target.putLong(this.format.codes(random)).putLong(this.format.codes(random)))));
		if (!this.format.hasBiases()) {
			tensors.put(name + ".scales",
					new TensorSource(DType.U8, shape(count, outputs, groups), (channel) -> RandomBlocks.write(channel,
							seed, rows * groups, 1, (target, random) -> target.put(this.format.scale(factor)))));
			return;
		}
		tensors.put(name + ".scales",
				new TensorSource(DType.BF16, shape(count, outputs, groups), (channel) -> RandomBlocks.write(
						channel, seed, rows * groups, 2,
						(target, random) -> target.putShort(bfloat(factor * SyntheticWeights.scale(random, bits))))));
		// The same seed gives the same scales again, for biases that centre the values.
		tensors.put(name + ".biases",
				new TensorSource(DType.BF16, shape(count, outputs, groups),
						(channel) -> RandomBlocks.write(channel, seed, rows * groups, 2, (target, random) -> target
							.putShort(bfloat(-middle * factor * SyntheticWeights.scale(random, bits))))));
	}

	private static long[] shape(int count, long rows, long columns) {
		return (count > 0) ? new long[] { count, rows, columns } : new long[] { rows, columns };
	}

	private static short bfloat(float value) {
		return (short) (Float.floatToRawIntBits(value) >>> 16);
	}

	private String config() {
		String quantization = this.format.quantised() ? "  \"quantization\": " + this.format.config() + ",\n" : "";
		String kind = """
				  "architectures": ["LlamaForCausalLM"],
				  "model_type": "llama",
				""";
		if (this.mixture != null) {
			kind = """
					  "architectures": ["Qwen3MoeForCausalLM"],
					  "model_type": "qwen3_moe",
					  "num_experts": %d,
					  "num_experts_per_tok": %d,
					  "moe_intermediate_size": %d,
					  "norm_topk_prob": true,
					  "decoder_sparse_step": 1,
					  "mlp_only_layers": [],
					""".formatted(this.mixture.experts(), this.mixture.perToken(), this.mixture.width());
		}
		return """
				{
				%s  "hidden_act": "silu",
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
				""".formatted(kind, this.shape.hiddenSize(), this.shape.intermediateSize(), this.shape.layers(),
				this.shape.heads(), this.shape.keyValueHeads(), this.shape.headDim(), this.shape.vocabularySize(),
				quantization, this.shape.tied());
	}

}
