package io.github.flashspring.cli.bench;

import picocli.CommandLine.Option;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Options for the shape of a synthetic model that is no preset.
 */
@SuppressWarnings("NullAway.Init") // picocli sets options
public final class ShapeOptions {

	private static final int MAX_LAYERS = 1000;

	private static final int MAX_EXPERTS = 1024;

	private static final int MAX_TOKENS = 1_000_000;

	@Option(names = "--hidden", paramLabel = "N", defaultValue = "2048",
			description = "Width; like other widths a multiple of what --format shares a scale among. Default: ${DEFAULT-VALUE}.")
	private int hidden;

	@Option(names = "--mlp", paramLabel = "N", defaultValue = "8192",
			description = "Width inside the MLP. Default: ${DEFAULT-VALUE}.")
	private int mlp;

	@Option(names = "--heads", paramLabel = "N", defaultValue = "32",
			description = "Query heads. Default: ${DEFAULT-VALUE}.")
	private int heads;

	@Option(names = "--kv-heads", paramLabel = "N", defaultValue = "8",
			description = "Key-value heads. Default: ${DEFAULT-VALUE}.")
	private int keyValueHeads;

	@Option(names = "--head-dim", paramLabel = "N",
			description = "Width of a head. Default: --hidden divided by --heads.")
	private int headDim;

	@Option(names = "--moe", description = "The MLPs are MoE layers; --mlp does not count.")
	private boolean moe;

	@Option(names = "--experts", paramLabel = "N", defaultValue = "128",
			description = "Experts of a MoE layer. Default: ${DEFAULT-VALUE}.")
	private int experts;

	@Option(names = "--experts-per-token", paramLabel = "N", defaultValue = "8",
			description = "Experts that a token needs. Default: ${DEFAULT-VALUE}.")
	private int expertsPerToken;

	@Option(names = "--expert-mlp", paramLabel = "N", defaultValue = "768",
			description = "Width inside an expert. Default: ${DEFAULT-VALUE}.")
	private int expertMlp;

	@Option(names = "--vocabulary", paramLabel = "N", defaultValue = "32000",
			description = "Number of tokens. Default: ${DEFAULT-VALUE}.")
	private int vocabulary;

	@Option(names = "--tied", description = "The head is the embedding.")
	private boolean tied;

	boolean moe() {
		return this.moe;
	}

	/**
	 * The config of the model.
	 * @param layers number of layers
	 * @param standard format of matrices
	 * @param expert format of the experts' matrices
	 * @return without quantisation
	 * @throws IllegalArgumentException if an option is out of range
	 */
	ObjectNode config(int layers, WeightFormat standard, WeightFormat expert) {
		require(this.headDim > 0 || (this.heads >= 1 && this.hidden % this.heads == 0),
				"--hidden must be a multiple of --heads, but is %d with %d heads", this.hidden, this.heads);
		int width = (this.headDim > 0) ? this.headDim : this.hidden / this.heads;
		require(width % 2 == 0 && width > 0, "--hidden must be an even multiple of --heads, but heads would be %d wide",
				width);
		require(this.keyValueHeads >= 1 && this.heads % this.keyValueHeads == 0,
				"--heads must be a multiple of --kv-heads, but is %d with %d", this.heads, this.keyValueHeads);
		require(layers >= 1 && layers <= MAX_LAYERS, "--layers must be 1 to %d, but is %d", MAX_LAYERS, layers);
		require(this.vocabulary >= 300 && this.vocabulary <= MAX_TOKENS, "--vocabulary must be 300 to %d, but is %d",
				MAX_TOKENS, this.vocabulary);
		requireWidth("--hidden", this.hidden, standard);
		requireWidth("--heads times --head-dim", this.heads * width, standard);
		if (!this.moe) {
			requireWidth("--mlp", this.mlp, standard);
		}
		ObjectNode config = JsonMapper.shared().createObjectNode();
		config.putArray("architectures").add(this.moe ? "Qwen3MoeForCausalLM" : "LlamaForCausalLM");
		config.put("model_type", this.moe ? "qwen3_moe" : "llama").put("hidden_act", "silu");
		config.put("hidden_size", this.hidden).put("intermediate_size", this.mlp).put("num_hidden_layers", layers);
		config.put("num_attention_heads", this.heads).put("num_key_value_heads", this.keyValueHeads);
		config.put("head_dim", width).put("vocab_size", this.vocabulary).put("max_position_embeddings", 131_072);
		config.put("rms_norm_eps", 1e-5).put("rope_theta", 500_000.0);
		config.put("attention_bias", false).put("mlp_bias", false).put("tie_word_embeddings", this.tied);
		config.put("torch_dtype", "bfloat16");
		if (this.moe) {
			putExperts(config, expert);
		}
		return config;
	}

	private void putExperts(ObjectNode config, WeightFormat expert) {
		require(this.experts >= 1 && this.experts <= MAX_EXPERTS, "--experts must be 1 to %d, but is %d", MAX_EXPERTS,
				this.experts);
		require(this.expertsPerToken >= 1 && this.expertsPerToken <= this.experts,
				"--experts-per-token must be 1 to %d, but is %d", this.experts, this.expertsPerToken);
		requireWidth("--expert-mlp", this.expertMlp, expert);
		require(this.hidden > SyntheticRouting.CONSTANT, "--hidden must be more than %d in a MoE model, but is %d",
				SyntheticRouting.CONSTANT, this.hidden);
		config.put("num_experts", this.experts).put("num_experts_per_tok", this.expertsPerToken);
		config.put("moe_intermediate_size", this.expertMlp).put("norm_topk_prob", true).put("decoder_sparse_step", 1);
		config.putArray("mlp_only_layers");
	}

	private static void requireWidth(String option, int width, WeightFormat format) {
		require(format.allows(width), "%s must be a multiple of %d for %s, but is %d", option, format.multiple(),
				format.name(), width);
	}

	private static void require(boolean right, String message, Object... values) {
		if (!right) {
			throw new IllegalArgumentException(message.formatted(values));
		}
	}

}
