package io.github.flashspring.engine.model;

import java.util.ArrayList;
import java.util.List;

import io.github.flashspring.engine.checkpoint.ModelConfig;
import io.github.flashspring.engine.device.Activation;
import io.github.flashspring.engine.weights.WeightGroup;

/**
 * Nemotron-H and Nemotron 3: layers of Mamba-2, attention without positions, squared ReLU
 * feed-forward parts and mixtures of them, in the order that the file gives.
 *
 * @see <a href="https://arxiv.org/abs/2504.03624">Nemotron-H</a>
 */
final class NemotronH {

	private static final GatedExperts.Names STACKED_NAMES = new GatedExperts.Names("", "fc1", "fc2");

	private NemotronH() {
	}

	static ModelDefinition define(ModelSource source) {
		ModelConfig config = source.config();
		List<Kind> kinds = kinds(config);
		DecoderConfig sizes = sizes(config, kinds.size());
		Decoder decoder = new Decoder(source, sizes, Decoder.Names.BACKBONE);
		Norm.Kind norm = Norm.Kind.rms(config.getFloat("layer_norm_epsilon", 1e-5f));
		boolean mlpBias = config.getBoolean("mlp_bias", false);
		for (int i = 0; i < kinds.size(); i++) {
			WeightGroup unit = decoder.unit(i);
			Norm before = norm.of(unit, "norm", sizes.hiddenSize());
			Sublayer mixer = switch (kinds.get(i)) {
				case STATE_SPACE -> stateSpace(decoder, unit, i);
				case ATTENTION -> attention(decoder, unit, i);
				case FEED_FORWARD ->
					decoder.feedForward(unit, "mixer", shape(config, sizes.hiddenSize(), "intermediate_size", mlpBias));
				case EXPERTS -> experts(decoder, unit, i);
			};
			decoder.add(unit, Residual.Branch.of(before, mixer));
		}
		for (String name : source.checkpoint().tensors().keySet()) {
			if (name.startsWith("mtp.")) {
				decoder.ignore(name);
			}
		}
		return decoder.end(norm).build();
	}

	private static DecoderConfig sizes(ModelConfig config, int layers) {
		int hidden = DecoderConfig.positive(config, "hidden_size");
		int heads = DecoderConfig.positive(config, "num_attention_heads");
		int keyValueHeads = config.getInt("num_key_value_heads", heads);
		if (heads % keyValueHeads != 0) {
			throw config.wrong("num_key_value_heads", "a divisor of num_attention_heads, " + heads,
					String.valueOf(keyValueHeads));
		}
		int headDim = config.getInt("head_dim", config.getInt("attention_head_dim", Math.max(1, hidden / heads)));
		return new DecoderConfig(hidden, layers, heads, keyValueHeads, headDim,
				DecoderConfig.positive(config, "vocab_size"), config.getInt("max_position_embeddings", 4096),
				config.getBoolean("tie_word_embeddings", false));
	}

	private static Mlp.Shape shape(ModelConfig config, int width, String intermediate, boolean bias) {
		return new Mlp.Shape(width, DecoderConfig.positive(config, intermediate),
				ActivationNames.of(config, "mlp_hidden_act", Activation.SQUARED_RELU), false, bias);
	}

	/** Some files speak of biases that transformers does not give these layers. */
	private static Attention attention(Decoder decoder, WeightGroup unit, int layer) {
		boolean bias = decoder.source().config().getBoolean("attention_bias", false)
				&& decoder.source().has(decoder.layerPrefix(layer) + "mixer.q_proj.bias");
		return decoder.attention(unit).module("mixer").bias(bias, bias).build();
	}

