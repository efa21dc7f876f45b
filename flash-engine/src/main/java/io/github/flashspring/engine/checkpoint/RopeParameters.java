package io.github.flashspring.engine.checkpoint;

import java.util.OptionalInt;

import org.jspecify.annotations.Nullable;

/**
 * Parameters of rotary position embeddings, whichever way the file spells them:
 * {@code rope_parameters} (transformers 5), or {@code rope_theta} with
 * {@code rope_scaling} ({@code rope_type} or the older {@code type}). Kinds that no model
 * code knows keep their name, so that the model can refuse them.
 *
 * @param type {@code default}, {@code linear}, {@code dynamic}, {@code yarn},
 * {@code longrope}, {@code llama3}, or any other name found
 * @param theta base of the frequencies, above 0
 * @param partialRotaryFactor share of each head that is rotated, above 0 and at most 1
 * @param originalMaxPositionEmbeddings positions that the model was trained with before
 * its context was extended; empty if the file does not say
 * @param properties the others under the file's names; none for plain rotary embeddings
 */
public record RopeParameters(String type, double theta, double partialRotaryFactor,
		OptionalInt originalMaxPositionEmbeddings, ModelConfig properties) {

	static final double DEFAULT_THETA = 10_000;

	/** Factors beyond this extend a single position to more than any context. */
	private static final double MAX_FACTOR = 1e9;

	/**
	 * The same for another share of each head.
	 * @param share the share that is rotated
	 * @return the parameters
	 */
	public RopeParameters partialRotaryFactor(double share) {
		return new RopeParameters(this.type, this.theta, share, this.originalMaxPositionEmbeddings, this.properties);
	}

	/**
	 * How far the context is extended.
	 * @return {@code factor}, above 0
	 * @throws CheckpointException if it is missing or not positive
	 */
	public double factor() {
		return positive("factor");
	}

	/**
	 * Where the llama3 kind starts to scale fully: wavelengths longer than original
	 * positions / this.
	 * @return {@code low_freq_factor}, above 0
	 * @throws CheckpointException if it is missing or not positive
	 */
	public double lowFreqFactor() {
		return positive("low_freq_factor");
	}

	/**
	 * Where the llama3 kind stops to scale: wavelengths shorter than original positions /
	 * this.
	 * @return {@code high_freq_factor}, above {@link #lowFreqFactor()}
	 * @throws CheckpointException if it is missing or too small
	 */
	public double highFreqFactor() {
		double high = positive("high_freq_factor");
		if (high <= lowFreqFactor()) {
			throw this.properties.wrong("high_freq_factor", "a number above low_freq_factor", String.valueOf(high));
		}
		return high;
	}

	/**
	 * How far the context is extended, for kinds that may leave it to the sizes.
	 * @param absent the value if the file does not say
	 * @return {@code factor}, above 0
	 */
	public double factor(double absent) {
		return positive("factor", absent);
	}

	/**
	 * A number above 0 with a default.
	 * @param name the property
	 * @param absent the value if the property is absent
	 * @return its value
	 * @throws CheckpointException if it is not positive
	 */
	public double positive(String name, double absent) {
		return this.properties.has(name) ? positive(name) : absent;
	}

	private double positive(String name) {
		double value = this.properties.getDouble(name);
		if (!(value > 0 && value <= MAX_FACTOR)) {
			throw this.properties.wrong(name, "a number above 0, at most " + MAX_FACTOR, String.valueOf(value));
		}
		return value;
	}

	static RopeParameters of(ModelConfig config, @Nullable String layerType, double absentTheta) {
		ModelConfig parameters = config.child("rope_parameters").orElse(null);
		if (parameters != null && parameters.names().stream().anyMatch(parameters::isObject)) {
			if (layerType == null) {
				throw config.wrong("rope_parameters", "one set of values for all layers",
						"values per layer type " + parameters.names());
			}
			parameters = parameters.child(layerType)
				.orElseThrow(() -> config.wrong("rope_parameters", "values for " + layerType, "nothing"));
		}
		if (parameters == null) {
			parameters = config.child("rope_scaling").orElseGet(() -> ModelConfig.parse(config.file(), "{}"));
		}
		String type = parameters.getString(parameters.has("rope_type") ? "rope_type" : "type", "default");
		return new RopeParameters(type.equals("su") ? "longrope" : type, theta(config, parameters, absentTheta),
				partialRotaryFactor(config, parameters), originalPositions(config, parameters), parameters);
	}

	private static double theta(ModelConfig config, ModelConfig parameters, double absent) {
		ModelConfig source = parameters.has("rope_theta") ? parameters : config;
		double theta = source.getDouble("rope_theta", absent);
		if (!(theta > 0 && theta <= 1e15)) {
			throw source.wrong("rope_theta", "a number above 0, at most 1e15", String.valueOf(theta));
		}
		return theta;
	}

	private static double partialRotaryFactor(ModelConfig config, ModelConfig parameters) {
		ModelConfig source = parameters.has("partial_rotary_factor") ? parameters : config;
		double share = source.getDouble("partial_rotary_factor", 1);
		if (!(share > 0 && share <= 1)) {
			throw source.wrong("partial_rotary_factor", "a number above 0, at most 1", String.valueOf(share));
		}
		return share;
	}

	/** The config's own goes before that of the parameters, as in transformers. */
	private static OptionalInt originalPositions(ModelConfig config, ModelConfig parameters) {
		OptionalInt own = config.findInt("original_max_position_embeddings");
		return own.isPresent() ? own : parameters.findInt("original_max_position_embeddings");
	}

}
