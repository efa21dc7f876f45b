package io.github.flashspring.engine.model;

import io.github.flashspring.engine.checkpoint.ModelConfig;
import io.github.flashspring.engine.checkpoint.RopeParameters;
import io.github.flashspring.engine.device.Activation;
import io.github.flashspring.engine.device.Workload;

/**
 * Nemotron (dense) and Minitron: layer norms with weights around zero, squared ReLU
 * without a gate, half of each head rotated.
 *
 * @see <a href="https://arxiv.org/abs/2402.16819">Nemotron-4</a>
 */
final class Nemotron {

	private Nemotron() {
	}

	record Config(DecoderConfig decoder, int intermediateSize, Activation hiddenAct, float normEps,
			RopeParameters ropeParameters, Bias attentionBias, Bias mlpBias) {

		static Config of(ModelConfig config) {
			return new Config(DecoderConfig.of(config), config.getPositiveInt("intermediate_size"),
					ActivationNames.of(config, "hidden_act", Activation.SQUARED_RELU),
					config.getFloat("norm_eps", 1e-5f), ropeParameters(config),
					Bias.of(config.getBoolean("attention_bias", false)), Bias.of(config.getBoolean("mlp_bias", false)));
		}

		/** Half of a head unless the config says otherwise. */
		private static RopeParameters ropeParameters(ModelConfig config) {
			RopeParameters rope = config.ropeParameters();
			if (config.has("partial_rotary_factor") || rope.properties().has("partial_rotary_factor")) {
				return rope;
			}
			return rope.partialRotaryFactor(0.5);
		}

		Mlp.Shape mlp() {
			return Mlp.Shape.ungated(this.decoder.hiddenSize(), this.intermediateSize, this.hiddenAct)
				.bias(this.mlpBias);
		}

	}

	static ModelDefinition define(ModelSource source) {
		Config config = Config.of(source.config());
		Decoder decoder = new Decoder(source, config.decoder());
		Norm.Kind norm = Norm.Kind.layer(1f, config.normEps());
		decoder.requirements().uses(new Workload.LayerNorm());
		RotaryEmbedding rotary = decoder.partialRotary(config.ropeParameters());
		for (LayerBuilder layer : decoder.layers()) {
			layer.add(layer.norm("input_layernorm", norm),
					layer.attention("self_attn").rotary(rotary).bias(config.attentionBias()).build());
			layer.add(layer.norm("post_attention_layernorm", norm), layer.mlp("mlp", config.mlp()));
		}
		return decoder.end(norm);
	}

}
