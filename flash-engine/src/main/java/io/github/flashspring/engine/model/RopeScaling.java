package io.github.flashspring.engine.model;

import java.util.List;

import io.github.flashspring.engine.checkpoint.RopeParameters;

/**
 * What the kinds of rotary embeddings differ in: the frequency of each pair, and a factor
 * of queries and keys.
 *
 * @param frequencies radians per position of each pair
 * @param attentionFactor factor of cosines and sines
 * @see <a href=
 * "https://github.com/huggingface/transformers/blob/main/src/transformers/modeling_rope_utils.py">transformers,
 * whose formulas these are</a>
 */
record RopeScaling(float[] frequencies, float attentionFactor) {

	/**
	 * Computes the frequencies.
	 * @param rope parameters
	 * @param dim numbers of a head that are rotated, even
	 * @param maxPositions positions that the model was made for
	 * @param contextLength positions that are planned for
	 * @return the scaling
	 * @throws UnsupportedArchitectureException for kinds that are not supported
	 */
	static RopeScaling of(RopeParameters rope, int dim, int maxPositions, int contextLength) {
		float[] base = new float[dim / 2];
		for (int i = 0; i < base.length; i++) {
			base[i] = (float) (1 / StrictMath.pow(rope.theta(), 2.0 * i / dim));
		}
		return switch (rope.type()) {
			case "default" -> new RopeScaling(base, 1f);
			case "linear" -> linear(base, rope);
			case "llama3" -> llama3(base, rope, maxPositions);
			case "yarn" -> yarn(base, rope, dim, maxPositions);
			case "longrope" -> longrope(base, rope, maxPositions, contextLength);
			case "dynamic" -> throw new UnsupportedArchitectureException(rope.properties().file()
					+ ": rope scaling of type \"dynamic\" is not supported: with it the keys of a text depend on how long it becomes, so that nothing computed before could be kept.",
					"Set a fixed scaling there, such as yarn, or remove it to use the original context.");
			default -> throw new UnsupportedArchitectureException(
					rope.properties().file() + ": rope scaling of type \"" + rope.type()
							+ "\" is not supported; supported are default, linear, llama3, yarn and longrope.",
					"Choose a model with one of these, or remove the scaling there to use the original context.");
		};
	}

	private static RopeScaling linear(float[] base, RopeParameters rope) {
		for (int i = 0; i < base.length; i++) {
			base[i] = (float) (base[i] / rope.factor());
		}
		return new RopeScaling(base, 1f);
	}

	/**
	 * Low frequencies are divided by {@code factor}, high ones stay, those between are
	 * interpolated.
	 */
	private static RopeScaling llama3(float[] base, RopeParameters rope, int maxPositions) {
		int original = rope.originalMaxPositionEmbeddings().orElse(maxPositions);
		double factor = rope.factor();
		double low = rope.lowFreqFactor();
		double high = rope.highFreqFactor();
		for (int i = 0; i < base.length; i++) {
			double frequency = base[i];
			double rotations = original * frequency / (2 * Math.PI);
			if (rotations < low) {
				base[i] = (float) (frequency / factor);
			}
			else if (rotations <= high) {
				double smooth = (rotations - low) / (high - low);
				base[i] = (float) ((1 - smooth) * frequency / factor + smooth * frequency);
			}
		}
		return new RopeScaling(base, 1f);
	}

	/**
	 * Low frequencies are divided by {@code factor}, high ones stay, with a ramp between
	 * that is linear in the index of the pair.
	 * @see <a href="https://arxiv.org/abs/2309.00071">Peng et al. 2023</a>
	 */
	private static RopeScaling yarn(float[] base, RopeParameters rope, int dim, int maxPositions) {
		int original = rope.originalMaxPositionEmbeddings().orElse(maxPositions);
		double factor = rope.factor((double) maxPositions / original);
		double low = pairOfRotations(rope.positive("beta_fast", 32), dim, rope.theta(), original);
		double high = pairOfRotations(rope.positive("beta_slow", 1), dim, rope.theta(), original);
		if (rope.properties().getBoolean("truncate", true)) {
			low = Math.floor(low);
			high = Math.ceil(high);
		}
		low = Math.max(low, 0);
		high = Math.min(high, dim - 1);
		if (low == high) {
			high += 0.001;
		}
		for (int i = 0; i < base.length; i++) {
			double ramp = Math.clamp((i - low) / (high - low), 0, 1);
			base[i] = (float) (base[i] / factor * ramp + base[i] * (1 - ramp));
		}
		return new RopeScaling(base, (float) yarnAttentionFactor(rope, factor));
	}

	private static double pairOfRotations(double rotations, int dim, double theta, int positions) {
		return dim * StrictMath.log(positions / (rotations * 2 * Math.PI)) / (2 * StrictMath.log(theta));
	}

	private static double yarnAttentionFactor(RopeParameters rope, double factor) {
		if (rope.properties().has("attention_factor")) {
			return rope.positive("attention_factor", 1);
		}
		double mscale = rope.properties().getDouble("mscale", 0);
		double mscaleAllDim = rope.properties().getDouble("mscale_all_dim", 0);
		return (mscale != 0 && mscaleAllDim != 0) ? yarnScale(factor, mscale) / yarnScale(factor, mscaleAllDim)
				: yarnScale(factor, 1);
	}

	/**
	 * By how much yarn sharpens attention of an extended context.
	 * @param factor how far the context is extended
	 * @param mscale weight of the correction
	 * @return the factor
	 */
	static double yarnScale(double factor, double mscale) {
		return (factor <= 1) ? 1 : 0.1 * mscale * StrictMath.log(factor) + 1;
	}

	/**
	 * Each pair has its own divisor: one for contexts within the original positions, one
	 * for longer ones. The context that is planned decides, not that of a text, since
	 * keys that were computed with one cannot be used with the other.
	 * @see <a href="https://arxiv.org/abs/2402.13753">Ding et al. 2024</a>
	 */
	private static RopeScaling longrope(float[] base, RopeParameters rope, int maxPositions, int contextLength) {
		int original = rope.originalMaxPositionEmbeddings().orElse(maxPositions);
		String name = (contextLength > original) ? "long_factor" : "short_factor";
		List<Double> divisors = rope.properties().getDoubles(name);
		if (divisors.size() != base.length || divisors.stream().anyMatch((divisor) -> !(divisor > 0))) {
			throw rope.properties().wrong(name, base.length + " numbers above 0", divisors.toString());
		}
		for (int i = 0; i < base.length; i++) {
			base[i] = (float) (base[i] / divisors.get(i));
		}
		double factor = rope.factor((double) maxPositions / original);
		double attentionFactor = (factor <= 1) ? 1 : Math.sqrt(1 + StrictMath.log(factor) / StrictMath.log(original));
		return new RopeScaling(base, (float) rope.positive("attention_factor", attentionFactor));
	}

}
