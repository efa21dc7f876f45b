package io.github.flashspring.engine.model;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.checkpoint.ModelConfig;
import io.github.flashspring.engine.device.Activation;
import io.github.flashspring.engine.weights.WeightGroup;

/**
 * DeepSeek V2, V3 and R1: latent attention, and mixtures of many small experts with
 * shared ones in all but the first layers, chosen from the best groups of experts.
 *
 * @see <a href="https://arxiv.org/abs/2405.04434">DeepSeek-V2</a>
 * @see <a href="https://arxiv.org/abs/2412.19437">DeepSeek-V3</a>
 */
final class DeepSeek {

	private DeepSeek() {
	}

	static ModelDefinition v2(ModelSource source) {
		ModelConfig config = source.config();
		int experts = config.getInt("n_routed_experts", 64, 0);
		String method = config.getString("topk_method", "greedy");
		boolean grouped = switch (method) {
			case "greedy" -> false;
			case "group_limited_greedy" -> true;
			default -> throw config.wrong("topk_method", "greedy or group_limited_greedy", method);
		};
		Routing routing = (experts == 0) ? null
				: Routing.grouped(config,
						new Routing(experts, config.getInt("num_experts_per_tok"), Routing.Scoring.SOFTMAX,
								grouped ? config.getInt("n_group") : 1, grouped ? config.getInt("topk_group") : 1,
								Routing.GroupScore.HIGHEST, false, config.getFloat("routed_scaling_factor", 1f)));
		return define(source, routing, false, true);
	}

	static ModelDefinition v3(ModelSource source) {
		ModelConfig config = source.config();
		DecoderConfig.require(config, "topk_method", "noaux_tc");
		DecoderConfig.require(config, "scoring_func", "sigmoid");
		int experts = config.getInt("n_routed_experts", 256, 0);
		Routing routing = (experts == 0) ? null
				: Routing.grouped(config,
						new Routing(experts, config.getInt("num_experts_per_tok", 8), Routing.Scoring.SIGMOID,
								config.getInt("n_group", 8, 1), config.getInt("topk_group", 4, 1),
								Routing.GroupScore.TWO_HIGHEST,
								config.getBoolean("norm_topk_prob", !config.isNull("norm_topk_prob")),
								config.getFloat("routed_scaling_factor", 2.5f)));
		return define(source, routing, true, config.getBoolean("rope_interleave", !config.isNull("rope_interleave")));
	}

	private static ModelDefinition define(ModelSource source, @Nullable Routing routing, boolean correction,
			boolean interleaved) {
		ModelConfig config = source.config();
		DecoderConfig sizes = DecoderConfig.of(config);
		Decoder decoder = new Decoder(source, sizes);
		Norm.Kind norm = Norm.Kind.rms(config.getFloat("rms_norm_eps", 1e-6f));
		LatentAttention.Shape attention = LatentAttention.Shape.of(config, sizes.numAttentionHeads(), interleaved);
		RotaryEmbedding rotary = decoder.rotary(config.ropeParameters(), attention.turnedDim());
		boolean bias = hasBias(config);
		int firstSparse = config.getInt("first_k_dense_replace", correction ? 3 : 0);
		int every = Math.max(1, config.getInt("moe_layer_freq", 1));
		for (int i = 0; i < sizes.numHiddenLayers(); i++) {
			WeightGroup unit = decoder.unit(i);
			boolean sparse = routing != null && i >= firstSparse
					&& (i % every == 0 || source.has(decoder.layerPrefix(i) + "mlp.gate.weight"));
			Norm before = norm.of(unit, "input_layernorm", sizes.hiddenSize());
			LatentAttention latent = new LatentAttention(decoder, unit, decoder.layerPrefix(i), attention, rotary);
			Norm between = norm.of(unit, "post_attention_layernorm", sizes.hiddenSize());
			decoder.add(unit, Residual.Branch.of(before, latent),
					Residual.Branch.of(between,
							(routing != null && sparse) ? mixture(decoder, unit, i, routing, correction)
									: decoder.feedForward(unit, "mlp", shape(config, "intermediate_size", 1, bias))));
		}
		ignorePredictionLayers(decoder);
		return decoder.end(norm)
			.keyValues(sizes.numHiddenLayers(), sizes.numAttentionHeads(), attention.layout())
			.build();
	}

	/** Whether parts that see all tokens have biases; experts have none. */
	private static boolean hasBias(ModelConfig config) {
		return config.getBoolean("mlp_bias", false);
	}

	private static Mlp.Shape shape(ModelConfig config, String width, int times, boolean bias) {
		return new Mlp.Shape(config.getInt("hidden_size"),
				Math.multiplyExact(DecoderConfig.positive(config, width), times),
				ActivationNames.of(config, "hidden_act", Activation.SILU), true, bias);
	}

	private static MoeLayer mixture(Decoder decoder, WeightGroup unit, int layer, Routing routing, boolean correction) {
		ModelConfig config = decoder.source().config();
		MoeLayer.Builder mixture = new MoeLayer.Builder(decoder, unit, routing, "mlp.gate", false);
		if (correction) {
			mixture.correction("mlp.gate.e_score_correction_bias");
		}
		boolean bias = hasBias(config);
		int shared = config.getInt("n_shared_experts", correction ? 1 : 2, 0);
		if (shared > 0) {
			mixture.shared(decoder.feedForward(unit, "mlp.shared_experts",
					shape(config, "moe_intermediate_size", shared, bias)));
		}
		GatedExperts gated = GatedExperts.of(decoder, "mlp", routing.experts(),
				shape(config, "moe_intermediate_size", 1, false));
		return mixture.experts(layer, (expert, index) -> gated.create(layer, expert, index));
	}

	/** Layers behind the last predict further tokens, for training. */
	private static void ignorePredictionLayers(Decoder decoder) {
		int layers = decoder.config().numHiddenLayers();
		int predicting = decoder.source().config().getInt("num_nextn_predict_layers", 0);
		for (String name : decoder.source().checkpoint().tensors().keySet()) {
			for (int i = layers; i < layers + predicting; i++) {
				if (name.startsWith(decoder.layerPrefix(i))) {
					decoder.ignore(name);
				}
			}
		}
	}

}
