package io.github.flashspring.engine.model;

import java.util.OptionalInt;

import io.github.flashspring.engine.checkpoint.ModelConfig;
import io.github.flashspring.engine.checkpoint.RopeParameters;
import io.github.flashspring.engine.device.Activation;

/**
 * Phi-3 and Phi-4: Llama with queries, keys and values in one matrix, gate and up in
 * another, a part of each head rotated, and scaled frequencies for long contexts.
 *
 * @see <a href="https://arxiv.org/abs/2404.14219">Phi-3</a>
 */
final class Phi3 {

	private Phi3() {
	}

	/**
	 * Config of Phi-3.
	 *
	 * @param slidingWindow positions that every layer sees; 0: all
	 */
	record Config(DecoderConfig decoder, int intermediateSize, Activation hiddenAct, float rmsNormEps,
			RopeParameters ropeParameters, int slidingWindow) {

		private static final int ORIGINAL_MAX_POSITION_EMBEDDINGS = 4096;

		static Config of(ModelConfig config) {
			return new Config(DecoderConfig.of(config), config.getPositiveInt("intermediate_size"),
					ActivationNames.of(config, "hidden_act", Activation.SILU), config.getFloat("rms_norm_eps", 1e-5f),
					ropeParameters(config), SlidingWindows.size(config, 0));
		}

		/** Configs of the first Phi-3 call longrope yarn. */
		private static RopeParameters ropeParameters(ModelConfig config) {
			RopeParameters rope = config.ropeParameters();
			return new RopeParameters(rope.type().equals("yarn") ? "longrope" : rope.type(), rope.theta(),
					rope.partialRotaryFactor(),
					OptionalInt.of(config.getInt("original_max_position_embeddings", ORIGINAL_MAX_POSITION_EMBEDDINGS)),
					rope.properties());
		}

		Mlp.Shape mlp() {
			return Mlp.Shape.gated(this.decoder.hiddenSize(), this.intermediateSize, this.hiddenAct);
		}

	}

	static ModelDefinition define(ModelSource source) {
		Config config = Config.of(source.config());
		Decoder decoder = new Decoder(source, config.decoder());
		Norm.Kind norm = Norm.Kind.rms(config.rmsNormEps());
		RotaryEmbedding rotary = decoder.partialRotary(config.ropeParameters());
		for (LayerBuilder layer : decoder.layers()) {
			layer.add(layer.norm("input_layernorm", norm),
					layer.attention("self_attn").fused().rotary(rotary).window(config.slidingWindow()).build());
			layer.add(layer.norm("post_attention_layernorm", norm), Mlp.fused(layer, "mlp", config.mlp()));
		}
		return decoder.end(norm);
	}

}
