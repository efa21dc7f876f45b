package io.github.flashspring.engine.model;

import io.github.flashspring.engine.checkpoint.RopeParameters;
import io.github.flashspring.engine.device.Tensor;

/**
 * Angles of the rotary position embedding: pair {@code i} of a head turns by
 * {@code position · frequency[i]}. Computed as transformers does, frequencies and angles
 * in FP32, so that long contexts agree with it.
 *
 * @see <a href="https://arxiv.org/abs/2104.09864">Su et al. 2021</a>
 */
final class RotaryEmbedding {

	private final float[] frequencies;

	private final Slots.Slot cos;

	private final Slots.Slot sin;

	/**
	 * Makes the table of a model.
	 * @param parameters base and scaling of the config
	 * @param headDim length of a head, even
	 * @param slots gets the cosines and sines of a pass
	 * @throws UnsupportedArchitectureException for kinds of scaling that are not known
	 */
	RotaryEmbedding(RopeParameters parameters, int headDim, Slots slots) {
		this.frequencies = frequencies(parameters, headDim);
		this.cos = slots.addForPass(headDim / 2);
		this.sin = slots.addForPass(headDim / 2);
	}

	static float[] frequencies(RopeParameters rope, int headDim) {
		float[] frequencies = new float[headDim / 2];
		for (int i = 0; i < frequencies.length; i++) {
			float base = (float) (1 / StrictMath.pow(rope.theta(), 2.0 * i / headDim));
			frequencies[i] = switch (rope.type()) {
				case "default" -> base;
				case "linear" -> (float) (base / rope.factor());
				case "llama3" -> llama3(base, rope);
				default -> throw new UnsupportedArchitectureException("config.json: rope scaling of type \""
						+ rope.type() + "\" is not supported; supported are default, linear and llama3");
			};
		}
		return frequencies;
	}

	/**
	 * Slow turns are stretched by {@code factor}, fast ones stay, those between are
	 * mixed.
	 * @see <a href=
	 * "https://github.com/huggingface/transformers/blob/main/src/transformers/modeling_rope_utils.py">transformers</a>
	 */
	private static float llama3(double frequency, RopeParameters rope) {
		double factor = rope.factor();
		double low = rope.lowFreqFactor();
		double high = rope.highFreqFactor();
		double turns = rope.requireOriginalMaxPositionEmbeddings() * frequency / (2 * Math.PI);
		if (turns < low) {
			return (float) (frequency / factor);
		}
		if (turns > high) {
			return (float) frequency;
		}
		double smooth = (turns - low) / (high - low);
		return (float) ((1 - smooth) * frequency / factor + smooth * frequency);
	}

	/**
	 * Computes the table of a pass.
	 * @param pass the rows
	 */
	void prepare(Pass pass) {
		int[] positions = pass.batch().positions();
		int half = this.frequencies.length;
		float[] cosines = new float[positions.length * half];
		float[] sines = new float[positions.length * half];
		for (int row = 0; row < positions.length; row++) {
			for (int i = 0; i < half; i++) {
				float angle = positions[row] * this.frequencies[i];
				cosines[row * half + i] = (float) StrictMath.cos(angle);
				sines[row * half + i] = (float) StrictMath.sin(angle);
			}
		}
		pass.device().write(pass.get(this.cos), cosines);
		pass.device().write(pass.get(this.sin), sines);
	}

	/**
	 * Turns heads in place.
	 * @param pass the rows
	 * @param x F32 [rows, heads · headDim]
	 */
	void apply(Pass pass, Tensor x) {
		pass.device().rope(x, 2 * this.frequencies.length, pass.get(this.cos), pass.get(this.sin));
	}

}
