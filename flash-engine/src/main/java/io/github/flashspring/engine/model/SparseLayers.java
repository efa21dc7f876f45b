package io.github.flashspring.engine.model;

import java.util.Set;
import java.util.stream.IntStream;

import io.github.flashspring.engine.checkpoint.ModelConfig;

/**
 * Which layers of a Qwen model are MoE layers; the others have an MLP.
 *
 * @param numExperts experts of such a layer; 0: there is none
 * @param decoderSparseStep every how many layers there is one
 * @param mlpOnlyLayers layers that are none in any case
 */
record SparseLayers(int numExperts, int decoderSparseStep, Set<Integer> mlpOnlyLayers) {

	static SparseLayers of(ModelConfig config) {
		return new SparseLayers(config.getInt(config.has("num_experts") ? "num_experts" : "num_local_experts"),
				Math.max(1, config.getInt("decoder_sparse_step", 1)), Set.copyOf(config.getInts("mlp_only_layers")));
	}

	boolean contains(int layer) {
		return this.numExperts > 0 && !this.mlpOnlyLayers.contains(layer) && (layer + 1) % this.decoderSparseStep == 0;
	}

	/**
	 * The width of MLPs.
	 * @param config the model's config
	 * @return {@code intermediate_size}, which must be there if a layer has an MLP;
	 * otherwise 0
	 */
	int denseSize(ModelConfig config) {
		boolean dense = layers(config).anyMatch((layer) -> !contains(layer));
		return dense ? config.getPositiveInt("intermediate_size") : 0;
	}

	/**
	 * A width of experts.
	 * @param config the model's config
	 * @param name the property
	 * @return its value, which must be there if a layer is a MoE layer; otherwise 0
	 */
	int expertSize(ModelConfig config, String name) {
		return layers(config).anyMatch(this::contains) ? config.getPositiveInt(name) : 0;
	}

	/**
	 * Routing with softmax.
	 * @param config the model's config
	 * @param numExpertsPerTok experts of a token if the config does not say
	 * @return the routing, checked if a layer is a MoE layer
	 */
	Routing routing(ModelConfig config, int numExpertsPerTok) {
		Routing routing = new Routing(this.numExperts, config.getInt("num_experts_per_tok", numExpertsPerTok),
				Routing.Scoring.SOFTMAX)
			.weighting(Routing.Weighting.of(config.getBoolean("norm_topk_prob", false)));
		return layers(config).anyMatch(this::contains) ? routing.checked(config) : routing;
	}

	private static IntStream layers(ModelConfig config) {
		return IntStream.range(0, config.getPositiveInt("num_hidden_layers"));
	}

}
