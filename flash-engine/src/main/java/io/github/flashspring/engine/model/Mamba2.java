package io.github.flashspring.engine.model;

import java.util.List;

import io.github.flashspring.engine.checkpoint.ModelConfig;
import io.github.flashspring.engine.device.Activation;
import io.github.flashspring.engine.weights.WeightGroup;

/**
 * Mamba-2: layers of one selective state space each, without attention.
 *
 * @see <a href="https://arxiv.org/abs/2405.21060">Dao and Gu 2024</a>
 */
final class Mamba2 {

	/** Positions when the file names none: a state space has no limit of its own. */
	private static final int POSITIONS = 1 << 20;

	private Mamba2() {
	}

	static ModelDefinition define(ModelSource source) {
		ModelConfig config = source.config();
		DecoderConfig sizes = new DecoderConfig(DecoderConfig.positive(config, "hidden_size"),
				DecoderConfig.positive(config, "num_hidden_layers"), 1, 1, 1,
				DecoderConfig.positive(config, "vocab_size"), config.getInt("max_position_embeddings", POSITIONS),
				config.getBoolean("tie_word_embeddings", false));
		Decoder decoder = new Decoder(source, sizes, Decoder.Names.BACKBONE);
		Norm.Kind norm = Norm.Kind.rms(config.getFloat("layer_norm_epsilon", 1e-5f));
		SelectiveStateSpace.Shape shape = shape(config, "num_heads", "head_dim", "state_size",
				config.getBoolean("use_bias", false))
			.activation(ActivationNames.of(config, "hidden_act", Activation.SILU));
		double inner = config.getDouble("expand", 2) * sizes.hiddenSize();
		if (inner != shape.inner()) {
			throw config.wrong("num_heads", "with head_dim the product " + inner + " of expand and hidden_size",
					shape.heads() + " heads of " + shape.headDim());
		}
		for (int i = 0; i < sizes.numHiddenLayers(); i++) {
			WeightGroup unit = decoder.unit(i);
			decoder.add(unit, Residual.Branch.of(norm.of(unit, "norm", sizes.hiddenSize()),
					new SelectiveStateSpace(decoder, unit, decoder.layerPrefix(i), shape)));
		}
		return decoder.end(norm).build();
	}

	/**
	 * Reads the sizes of a state space.
	 * @param config the model's settings
	 * @param heads name of the number of heads
	 * @param headDim name of the length of a head
	 * @param stateSize name of the size of a state
	 * @param bias whether the projections have biases
	 * @return the sizes
	 */
	static SelectiveStateSpace.Shape shape(ModelConfig config, String heads, String headDim, String stateSize,
			boolean bias) {
		int headCount = DecoderConfig.positive(config, heads);
		int groups = config.getInt("n_groups", 8);
		if (groups < 1 || headCount % groups != 0) {
			throw config.wrong("n_groups", "a divisor of the " + headCount + " heads", String.valueOf(groups));
		}
		List<Double> limits = config.getDoubles("time_step_limit");
		if (!limits.isEmpty() && (limits.size() != 2 || !(limits.get(0) <= limits.get(1)))) {
			throw config.wrong("time_step_limit", "two ascending numbers", limits.toString());
		}
		float least = limits.isEmpty() ? 0f : limits.get(0).floatValue();
		float most = limits.isEmpty() ? Float.POSITIVE_INFINITY : limits.get(1).floatValue();
		return new SelectiveStateSpace.Shape(headCount, DecoderConfig.positive(config, headDim), groups,
				DecoderConfig.positive(config, stateSize), config.getInt("conv_kernel", 4),
				config.getFloat("layer_norm_epsilon", 1e-5f), bias, config.getBoolean("use_conv_bias", true), least,
				most, Activation.SILU);
	}

}
