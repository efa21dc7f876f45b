package io.github.flashspring.cli.bench;

import java.util.SplittableRandom;

import tools.jackson.databind.JsonNode;

import io.github.flashspring.engine.checkpoint.DType;

/**
 * The tensors that a config describes, named and shaped as mlx-lm writes them: of Llama,
 * Qwen 3 with experts, gpt-oss and Nemotron-H.
 */
final class SyntheticTensors {

	/**
	 * What attention adds to the stream of a model with experts, compared with usual
	 * weights.
	 */
	private static final float QUIET = 0.1f;

	private final JsonNode config;

	private final MatrixFormats formats;

	private final SyntheticRouting routing;

	private final TensorList list;

	private final int hidden;

	private SyntheticTensors(JsonNode config, MatrixFormats formats, SyntheticRouting routing, long seed) {
		this.config = config;
		this.formats = formats;
		this.routing = routing;
		this.list = new TensorList(seed);
		this.hidden = size("hidden_size");
	}

	/**
	 * Lists the tensors.
	 * @param config as in {@code config.json}
	 * @param formats of the matrices
	 * @param routing how often experts are chosen
	 * @param seed of the random values
	 * @return in the order of a pass
	 * @throws IllegalArgumentException if a format does not allow a width
	 */
	static TensorList of(JsonNode config, MatrixFormats formats, SyntheticRouting routing, long seed) {
		SyntheticTensors tensors = new SyntheticTensors(config, formats, routing, seed);
		switch (config.path("model_type").stringValue()) {
			case "llama", "qwen3_moe", "gpt_oss" -> tensors.transformer();
			case "nemotron_h" -> tensors.hybrid();
			default -> throw new IllegalArgumentException("No tensors are known for " + config.path("model_type"));
		}
		return tensors.list;
	}

	private int size(String name) {
		return this.config.path(name).intValue();
	}

	private void transformer() {
		String type = this.config.path("model_type").stringValue();
		embedding(type.equals("qwen3_moe") && this.routing.skew() > 0);
		for (int i = 0; i < size("num_hidden_layers"); i++) {
			String layer = "model.layers." + i + ".";
			this.list.norm(layer + "input_layernorm", this.hidden);
			attention(layer + "self_attn.", !type.equals("llama"));
			this.list.norm(layer + "post_attention_layernorm", this.hidden);
			switch (type) {
				case "llama" -> mlp(layer + "mlp.");
				case "qwen3_moe" -> qwenExperts(layer + "mlp.");
				default -> gptOssExperts(layer + "mlp.");
			}
		}
		this.list.norm("model.norm", this.hidden);
		if (!this.config.path("tie_word_embeddings").booleanValue()) {
			matrix("lm_head", size("vocab_size"), this.hidden);
		}
	}

	private void embedding(boolean leading) {
		if (leading) {
			this.list.leading("model.embed_tokens", this.formats.embedding(), 1, (row) -> 1, size("vocab_size"),
					this.hidden);
		}
		else {
			this.list.matrix("model.embed_tokens", this.formats.embedding(), 1, size("vocab_size"), this.hidden);
		}
	}

	private void matrix(String module, long outputs, long inputs) {
		this.list.matrix(module, this.formats.standard(), 1, outputs, inputs);
	}

	private void experts(String module, long experts, long outputs, long inputs) {
		this.list.matrix(module, this.formats.experts(), 1, experts, outputs, inputs);
	}

	private void vector(String name, long... shape) {
		this.list.numbers(name, DType.BF16, SyntheticWeights::weight, shape);
	}

	private void attention(String prefix, boolean quiet) {
		int headDim = size("head_dim");
		int queries = size("num_attention_heads") * headDim;
		int keys = size("num_key_value_heads") * headDim;
		boolean bias = this.config.path("attention_bias").booleanValue();
		matrix(prefix + "q_proj", queries, this.hidden);
		matrix(prefix + "k_proj", keys, this.hidden);
		matrix(prefix + "v_proj", keys, this.hidden);
		this.list.matrix(prefix + "o_proj", this.formats.standard(), quiet ? QUIET : 1, this.hidden, queries);
		if (bias) {
			vector(prefix + "q_proj.bias", queries);
			vector(prefix + "k_proj.bias", keys);
			vector(prefix + "v_proj.bias", keys);
			vector(prefix + "o_proj.bias", this.hidden);
		}
	}

	private void mlp(String prefix) {
		int width = size("intermediate_size");
		matrix(prefix + "gate_proj", width, this.hidden);
		matrix(prefix + "up_proj", width, this.hidden);
		matrix(prefix + "down_proj", this.hidden, width);
	}

