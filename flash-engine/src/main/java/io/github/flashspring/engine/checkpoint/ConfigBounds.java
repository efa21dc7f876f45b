package io.github.flashspring.engine.checkpoint;

import java.util.Map;

/**
 * Ranges of whole numbers in {@code config.json}, an order of magnitude or more beyond
 * any model published. They are chosen so that products of any two sizes fit a
 * {@code long} with room, and no array or loop grows absurd because a file says so.
 *
 * @param min smallest value allowed
 * @param max largest value allowed
 */
record ConfigBounds(int min, int max) {

	private static final ConfigBounds ANY = new ConfigBounds(Integer.MIN_VALUE, Integer.MAX_VALUE);

	private static final ConfigBounds WIDTH = new ConfigBounds(1, 1 << 24);

	private static final ConfigBounds COUNT = new ConfigBounds(1, 1 << 14);

	private static final ConfigBounds OPTIONAL_COUNT = new ConfigBounds(0, 1 << 14);

	private static final ConfigBounds LENGTH = new ConfigBounds(1, 1 << 14);

	private static final ConfigBounds POSITIONS = new ConfigBounds(1, Integer.MAX_VALUE);

	private static final Map<String, ConfigBounds> KNOWN = Map.ofEntries(
			Map.entry("num_hidden_layers", new ConfigBounds(1, 10_000)), Map.entry("hidden_size", WIDTH),
			Map.entry("intermediate_size", WIDTH), Map.entry("moe_intermediate_size", WIDTH),
			Map.entry("shared_expert_intermediate_size", WIDTH), Map.entry("vocab_size", WIDTH),
			Map.entry("num_attention_heads", COUNT), Map.entry("num_key_value_heads", COUNT),
			Map.entry("head_dim", new ConfigBounds(1, 1 << 16)), Map.entry("max_position_embeddings", POSITIONS),
			Map.entry("original_max_position_embeddings", POSITIONS),
			Map.entry("sliding_window", new ConfigBounds(-1, Integer.MAX_VALUE)), Map.entry("moe_latent_size", WIDTH),
			Map.entry("num_experts", OPTIONAL_COUNT), Map.entry("num_local_experts", OPTIONAL_COUNT),
			Map.entry("n_routed_experts", OPTIONAL_COUNT), Map.entry("n_shared_experts", OPTIONAL_COUNT),
			Map.entry("num_experts_per_tok", OPTIONAL_COUNT), Map.entry("moe_shared_expert_intermediate_size", WIDTH),
			Map.entry("kv_lora_rank", LENGTH), Map.entry("q_lora_rank", new ConfigBounds(0, 1 << 20)),
			Map.entry("qk_nope_head_dim", LENGTH), Map.entry("qk_rope_head_dim", LENGTH),
			Map.entry("v_head_dim", LENGTH), Map.entry("n_group", COUNT), Map.entry("topk_group", COUNT),
			Map.entry("num_nextn_predict_layers", OPTIONAL_COUNT), Map.entry("num_heads", COUNT),
			Map.entry("mamba_num_heads", COUNT), Map.entry("mamba_head_dim", LENGTH), Map.entry("n_groups", COUNT),
			Map.entry("state_size", LENGTH), Map.entry("ssm_state_size", LENGTH),
			Map.entry("conv_kernel", new ConfigBounds(1, 64)));

	static ConfigBounds of(String name) {
		return KNOWN.getOrDefault(name, ANY);
	}

}
