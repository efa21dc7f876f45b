package io.github.flashspring.cli.bench;

import java.util.Arrays;
import java.util.SplittableRandom;

/**
 * Routing that is skewed as in trained models, so that caches and guesses can be measured
 * with random weights.
 * <p>
 * A router gives each expert a popularity that does not depend on the token:
 * {@code −skew · ln(rank)}, with ranks shuffled in every layer. To it comes a part that
 * does depend on the token, with the deviation of Gumbel noise: the experts of a token
 * are then about draws without replacement from Zipf's distribution with the exponent
 * {@code skew}. Layers add little to the residual stream, as in trained models, so that
 * the next router sees nearly the same.
 * <p>
 * Where a router has no bias, the first {@value #CONSTANT} numbers of every token's
 * embedding are 1, and the router's weights for them hold the popularity.
 *
 * @param skew exponent of the distribution; 0: all experts are alike
 */
record SyntheticRouting(double skew) {

	/** Numbers of the stream that are the same for all tokens. */
	static final int CONSTANT = 64;

	/** Standard deviation of Gumbel noise. */
	private static final double NOISE = 1.28;

	/**
	 * The popularity of the experts of a layer.
	 * @param seed of the layer
	 * @param experts how many
	 * @return what is added to their logits
	 */
	double[] popularity(long seed, int experts) {
		SplittableRandom order = new SplittableRandom(seed);
		double[] popularity = new double[experts];
		for (int i = 0; i < experts; i++) {
			int other = order.nextInt(i + 1);
			popularity[i] = popularity[other];
			popularity[other] = -this.skew * Math.log(i + 1);
		}
		return popularity;
	}

	/**
	 * The popularity of experts whose scores are logistic functions of logits.
	 * @param seed of the layer
	 * @param experts how many
	 * @return what is added to their scores: near 0 these grow by a quarter of the logits
	 */
	double[] correction(long seed, int experts) {
		return Arrays.stream(popularity(seed, experts)).map((logit) -> logit / 4).toArray();
	}

	/**
	 * The deviation of a router's weights.
	 * @param hidden inputs that differ between tokens
	 * @return that makes logits of the deviation of Gumbel noise
	 */
	static double deviation(int hidden) {
		return NOISE / Math.sqrt(hidden);
	}

}
