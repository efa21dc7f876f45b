package io.github.flashspring.cli.bench;

import java.util.Map;
import java.util.SplittableRandom;

import tools.jackson.databind.node.ObjectNode;

/**
 * How a synthetic model stores its weights: as plain numbers or in one of MLX's formats.
 *
 * @param mode {@code affine}, {@code mxfp4}, {@code mxfp8} or {@code nvfp4}; empty for
 * BF16
 * @param bits bits of a code
 * @param groupSize values that share a scale
 */
record WeightFormat(String mode, int bits, int groupSize) {

	/** Plain numbers. */
	static final WeightFormat BF16 = new WeightFormat("", 16, 1);

	/** Formats whose scales are bytes. */
	private static final Map<String, WeightFormat> MICROSCALING = Map.of("mxfp4", new WeightFormat("mxfp4", 4, 32),
			"mxfp8", new WeightFormat("mxfp8", 8, 32), "nvfp4", new WeightFormat("nvfp4", 4, 16));

	/** Clears the highest bit of the exponents of eight numbers E4M3: all are below 2. */
	private static final long SMALL = 0xbfbf_bfbf_bfbf_bfbfL;

	/** Of what deviation random codes are: E2M1, and E4M3 below 2. */
	private static final double E2M1_DEVIATION = 2.93;

	private static final double E4M3_DEVIATION = 0.55;

	/**
	 * A format by its name.
	 * @param name {@code bf16}, {@code mlx-Nbit} with 2, 3, 4, 5, 6 or 8 bits,
	 * {@code mlx-mxfp4}, {@code mlx-mxfp8} or {@code mlx-nvfp4}
	 * @param groupSize values of a group where the format leaves a choice
	 * @return the format
	 * @throws IllegalArgumentException if there is none of that name
	 */
	static WeightFormat of(String name, int groupSize) {
		if (name.equals("bf16")) {
			return BF16;
		}
		if (name.matches("mlx-[234568]bit")) {
			return affine(name.charAt(4) - '0', groupSize);
		}
		WeightFormat found = name.startsWith("mlx-") ? MICROSCALING.get(name.substring(4)) : null;
		if (found == null) {
			throw new IllegalArgumentException(
					"--format must be bf16, mlx-2bit, mlx-3bit, mlx-4bit, mlx-5bit, mlx-6bit,"
							+ " mlx-8bit, mlx-mxfp4, mlx-mxfp4-q8, mlx-mxfp8, mlx-nvfp4 or gguf-q4_1, but is " + name);
		}
		return found;
	}

	/**
	 * Codes with a scale and a bias for each group.
	 * @param bits bits of a code
	 * @param groupSize values of a group
	 * @return the format
	 */
	static WeightFormat affine(int bits, int groupSize) {
		return new WeightFormat("affine", bits, groupSize);
	}

	/** The name that {@link #of} takes. */
	String name() {
		return !quantised() ? "bf16" : "mlx-" + (hasBiases() ? this.bits + "bit" : this.mode);
	}

	/** What the inputs of a matrix are a multiple of. */
	int multiple() {
		return quantised() ? this.groupSize : 1;
	}

	/**
	 * Whether matrices may have so many inputs.
	 * @param inputs columns of a matrix
	 * @return true for whole groups
	 */
	boolean allows(long inputs) {
		return inputs > 0 && inputs % multiple() == 0;
	}

	/** Words of 32 bits for a row of codes. */
	long words(long columns) {
		return columns * this.bits / Integer.SIZE;
	}

	boolean quantised() {
		return !this.mode.isEmpty();
	}

	boolean hasBiases() {
		return this.mode.equals("affine");
	}

	/** Random codes, none of which is no number. */
	long codes(SplittableRandom random) {
		return this.mode.equals("mxfp8") ? random.nextLong() & SMALL : random.nextLong();
	}

	/**
	 * A scale at which random codes have about the deviation of trained weights.
	 * @param factor of that deviation
	 * @return a power of two, E8M0; for nvfp4 a number E4M3
	 */
	byte scale(float factor) {
		double wanted = factor * SyntheticWeights.DEVIATION
				/ (this.mode.equals("mxfp8") ? E4M3_DEVIATION : E2M1_DEVIATION);
		if (this.mode.equals("nvfp4")) {
			// Below 2^-6 E4M3 has steps of 2^-9.
			return (byte) Math.max(1, Math.round(wanted * (1 << 9)));
		}
		return (byte) (127 + Math.round(Math.log(wanted) / Math.log(2)));
	}

	/**
	 * Puts the format into {@code config.json}.
	 * @param target an object
	 */
	void describe(ObjectNode target) {
		target.put("group_size", this.groupSize).put("bits", this.bits).put("mode", this.mode);
	}

}
