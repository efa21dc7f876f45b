package io.github.flashspring.cli.bench;

import java.nio.ByteBuffer;
import java.util.SplittableRandom;

/**
 * A mixture of experts whose routing is skewed as in trained models, so that caches and
 * guesses can be measured with random weights.
 * <p>
 * The first {@value #CONSTANT} numbers of every token's embedding are the same, so that a
 * router's weights for them give each expert a popularity that does not depend on the
 * token: {@code −skew · ln(rank)}, with ranks shuffled in every layer. To it comes a part
 * that does depend on the token, with the deviation of Gumbel noise: the experts of a
 * token are then about {@code perToken} draws without replacement from Zipf's
 * distribution with the exponent {@code skew}. Layers add little to the residual stream,
 * as in trained models, so that the next router sees nearly the same.
 *
 * @param experts number of experts of a layer
 * @param perToken experts of a token
 * @param width width between an expert's matrices
 * @param skew exponent of the distribution; 0: all experts are alike
 */
record SyntheticMixture(int experts, int perToken, int width, double skew) {

	/** Numbers of the stream that are the same for all tokens. */
	static final int CONSTANT = 64;

	/** Standard deviation of Gumbel noise. */
	private static final double NOISE = 1.28;

	/**
	 * Writes the weights of a router, one row for each expert.
	 * @param seed of the layer
	 * @param hidden width of a row
	 * @return puts the rows, one after the other
	 */
	RandomBlocks.Filler router(long seed, int hidden) {
		SplittableRandom order = new SplittableRandom(seed);
		int[] ranks = new int[this.experts];
		for (int i = 0; i < ranks.length; i++) {
			int other = order.nextInt(i + 1);
			ranks[i] = ranks[other];
			ranks[other] = i + 1;
		}
		double deviation = NOISE / Math.sqrt(hidden - CONSTANT);
		return new RandomBlocks.Filler() {

			private int expert;

			@Override
			public void put(ByteBuffer target, SplittableRandom random) {
				double popularity = -SyntheticMixture.this.skew * Math.log(ranks[this.expert++]);
				for (int i = 0; i < hidden; i++) {
					double weight = (i < CONSTANT) ? popularity / CONSTANT : deviation * random.nextGaussian();
					target.putShort((short) (Float.floatToRawIntBits((float) weight) >>> 16));
				}
			}

		};
	}

}
