package io.github.flashspring.engine.model;

import io.github.flashspring.engine.checkpoint.ModelConfig;
import io.github.flashspring.engine.checkpoint.RopeParameters;
import io.github.flashspring.engine.device.Activation;
import io.github.flashspring.engine.device.Workload;
import io.github.flashspring.engine.weights.WeightGroup;

/**
 * Nemotron (dense) and Minitron: layer norms with weights around zero, squared ReLU
 * without a gate, half of each head turned.
 *
 * @see <a href="https://arxiv.org/abs/2402.16819">Nemotron-4</a>
 */
final class Nemotron {

	private Nemotron() {
	}

	static ModelDefinition define(ModelSource source) {
		ModelConfig config = source.config();
		DecoderConfig sizes = DecoderConfig.of(config);
		Decoder decoder = new Decoder(source, sizes);
		Norm.Kind norm = Norm.Kind.layer(1f, config.getFloat("norm_eps", 1e-5f));
		decoder.uses(new Workload.LayerNorm());
		RotaryEmbedding rotary = decoder.partialRotary(rope(config), sizes.headDim());
		boolean bias = config.getBoolean("attention_bias", false);
		Mlp.Shape mlp = new Mlp.Shape(sizes.hiddenSize(), DecoderConfig.positive(config, "intermediate_size"),
				ActivationNames.of(config, "hidden_act", Activation.SQUARED_RELU), false,
				config.getBoolean("mlp_bias", false));
		for (int i = 0; i < sizes.numHiddenLayers(); i++) {
			WeightGroup unit = decoder.unit(i);
			decoder.add(unit,
					Residual.Branch.of(norm.of(unit, "input_layernorm", sizes.hiddenSize()),
							decoder.attention(unit).rotary(rotary).bias(bias, bias).build()),
					Residual.Branch.of(norm.of(unit, "post_attention_layernorm", sizes.hiddenSize()),
							decoder.feedForward(unit, "mlp", mlp)));
		}
		return decoder.end(norm).build();
	}

	/** Half of a head unless the file says otherwise. */
	private static RopeParameters rope(ModelConfig config) {
		RopeParameters rope = config.ropeParameters();
		if (config.has("partial_rotary_factor") || rope.properties().has("partial_rotary_factor")) {
			return rope;
		}
		return rope.partialRotaryFactor(0.5);
	}

}
