package io.github.flashspring.engine.model;

import io.github.flashspring.engine.checkpoint.ModelConfig;
import io.github.flashspring.engine.device.Activation;

/**
 * Mamba-2: layers of one selective state space each, without attention.
 *
 * @see <a href="https://arxiv.org/abs/2405.21060">Dao and Gu 2024</a>
 */
final class Mamba2 {

	private Mamba2() {
	}

	record Config(DecoderConfig decoder, float layerNormEpsilon, SelectiveStateSpace.Shape mixer) {

		/** A state space has no limit of its own. */
		private static final int MAX_POSITION_EMBEDDINGS = 1 << 20;

		static Config of(ModelConfig config) {
			int hiddenSize = config.getPositiveInt("hidden_size");
			DecoderConfig decoder = new DecoderConfig(hiddenSize, config.getPositiveInt("num_hidden_layers"), 1, 1, 1,
					config.getPositiveInt("vocab_size"),
					config.getInt("max_position_embeddings", MAX_POSITION_EMBEDDINGS),
					config.getBoolean("tie_word_embeddings", false));
			SelectiveStateSpace.Shape mixer = SelectiveStateSpace.Shape
				.of(config, new SelectiveStateSpace.Shape.Names("num_heads", "head_dim", "state_size"))
				.bias(Bias.of(config.getBoolean("use_bias", false)))
				.activation(ActivationNames.of(config, "hidden_act", Activation.SILU));
			double inner = config.getDouble("expand", 2) * hiddenSize;
			if (inner != mixer.inner()) {
				throw config.wrong("num_heads", "with head_dim the product " + inner + " of expand and hidden_size",
						mixer.heads() + " heads of " + mixer.headDim());
			}
			return new Config(decoder, config.getFloat("layer_norm_epsilon", 1e-5f), mixer);
		}

	}

	static ModelDefinition define(ModelSource source) {
		Config config = Config.of(source.config());
		BackboneNames names = new BackboneNames(source.checkpoint());
		Decoder decoder = new Decoder(source, config.decoder(), names);
		Norm.Kind norm = Norm.Kind.rms(config.layerNormEpsilon());
		for (LayerBuilder layer : decoder.layers()) {
			layer.add(layer.norm("norm", norm), new SelectiveStateSpace(layer, names, config.mixer()));
		}
		return decoder.end(norm);
	}

}