	private static SelectiveStateSpace stateSpace(Decoder decoder, WeightGroup unit, int layer) {
		ModelConfig config = decoder.source().config();
		boolean bias = config.getBoolean("use_bias", config.getBoolean("mamba_proj_bias", false));
		return new SelectiveStateSpace(decoder, unit, decoder.layerPrefix(layer),
				Mamba2.shape(config, "mamba_num_heads", "mamba_head_dim", "ssm_state_size", bias)
					.steps(config.getFloat("time_step_min", 0.001f), Float.POSITIVE_INFINITY)
					.activation(ActivationNames.of(config, "mamba_hidden_act", Activation.SILU)));
	}

	private static MoeLayer experts(Decoder decoder, WeightGroup unit, int layer) {
		ModelConfig config = decoder.source().config();
		Routing routing = Routing.grouped(config,
				new Routing(config.getInt("n_routed_experts", 8), config.getInt("num_experts_per_tok", 2),
						Routing.Scoring.SIGMOID, config.getInt("n_group", 1), config.getInt("topk_group", 1),
						Routing.GroupScore.TWO_HIGHEST, config.getBoolean("norm_topk_prob", true),
						config.getFloat("routed_scaling_factor", 1f)));
		MoeLayer.Builder mixture = new MoeLayer.Builder(decoder, unit, routing, "mixer.gate", false)
			.correction("mixer.gate.e_score_correction_bias");
		String prefix = decoder.layerPrefix(layer) + "mixer.";
		int hidden = decoder.config().hiddenSize();
		boolean bias = config.getBoolean("mlp_bias", false);
		int width = hidden;
		if (config.has("moe_latent_size")) {
			width = DecoderConfig.positive(config, "moe_latent_size");
			mixture
				.latent(LatentSpace.of(decoder, unit, "mixer.fc1_latent_proj", "mixer.fc2_latent_proj", width, bias));
		}
		if (config.getInt("n_shared_experts", 1, 0) > 0
				|| decoder.source().has(prefix + "shared_experts.up_proj.weight")) {
			mixture.shared(decoder.feedForward(unit, "mixer.shared_experts",
					shape(config, hidden, "moe_shared_expert_intermediate_size", bias)));
		}
		boolean expertBias = bias && decoder.source().has(prefix + "experts.0.up_proj.bias");
		GatedExperts gated = new GatedExperts(decoder, "mixer", routing.experts(),
				shape(config, width, "moe_intermediate_size", expertBias), GatedExperts.Names.USUAL, STACKED_NAMES);
		return mixture.experts(layer, (expert, index) -> gated.create(layer, expert, index));
	}

	/** What the layers are, as a list of names, or as one text or list of letters. */
	private static List<Kind> kinds(ModelConfig config) {
		List<Kind> kinds = new ArrayList<>();
		if (config.has("layers_block_type")) {
			for (String name : config.getStrings("layers_block_type")) {
				kinds.add(switch (name) {
					case "mamba", "linear_attention" -> Kind.STATE_SPACE;
					case "attention", "full_attention" -> Kind.ATTENTION;
					case "mlp" -> Kind.FEED_FORWARD;
					case "moe" -> Kind.EXPERTS;
					default -> throw config.wrong("layers_block_type", "mamba, attention, mlp or moe", name);
				});
			}
		}
		else {
			for (char letter : String.join("", config.getStrings("hybrid_override_pattern")).toCharArray()) {
				kinds.add(switch (letter) {
					case 'M' -> Kind.STATE_SPACE;
					case '*' -> Kind.ATTENTION;
					case '-' -> Kind.FEED_FORWARD;
					case 'E' -> Kind.EXPERTS;
					default -> throw config.wrong("hybrid_override_pattern", "the letters M, *, - or E",
							String.valueOf(letter));
				});
			}
		}
		if (kinds.isEmpty() || config.getInt("num_hidden_layers", kinds.size()) != kinds.size()) {
			throw config.wrong("num_hidden_layers", "the number of layers that are named, " + kinds.size(),
					String.valueOf(config.getInt("num_hidden_layers", 0)));
		}
		return kinds;
	}

	/** What a layer is. */
	private enum Kind {

		STATE_SPACE, ATTENTION, FEED_FORWARD, EXPERTS

	}

}
