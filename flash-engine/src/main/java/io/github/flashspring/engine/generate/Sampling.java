package io.github.flashspring.engine.generate;

import org.jspecify.annotations.Nullable;

/**
 * How the next token is drawn from the logits. The steps run in the order of the fields:
 * penalties change the logits, then temperature, top-k, top-p and min-p narrow the
 * choice. Names and meanings are those of Hugging Face's generation config and of
 * OpenAI's API.
 *
 * @param repetitionPenalty divides positive and multiplies negative logits of tokens that
 * occurred in the prompt or the output; 1: none
 * @param presencePenalty subtracted once from logits of tokens that occurred in the
 * output
 * @param frequencyPenalty subtracted per occurrence in the output
 * @param temperature divides the logits; 0: always the most likely token (greedy)
 * @param topK keep the k most likely tokens; 0: all
 * @param topP keep the most likely tokens whose probabilities add up to p; 1: all
 * @param minP keep tokens at least this fraction as likely as the most likely one; 0: all
 * @param seed start of the random numbers, so that a request can be repeated; null: a
 * fresh one
 */
public record Sampling(float repetitionPenalty, float presencePenalty, float frequencyPenalty, float temperature,
		int topK, float topP, float minP, @Nullable Long seed) {

	/** The most likely token, always. */
	public static final Sampling GREEDY = new Sampling(1, 0, 0, 0, 0, 1, 0, null);

	public Sampling {
		check(repetitionPenalty > 0 && repetitionPenalty <= 100, "repetitionPenalty", "above 0 and at most 100",
				repetitionPenalty);
		check(Math.abs(presencePenalty) <= 100, "presencePenalty", "between -100 and 100", presencePenalty);
		check(Math.abs(frequencyPenalty) <= 100, "frequencyPenalty", "between -100 and 100", frequencyPenalty);
		check(temperature >= 0 && temperature <= 100, "temperature", "between 0 and 100", temperature);
		check(topK >= 0, "topK", "0 or more", topK);
		check(topP > 0 && topP <= 1, "topP", "above 0 and at most 1", topP);
		check(minP >= 0 && minP <= 1, "minP", "between 0 and 1", minP);
	}

	private static void check(boolean right, String name, String expected, Number found) {
		if (!right) {
			throw new IllegalArgumentException(name + " must be " + expected + ", but is " + found);
		}
	}

}
