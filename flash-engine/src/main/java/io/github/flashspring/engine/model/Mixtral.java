package io.github.flashspring.engine.model;

import io.github.flashspring.engine.checkpoint.ModelConfig;
import io.github.flashspring.engine.device.Activation;
import io.github.flashspring.engine.weights.WeightGroup;

/**
 * Mixtral: Mistral with a mixture of experts in every layer.
 *
 * @see <a href="https://arxiv.org/abs/2401.04088">Mixtral of Experts</a>
 */
final class Mixtral {

	private static final GatedExperts.Names OWN_NAMES = new GatedExperts.Names("w1", "w3", "w2");

	private Mixtral() {
	}

	static ModelDefinition define(ModelSource source) {
		ModelConfig config = source.config();
		DecoderConfig sizes = DecoderConfig.of(config, new DecoderConfig.Defaults(8, 0, false));
		Decoder decoder = new Decoder(source, sizes);
		Norm.Kind norm = Norm.Kind.rms(config.getFloat("rms_norm_eps", 1e-5f));
		RotaryEmbedding rotary = decoder.rotary(config.ropeParameters(1_000_000), sizes.headDim());
		int window = DecoderConfig.window(config, 0);
		int experts = config.getInt("num_local_experts", 8);
		Routing routing = Routing.plain(config, experts, config.getInt("num_experts_per_tok", 2),
				Routing.Scoring.SOFTMAX, true);
		Mlp.Shape shape = new Mlp.Shape(sizes.hiddenSize(), DecoderConfig.positive(config, "intermediate_size"),
				ActivationNames.of(config, "hidden_act", Activation.SILU), true, false);
		GatedExperts gated = new GatedExperts(decoder, "block_sparse_moe", experts, shape, OWN_NAMES,
				GatedExperts.Names.USUAL);
		for (int i = 0; i < sizes.numHiddenLayers(); i++) {
			int layer = i;
			WeightGroup unit = decoder.unit(i);
			decoder.add(unit,
					Residual.Branch.of(norm.of(unit, "input_layernorm", sizes.hiddenSize()),
							decoder.attention(unit).rotary(rotary).window(window).build()),
					Residual.Branch.of(norm.of(unit, "post_attention_layernorm", sizes.hiddenSize()),
							new MoeLayer.Builder(decoder, unit, routing, "block_sparse_moe.gate", false).experts(i,
									(expert, index) -> gated.create(layer, expert, index))));
		}
		return decoder.end(norm).build();
	}

}
