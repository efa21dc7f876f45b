package io.github.flashspring.engine.model;

import io.github.flashspring.engine.checkpoint.RopeParameters;
import io.github.flashspring.engine.device.RotarySpec;
import io.github.flashspring.engine.device.Tensor;

/**
 * Angles of the rotary position embedding: pair {@code i} of a head is rotated by
 * {@code position · frequency[i]}. Computed as transformers does, frequencies and angles
 * in FP32, so that long contexts agree with it.
 *
 * @see <a href="https://arxiv.org/abs/2104.09864">Su et al. 2021</a>
 */
final class RotaryEmbedding {

	private final RopeScaling scaling;

	private final Slots.Slot cos;

	private final Slots.Slot sin;

	/**
	 * Makes the table of a model.
	 * @param scaling frequencies
	 * @param slots gets the cosines and sines of a pass
	 */
	RotaryEmbedding(RopeScaling scaling, Slots slots) {
		this.scaling = scaling;
		this.cos = slots.add(scaling.frequencies().length, Slots.Extent.PASS);
		this.sin = slots.add(scaling.frequencies().length, Slots.Extent.PASS);
	}

	/**
	 * Numbers of a head that are rotated.
	 * @param rope parameters
	 * @param headDim length of a head
	 * @return an even number
	 */
	static int dim(RopeParameters rope, int headDim) {
		int dim = (int) (headDim * rope.partialRotaryFactor());
		if (dim < 2 || dim % 2 != 0) {
			throw rope.properties()
				.wrong("partial_rotary_factor", "a share of heads of " + headDim + " that is an even number",
						String.valueOf(rope.partialRotaryFactor()));
		}
		return dim;
	}

	/**
	 * Computes the table of a pass.
	 * @param pass the rows
	 */
	void prepare(Pass pass) {
		int[] positions = pass.batch().positions();
		float[] frequencies = this.scaling.frequencies();
		float factor = this.scaling.attentionFactor();
		int half = frequencies.length;
		float[] cosines = new float[positions.length * half];
		float[] sines = new float[positions.length * half];
		for (int row = 0; row < positions.length; row++) {
			for (int i = 0; i < half; i++) {
				float angle = positions[row] * frequencies[i];
				cosines[row * half + i] = (float) StrictMath.cos(angle) * factor;
				sines[row * half + i] = (float) StrictMath.sin(angle) * factor;
			}
		}
		pass.device().write(pass.get(this.cos), cosines);
		pass.device().write(pass.get(this.sin), sines);
	}

	/**
	 * Rotates heads in place.
	 * @param pass the rows
	 * @param x F32 [rows, heads · headDim]
	 * @param spec which numbers of a head make pairs
	 */
	void apply(Pass pass, Tensor x, RotarySpec spec) {
		pass.device().rope(x, spec, pass.get(this.cos), pass.get(this.sin));
	}

}
