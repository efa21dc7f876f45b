package io.github.flashspring.engine.model;

import java.util.OptionalInt;

import io.github.flashspring.engine.checkpoint.ModelConfig;
import io.github.flashspring.engine.checkpoint.RopeParameters;
import io.github.flashspring.engine.device.Activation;
import io.github.flashspring.engine.weights.WeightGroup;

/**
 * Phi-3 and Phi-4: Llama with queries, keys and values in one matrix, gate and up in
 * another, a part of each head turned, and stretches of long contexts.
 *
 * @see <a href="https://arxiv.org/abs/2404.14219">Phi-3</a>
 */
final class Phi3 {

	/** Positions that stretches count from if the file does not say. */
	private static final int ORIGINAL_POSITIONS = 4096;

	private Phi3() {
	}

	static ModelDefinition define(ModelSource source) {
		ModelConfig config = source.config();
		DecoderConfig sizes = DecoderConfig.of(config);
		Decoder decoder = new Decoder(source, sizes);
		Norm.Kind norm = Norm.Kind.rms(config.getFloat("rms_norm_eps", 1e-5f));
		RotaryEmbedding rotary = decoder.partialRotary(rope(config), sizes.headDim());
		int window = DecoderConfig.window(config, 0);
		Mlp.Shape mlp = new Mlp.Shape(sizes.hiddenSize(), DecoderConfig.positive(config, "intermediate_size"),
				ActivationNames.of(config, "hidden_act", Activation.SILU), true, false);
		for (int i = 0; i < sizes.numHiddenLayers(); i++) {
			WeightGroup unit = decoder.unit(i);
			decoder.add(unit,
					Residual.Branch.of(norm.of(unit, "input_layernorm", sizes.hiddenSize()),
							decoder.attention(unit).rotary(rotary).window(window).fused().build()),
					Residual.Branch.of(norm.of(unit, "post_attention_layernorm", sizes.hiddenSize()),
							Mlp.fused(unit, "mlp", mlp, decoder.feedForward(mlp))));
		}
		return decoder.end(norm).build();
	}

	/** Files of the first Phi-3 call longrope yarn. */
	private static RopeParameters rope(ModelConfig config) {
		RopeParameters rope = config.ropeParameters();
		return new RopeParameters(rope.type().equals("yarn") ? "longrope" : rope.type(), rope.theta(),
				rope.partialRotaryFactor(),
				OptionalInt.of(config.getInt("original_max_position_embeddings", ORIGINAL_POSITIONS)),
				rope.properties());
	}

}
