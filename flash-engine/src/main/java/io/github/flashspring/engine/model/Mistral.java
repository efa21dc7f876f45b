package io.github.flashspring.engine.model;

import java.util.List;

import io.github.flashspring.engine.checkpoint.ModelConfig;
import io.github.flashspring.engine.checkpoint.RopeParameters;
import io.github.flashspring.engine.device.Activation;

/**
 * Mistral: Llama with a sliding window in all layers, as in early versions, or in those
 * that {@code layer_types} names, as in Ministral.
 *
 * @see <a href="https://arxiv.org/abs/2310.06825">Mistral 7B</a>
 */
final class Mistral {

	private Mistral() {
	}

	/**
	 * Config of Mistral.
	 *
	 * @param windows positions that each layer sees; 0: all
	 */
	record Config(DecoderConfig decoder, int intermediateSize, Activation hiddenAct, float rmsNormEps,
			RopeParameters ropeParameters, List<Integer> windows) {

		static Config of(ModelConfig config) {
			return new Config(DecoderConfig.of(config, DecoderConfig.Defaults.numKeyValueHeads(8)),
					config.getPositiveInt("intermediate_size"),
					ActivationNames.of(config, "hidden_act", Activation.SILU), config.getFloat("rms_norm_eps", 1e-6f),
					config.ropeParameters(),
					SlidingWindows.of(config, SlidingWindows.size(config, 4096), (layer) -> true));
		}

		Mlp.Shape mlp() {
			return Mlp.Shape.gated(this.decoder.hiddenSize(), this.intermediateSize, this.hiddenAct);
		}

	}

	static ModelDefinition define(ModelSource source) {
		Config config = Config.of(source.config());
		Decoder decoder = new Decoder(source, config.decoder());
		Norm.Kind norm = Norm.Kind.rms(config.rmsNormEps());
		RotaryEmbedding rotary = decoder.rotary(config.ropeParameters());
		for (LayerBuilder layer : decoder.layers()) {
			layer.add(layer.norm("input_layernorm", norm),
					layer.attention("self_attn").rotary(rotary).window(config.windows().get(layer.index())).build());
			layer.add(layer.norm("post_attention_layernorm", norm), layer.mlp("mlp", config.mlp()));
		}
		return decoder.end(norm);
	}

}
