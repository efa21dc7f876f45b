package io.github.flashspring.cli.bench;

import java.util.SplittableRandom;

/**
 * Random weights of the size that trained ones have, so that activations stay in a sane
 * range through all layers.
 */
final class SyntheticWeights {

	/** Standard deviation of weights, as models are initialised with. */
	static final float DEVIATION = 0.02f;

	private SyntheticWeights() {
	}

	/**
	 * A scale at which uniformly random codes have the {@link #DEVIATION}, give or take a
	 * quarter.
	 * @param random source
	 * @param bits bits of a code
	 * @return the scale of a group
	 */
	static float scale(SplittableRandom random, int bits) {
		return (float) (DEVIATION / deviationOfCodes(bits) * random.nextDouble(0.75, 1.25));
	}

	/**
	 * The standard deviation of uniformly random codes.
	 * @param bits bits of a code
	 * @return in steps of a code
	 */
	static double deviationOfCodes(int bits) {
		return Math.sqrt((Math.pow(4, bits) - 1) / 12);
	}

	/**
	 * A weight.
	 * @param random source
	 * @return a uniform value with the {@link #DEVIATION}
	 */
	static float weight(SplittableRandom random) {
		return (float) (DEVIATION * Math.sqrt(12) * (random.nextDouble() - 0.5));
	}

}
