package io.github.flashspring.engine.model;

import java.util.ArrayList;
import java.util.List;

import io.github.flashspring.engine.checkpoint.Checkpoint;
import io.github.flashspring.engine.checkpoint.ModelConfig;
import io.github.flashspring.engine.device.Activation;

/**
 * Nemotron-H and Nemotron 3: layers of Mamba-2, attention without positions, MLPs with
 * squared ReLU and MoE layers of these, in the order that the config gives.
 *
 * @see <a href="https://arxiv.org/abs/2504.03624">Nemotron-H</a>
 */
final class NemotronH {

	private NemotronH() {
	}

	/**
	 * Config of Nemotron-H. What only some kinds of layers have is read if there is such
	 * a layer.
	 *
	 * @param properties the others
	 */
	record Config(DecoderConfig decoder, List<Kind> layersBlockType, float layerNormEpsilon, Activation mlpHiddenAct,
			Bias mlpBias, ModelConfig properties) {

		static Config of(ModelConfig config) {
			List<Kind> kinds = kinds(config);
			int hiddenSize = config.getPositiveInt("hidden_size");
			int heads = config.getPositiveInt("num_attention_heads");
			int keyValueHeads = config.getInt("num_key_value_heads", heads);
			DecoderConfig.requireDivisor(config, keyValueHeads, heads);
			int headDim = config.getInt("head_dim",
					config.getInt("attention_head_dim", Math.max(1, hiddenSize / heads)));
			DecoderConfig decoder = new DecoderConfig(hiddenSize, kinds.size(), heads, keyValueHeads, headDim,
					config.getPositiveInt("vocab_size"), config.getInt("max_position_embeddings", 4096),
					config.getBoolean("tie_word_embeddings", false));
			return new Config(decoder, kinds, config.getFloat("layer_norm_epsilon", 1e-5f),
					ActivationNames.of(config, "mlp_hidden_act", Activation.SQUARED_RELU),
					Bias.of(config.getBoolean("mlp_bias", false)), config);
		}

		SelectiveStateSpace.Shape stateSpace() {
			ModelConfig config = this.properties;
			return SelectiveStateSpace.Shape
				.of(config, new SelectiveStateSpace.Shape.Names("mamba_num_heads", "mamba_head_dim", "ssm_state_size"))
				.steps(config.getFloat("time_step_min", 0.001f), Float.POSITIVE_INFINITY)
				.bias(Bias.of(config.getBoolean("use_bias", config.getBoolean("mamba_proj_bias", false))))
				.activation(ActivationNames.of(config, "mamba_hidden_act", Activation.SILU));
		}

		Bias attentionBias() {
			return Bias.of(this.properties.getBoolean("attention_bias", false));
		}

		Mlp.Shape mlp(int inputs, String width) {
			return Mlp.Shape.ungated(inputs, this.properties.getPositiveInt(width), this.mlpHiddenAct);
		}

		Routing routing() {
			ModelConfig config = this.properties;
			return new Routing(config.getInt("n_routed_experts", 8), config.getInt("num_experts_per_tok", 2),
					Routing.Scoring.SIGMOID)
				.groups(new Routing.Groups(config.getInt("n_group", 1), config.getInt("topk_group", 1),
						Routing.GroupScore.TWO_HIGHEST))
				.weighting(Routing.Weighting.of(config.getBoolean("norm_topk_prob", true)))
				.scale(config.getFloat("routed_scaling_factor", 1f))
				.checked(config);
		}

		boolean hasLatentSpace() {
			return this.properties.has("moe_latent_size");
		}

		/** Width in which experts work. */
		int expertHiddenSize() {
			return hasLatentSpace() ? this.properties.getPositiveInt("moe_latent_size") : this.decoder.hiddenSize();
		}

		int sharedExperts() {
			return this.properties.getInt("n_shared_experts", 1, 0);
		}

		/** A list of names, or letters as one text or a list. */
		private static List<Kind> kinds(ModelConfig config) {
			List<Kind> kinds = new ArrayList<>();
			if (config.has("layers_block_type")) {
				for (String name : config.getStrings("layers_block_type")) {
					kinds.add(switch (name) {
						case "mamba", "linear_attention" -> Kind.STATE_SPACE;
						case "attention", "full_attention" -> Kind.ATTENTION;
						case "mlp" -> Kind.MLP;
						case "moe" -> Kind.MOE;
						default -> throw config.wrong("layers_block_type", "mamba, attention, mlp or moe", name);
					});
				}
			}
			else {
				for (char letter : String.join("", config.getStrings("hybrid_override_pattern")).toCharArray()) {
					kinds.add(switch (letter) {
						case 'M' -> Kind.STATE_SPACE;
						case '*' -> Kind.ATTENTION;
						case '-' -> Kind.MLP;
						case 'E' -> Kind.MOE;
						default -> throw config.wrong("hybrid_override_pattern", "the letters M, *, - or E",
								String.valueOf(letter));
					});
				}
			}
			if (kinds.isEmpty() || config.getInt("num_hidden_layers", kinds.size()) != kinds.size()) {
				throw config.wrong("num_hidden_layers", "the number of layers that are named, " + kinds.size(),
						String.valueOf(config.getInt("num_hidden_layers", 0)));
			}
			return List.copyOf(kinds);
		}

	}

