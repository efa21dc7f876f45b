package io.github.flashspring.engine.model;

import java.util.List;

import io.github.flashspring.engine.checkpoint.ModelConfig;
import io.github.flashspring.engine.checkpoint.RopeParameters;
import io.github.flashspring.engine.device.Activation;

/**
 * Qwen 2 and 2.5: Llama with biases of queries, keys and values, and optional sliding
 * windows.
 *
 * @see <a href="https://arxiv.org/abs/2407.10671">Qwen2</a>
 */
final class Qwen2 {

	private Qwen2() {
	}

	/**
	 * Config of Qwen 2.
	 *
	 * @param windows positions that each layer sees; 0: all
	 */
	record Config(DecoderConfig decoder, int intermediateSize, Activation hiddenAct, float rmsNormEps,
			RopeParameters ropeParameters, List<Integer> windows) {

		static Config of(ModelConfig config) {
			return new Config(DecoderConfig.of(config, DecoderConfig.Defaults.numKeyValueHeads(32)),
					config.getPositiveInt("intermediate_size"),
					ActivationNames.of(config, "hidden_act", Activation.SILU), config.getFloat("rms_norm_eps", 1e-6f),
					config.ropeParameters(), Qwen2.windows(config));
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
					layer.attention("self_attn")
						.rotary(rotary)
						.window(config.windows().get(layer.index()))
						.bias(Bias.PRESENT, Bias.ABSENT)
						.build());
			layer.add(layer.norm("post_attention_layernorm", norm), layer.mlp("mlp", config.mlp()));
		}
		return decoder.end(norm);
	}

	/**
	 * The window of Qwen models, which they use only with {@code use_sliding_window}.
	 * @param config the model's config
	 * @return positions that a sliding layer sees; 0: all
	 */
	static int window(ModelConfig config) {
		return config.getBoolean("use_sliding_window", false) ? SlidingWindows.size(config, 4096) : 0;
	}

	/**
	 * Windows of dense Qwen models: of the layers that {@code layer_types} names,
	 * otherwise of those from {@code max_window_layers} on.
	 * @param config the model's config
	 * @return a window for each layer; 0: all positions
	 */
	static List<Integer> windows(ModelConfig config) {
		int first = config.getInt("max_window_layers", 28);
		return SlidingWindows.of(config, window(config), (layer) -> layer >= first);
	}

}