	private void qwenExperts(String prefix) {
		int experts = size("num_experts");
		int width = size("moe_intermediate_size");
		String attention = prefix.replace("mlp.", "self_attn.");
		this.list.norm(attention + "q_norm", size("head_dim"));
		this.list.norm(attention + "k_norm", size("head_dim"));
		if (this.routing.skew() > 0) {
			double[] popularity = this.routing.popularity(this.list.nextSeed(), experts);
			this.list.leading(prefix + "gate", this.formats.router(),
					SyntheticRouting.deviation(this.hidden - SyntheticRouting.CONSTANT),
					(row) -> popularity[row] / SyntheticRouting.CONSTANT, experts, this.hidden);
		}
		else {
			router(prefix + "gate", this.formats.router(), experts);
		}
		experts(prefix + "switch_mlp.gate_proj", experts, width, this.hidden);
		experts(prefix + "switch_mlp.up_proj", experts, width, this.hidden);
		experts(prefix + "switch_mlp.down_proj", experts, this.hidden, width);
	}

	private void router(String module, WeightFormat format, int experts) {
		this.list.matrix(module, format, (float) (SyntheticRouting.deviation(this.hidden) / SyntheticWeights.DEVIATION),
				experts, this.hidden);
	}

	private void gptOssExperts(String prefix) {
		int experts = size("num_local_experts");
		int width = size("intermediate_size");
		this.list.numbers(prefix.replace("mlp.", "self_attn.") + "sinks", DType.BF16, SplittableRandom::nextGaussian,
				size("num_attention_heads"));
		router(prefix + "router", this.formats.router(), experts);
		each(prefix + "router.bias", DType.BF16, this.routing.popularity(this.list.nextSeed(), experts));
		for (String name : new String[] { "gate_proj", "up_proj", "down_proj" }) {
			boolean down = name.equals("down_proj");
			experts(prefix + "experts." + name, experts, down ? this.hidden : width, down ? width : this.hidden);
			vector(prefix + "experts." + name + ".bias", experts, down ? this.hidden : width);
		}
	}

	/** Puts numbers that are given. */
	private void each(String name, DType type, double[] values) {
		int[] next = new int[1];
		this.list.numbers(name, type, (random) -> values[next[0]++], values.length);
	}

	private void hybrid() {
		this.list.matrix("backbone.embeddings", this.formats.embedding(), 1, size("vocab_size"), this.hidden);
		String pattern = this.config.path("hybrid_override_pattern").stringValue();
		for (int i = 0; i < pattern.length(); i++) {
			String layer = "backbone.layers." + i + ".";
			this.list.norm(layer + "norm", this.hidden);
			switch (pattern.charAt(i)) {
				case 'M' -> stateSpace(layer + "mixer.");
				case '*' -> attention(layer + "mixer.", true);
				default -> nemotronExperts(layer + "mixer.");
			}
		}
		this.list.norm("backbone.norm_f", this.hidden);
		matrix("lm_head", size("vocab_size"), this.hidden);
	}

	private void stateSpace(String prefix) {
		int heads = size("mamba_num_heads");
		int inner = heads * size("mamba_head_dim");
		int channels = inner + 2 * size("n_groups") * size("ssm_state_size");
		matrix(prefix + "in_proj", inner + channels + heads, this.hidden);
		this.list.numbers(prefix + "conv1d.weight", DType.BF16, (random) -> 0.3 * random.nextGaussian(), channels,
				size("conv_kernel"), 1);
		vector(prefix + "conv1d.bias", channels);
		this.list.numbers(prefix + "dt_bias", DType.BF16, (random) -> random.nextDouble(-4, -2), heads);
		this.list.numbers(prefix + "A_log", DType.BF16, (random) -> Math.log(random.nextDouble(1, 16)), heads);
		this.list.numbers(prefix + "D", DType.BF16, (random) -> 1, heads);
		this.list.norm(prefix + "norm", inner);
		matrix(prefix + "out_proj", this.hidden, inner);
	}

	/** This architecture's routers stay in BF16. */
	private void nemotronExperts(String prefix) {
		int experts = size("n_routed_experts");
		int width = size("moe_intermediate_size");
		int shared = size("moe_shared_expert_intermediate_size");
		router(prefix + "gate", WeightFormat.BF16, experts);
		each(prefix + "gate.e_score_correction_bias", DType.F32,
				this.routing.correction(this.list.nextSeed(), experts));
		experts(prefix + "switch_mlp.fc1", experts, width, this.hidden);
		experts(prefix + "switch_mlp.fc2", experts, this.hidden, width);
		matrix(prefix + "shared_experts.up_proj", shared, this.hidden);
		matrix(prefix + "shared_experts.down_proj", this.hidden, shared);
	}

}
