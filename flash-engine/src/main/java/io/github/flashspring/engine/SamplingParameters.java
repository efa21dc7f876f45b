package io.github.flashspring.engine;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.generate.Sampling;
import io.github.flashspring.engine.modelfile.Parameter;

/**
 * Collects parameters of a Modelfile over the settings of a model.
 */
final class SamplingParameters {

	private Sampling sampling;

	private boolean penalties = true;

	SamplingParameters(Sampling base) {
		this.sampling = base;
	}

	/**
	 * Sets a parameter; one that is not about sampling changes nothing.
	 * @param parameter which
	 * @param value as written, of the right type
	 * @throws IllegalArgumentException if it is out of range
	 */
	void set(Parameter parameter, String value) {
		Sampling old = this.sampling;
		switch (parameter) {
			case TEMPERATURE -> this.sampling = with(old, Float.parseFloat(value), old.topK(), old.topP(), old.seed());
			case TOP_K -> this.sampling = with(old, old.temperature(), topK(value), old.topP(), old.seed());
			case TOP_P -> {
				float topP = Float.parseFloat(value);
				// with 0, the most likely token alone is left
				this.sampling = (topP == 0) ? with(old, old.temperature(), 1, 1, old.seed())
						: with(old, old.temperature(), old.topK(), topP, old.seed());
			}
			case SEED -> this.sampling = with(old, old.temperature(), old.topK(), old.topP(), seed(value));
			case MIN_P ->
				this.sampling = new Sampling(old.repetitionPenalty(), old.presencePenalty(), old.frequencyPenalty(),
						old.temperature(), old.topK(), old.topP(), Float.parseFloat(value), old.seed());
			case REPEAT_PENALTY ->
				this.sampling = penalties(old, Float.parseFloat(value), old.presencePenalty(), old.frequencyPenalty());
			case PRESENCE_PENALTY -> this.sampling = penalties(old, old.repetitionPenalty(), Float.parseFloat(value),
					old.frequencyPenalty());
			case FREQUENCY_PENALTY ->
				this.sampling = penalties(old, old.repetitionPenalty(), old.presencePenalty(), Float.parseFloat(value));
			case REPEAT_LAST_N -> {
				long last = Long.parseLong(value);
				if (last < -1) {
					throw new IllegalArgumentException("repeat_last_n must be -1 or more");
				}
				this.penalties = last != 0;
			}
			default -> {
				// about something else
			}
		}
	}

	/**
	 * {@return the settings}
	 */
	Sampling sampling() {
		return this.penalties ? this.sampling : penalties(this.sampling, 1, 0, 0);
	}

	private static int topK(String value) {
		long topK = Long.parseLong(value);
		if (topK > Integer.MAX_VALUE) {
			throw new IllegalArgumentException("top_k has more than 32 bits");
		}
		// llama.cpp takes 0 and less for all tokens
		return (int) Math.max(0, topK);
	}

	private static @Nullable Long seed(String value) {
		long seed = Long.parseLong(value);
		return (seed == -1) ? null : Long.valueOf(seed);
	}

	private static Sampling with(Sampling old, float temperature, int topK, float topP, @Nullable Long seed) {
		return new Sampling(old.repetitionPenalty(), old.presencePenalty(), old.frequencyPenalty(), temperature, topK,
				topP, old.minP(), seed);
	}

	private static Sampling penalties(Sampling old, float repetition, float presence, float frequency) {
		return new Sampling(repetition, presence, frequency, old.temperature(), old.topK(), old.topP(), old.minP(),
				old.seed());
	}

}