	static ModelDefinition define(ModelSource source) {
		Config config = Config.of(source.config());
		Names names = new Names(source.checkpoint());
		Decoder decoder = new Decoder(source, config.decoder(), names);
		Norm.Kind norm = Norm.Kind.rms(config.layerNormEpsilon());
		for (LayerBuilder layer : decoder.layers()) {
			layer.add(layer.norm("norm", norm), switch (config.layersBlockType().get(layer.index())) {
				case STATE_SPACE -> new SelectiveStateSpace(layer, names, config.stateSpace());
				case ATTENTION ->
					layer.attention("mixer").bias(names.attentionBias(layer, config.attentionBias())).build();
				case MLP ->
					layer.mlp("mixer", config.mlp(layer.hiddenSize(), "intermediate_size").bias(config.mlpBias()));
				case MOE -> moe(layer, config, names);
			});
		}
		return decoder.end(norm);
	}

	private static Sublayer moe(LayerBuilder layer, Config config, Names names) {
		MoeLayer.Builder moe = layer.moe(config.routing(), "mixer.gate", Bias.ABSENT)
			.correction("mixer.gate.e_score_correction_bias");
		if (config.hasLatentSpace()) {
			moe.latent(LatentSpace.of(layer, "mixer.fc1_latent_proj", "mixer.fc2_latent_proj",
					config.expertHiddenSize(), config.mlpBias()));
		}
		if (names.hasSharedExpert(layer, config)) {
			moe.shared(layer.mlp("mixer.shared_experts",
					config.mlp(layer.hiddenSize(), "moe_shared_expert_intermediate_size").bias(config.mlpBias())));
		}
		Mlp.Shape shape = config.mlp(config.expertHiddenSize(), "moe_intermediate_size")
			.bias(names.expertBias(layer, config.mlpBias()));
		return moe.experts((expert) -> names.experts.mlp(expert, shape));
	}

	/** What a layer is. */
	enum Kind {

		STATE_SPACE, ATTENTION, MLP, MOE

	}

	private static final class Names extends BackboneNames {

		private final ExpertNames experts = new ExpertNames(this, "mixer", ExpertNames.Matrices.USUAL,
				new ExpertNames.Matrices("", "fc1", "fc2"));

		/** Layers named {@code mtp} predict further tokens, for training. */
		Names(Checkpoint checkpoint) {
			super(checkpoint);
			ignoreAll("mtp.");
		}

		/** Some configs have biases that transformers does not give these layers. */
		Bias attentionBias(LayerBuilder layer, Bias configured) {
			return has(layer, "mixer.q_proj.bias") ? configured : Bias.ABSENT;
		}

		Bias expertBias(LayerBuilder layer, Bias configured) {
			return has(layer, "mixer.experts.0.up_proj.bias") ? configured : Bias.ABSENT;
		}

		boolean hasSharedExpert(LayerBuilder layer, Config config) {
			return config.sharedExperts() > 0 || has(layer, "mixer.shared_experts.up_proj.weight");
		}

	}

}
