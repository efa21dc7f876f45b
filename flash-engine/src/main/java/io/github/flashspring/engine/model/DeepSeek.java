package io.github.flashspring.engine.model;

import io.github.flashspring.engine.checkpoint.Checkpoint;
import io.github.flashspring.engine.checkpoint.ModelConfig;
import io.github.flashspring.engine.checkpoint.RopeParameters;
import io.github.flashspring.engine.device.Activation;

/**
 * DeepSeek V2, V3 and R1: latent attention, and MoE layers of many small experts with
 * shared ones in all but the first layers, chosen from the best groups of experts.
 *
 * @see <a href="https://arxiv.org/abs/2405.04434">DeepSeek-V2</a>
 * @see <a href="https://arxiv.org/abs/2412.19437">DeepSeek-V3</a>
 */
final class DeepSeek {

	private DeepSeek() {
	}

	/**
	 * Config of DeepSeek.
	 *
	 * @param routing of MoE layers, which has no experts if there are none
	 * @param firstKDenseReplace first layers with an MLP
	 * @param moeLayerFreq every how many of the others there is a MoE layer
	 * @param numNextnPredictLayers layers behind the last
	 */
	record Config(Version version, DecoderConfig decoder, LatentAttention.Shape attention,
			RopeParameters ropeParameters, Activation hiddenAct, float rmsNormEps, Routing routing,
			int firstKDenseReplace, int moeLayerFreq, int nSharedExperts, int intermediateSize, int moeIntermediateSize,
			Bias mlpBias, int numNextnPredictLayers) {

		static Config v2(ModelConfig config) {
			String method = config.getString("topk_method", "greedy");
			Routing.Groups groups = switch (method) {
				case "greedy" -> Routing.Groups.NONE;
				case "group_limited_greedy" -> new Routing.Groups(config.getInt("n_group"), config.getInt("topk_group"),
						Routing.GroupScore.HIGHEST);
				default -> throw config.wrong("topk_method", "greedy or group_limited_greedy", method);
			};
			int experts = config.getInt("n_routed_experts", 64, 0);
			int perToken = (experts > 0) ? config.getInt("num_experts_per_tok") : 0;
			return of(config, Version.V2, new Routing(experts, perToken, Routing.Scoring.SOFTMAX).groups(groups)
				.scale(config.getFloat("routed_scaling_factor", 1f)), LatentAttention.RotaryPairs.NEIGHBOURS);
		}

		static Config v3(ModelConfig config) {
			DecoderConfig.require(config, "topk_method", "noaux_tc");
			DecoderConfig.require(config, "scoring_func", "sigmoid");
			boolean neighbours = config.getBoolean("rope_interleave", !config.isNull("rope_interleave"));
			return of(config, Version.V3,
					new Routing(config.getInt("n_routed_experts", 256, 0), config.getInt("num_experts_per_tok", 8),
							Routing.Scoring.SIGMOID)
						.groups(new Routing.Groups(config.getInt("n_group", 8, 1), config.getInt("topk_group", 4, 1),
								Routing.GroupScore.TWO_HIGHEST))
						.weighting(Routing.Weighting
							.of(config.getBoolean("norm_topk_prob", !config.isNull("norm_topk_prob"))))
						.scale(config.getFloat("routed_scaling_factor", 2.5f)),
					neighbours ? LatentAttention.RotaryPairs.NEIGHBOURS : LatentAttention.RotaryPairs.HALVES);
		}

		private static Config of(ModelConfig config, Version version, Routing routing,
				LatentAttention.RotaryPairs pairs) {
			DecoderConfig decoder = DecoderConfig.of(config);
			int firstKDenseReplace = config.getInt("first_k_dense_replace", version.firstKDenseReplace);
			int moeLayerFreq = Math.max(1, config.getInt("moe_layer_freq", 1));
			boolean sparse = routing.experts() > 0 && firstKDenseReplace < decoder.numHiddenLayers();
			boolean dense = !sparse || firstKDenseReplace > 0 || moeLayerFreq > 1;
			return new Config(version, decoder, LatentAttention.Shape.of(config, pairs), config.ropeParameters(),
					ActivationNames.of(config, "hidden_act", Activation.SILU), config.getFloat("rms_norm_eps", 1e-6f),
					(routing.experts() > 0) ? routing.checked(config) : routing, firstKDenseReplace, moeLayerFreq,
					config.getInt("n_shared_experts", version.nSharedExperts, 0),
					dense ? config.getPositiveInt("intermediate_size") : 0,
					sparse ? config.getPositiveInt("moe_intermediate_size") : 0,
					Bias.of(config.getBoolean("mlp_bias", false)), config.getInt("num_nextn_predict_layers", 0));
		}

		Mlp.Shape mlp(int width) {
			return Mlp.Shape.gated(this.decoder.hiddenSize(), width, this.hiddenAct);
		}

	}

	static ModelDefinition v2(ModelSource source) {
		return define(source, Config.v2(source.config()));
	}

	static ModelDefinition v3(ModelSource source) {
		return define(source, Config.v3(source.config()));
	}

	private static ModelDefinition define(ModelSource source, Config config) {
		Names names = new Names(source.checkpoint(), config);
		Decoder decoder = new Decoder(source, config.decoder(), names);
		Norm.Kind norm = Norm.Kind.rms(config.rmsNormEps());
		RotaryEmbedding rotary = decoder.rotary(config.ropeParameters(), config.attention().ropeDim());
		decoder.keyValues(config.attention().layout());
		for (LayerBuilder layer : decoder.layers()) {
			layer.add(layer.norm("input_layernorm", norm),
					new LatentAttention(layer, config.attention(), rotary, names));
			layer.add(layer.norm("post_attention_layernorm", norm), names.isSparse(layer) ? moe(layer, config, names)
					: layer.mlp("mlp", config.mlp(config.intermediateSize()).bias(config.mlpBias())));
		}
		return decoder.end(norm);
	}

	private static Sublayer moe(LayerBuilder layer, Config config, Names names) {
		MoeLayer.Builder moe = layer.moe(config.routing(), "mlp.gate", Bias.ABSENT);
		if (config.version() == Version.V3) {
			moe.correction("mlp.gate.e_score_correction_bias");
		}
		if (config.nSharedExperts() > 0) {
			int width = Math.multiplyExact(config.moeIntermediateSize(), config.nSharedExperts());
			moe.shared(layer.mlp("mlp.shared_experts", config.mlp(width).bias(config.mlpBias())));
		}
		return moe.experts((expert) -> names.experts.mlp(expert, config.mlp(config.moeIntermediateSize())));
	}

	/** Versions, with what holds where the config does not say. */
	enum Version {

		V2(0, 2), V3(3, 1);

		private final int firstKDenseReplace;

		private final int nSharedExperts;

		Version(int firstKDenseReplace, int nSharedExperts) {
			this.firstKDenseReplace = firstKDenseReplace;
			this.nSharedExperts = nSharedExperts;
		}

	}

	private static final class Names extends TensorNames implements LatentAttention.HeadProjections {

		private final Config config;

		private final ExpertNames experts = new ExpertNames(this, "mlp");

		/** Layers behind the last predict further tokens, for training. */
		Names(Checkpoint checkpoint, Config config) {
			super(checkpoint);
			this.config = config;
			int layers = config.decoder().numHiddenLayers();
			for (int i = layers; i < layers + config.numNextnPredictLayers(); i++) {
				ignoreAll(layer(i));
			}
		}

		/** True for a MoE layer; transformers does not know {@code moe_layer_freq}. */
		boolean isSparse(LayerBuilder layer) {
			return this.config.routing().experts() > 0 && layer.index() >= this.config.firstKDenseReplace()
					&& (layer.index() % this.config.moeLayerFreq() == 0 || has(layer, "mlp.gate.weight"));
		}

		/**
		 * True where MLX has split {@code kv_b_proj} into keys and values of each head.
		 */
		private boolean isSplit(LayerBuilder layer) {
			return has(layer, "self_attn.embed_q.weight");
		}

		/** [rank, nopeDim], or the rows of {@code kv_b_proj} that make keys of rank. */
		@Override
		public Linear intoLatent(LayerBuilder layer, LatentAttention.Shape shape, int head) {
			if (isSplit(layer)) {
				return new Linear(
						layer.group()
							.stacked("self_attn.embed_q.weight", shape.heads(), head, shape.rank(), shape.nopeDim()),
						null);
			}
			int each = shape.nopeDim() + shape.valueDim();
			return new Linear(
					layer.group()
						.rows("self_attn.kv_b_proj", shape.heads() * each, head * each, shape.nopeDim(), shape.rank()),
					null, Linear.Layout.INPUTS_BY_OUTPUTS);
		}

		/** [valueDim, rank], or the rows of {@code kv_b_proj} that make values. */
		@Override
		public Linear outOfLatent(LayerBuilder layer, LatentAttention.Shape shape, int head) {
			if (isSplit(layer)) {
				return new Linear(layer.group()
					.stacked("self_attn.unembed_out.weight", shape.heads(), head, shape.valueDim(), shape.rank()),
						null);
			}
			int each = shape.nopeDim() + shape.valueDim();
			return new Linear(layer.group()
				.rows("self_attn.kv_b_proj", shape.heads() * each, head * each + shape.nopeDim(), shape.valueDim(),
						shape.rank()),
					null);
		}

	}

}
