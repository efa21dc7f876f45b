package io.github.flashspring.cli.bench;

/**
 * The formats of a model's matrices, by what they are for.
 *
 * @param standard of what is not an expert
 * @param experts of the experts of MoE layers
 * @param router of routers that MLX quantises with more bits
 * @param embedding of the embedding of a model with experts
 */
record MatrixFormats(WeightFormat standard, WeightFormat experts, WeightFormat router, WeightFormat embedding) {

	private static final int ROUTER_BITS = 8;

	private static final int ROUTER_GROUP = 64;

	/**
	 * As OpenAI's models are converted for MLX: experts as published, the others in 8
	 * bits.
	 */
	private static final String MXFP4_Q8 = "mlx-mxfp4-q8";

	/**
	 * Formats by a name.
	 * @param name {@code mlx-mxfp4-q8} or a name of {@link WeightFormat#of}
	 * @param groupSize values of a group where the format leaves a choice
	 * @return as mlx-lm converts models
	 * @throws IllegalArgumentException if there is none of that name
	 */
	static MatrixFormats of(String name, int groupSize) {
		WeightFormat router = WeightFormat.affine(ROUTER_BITS, ROUTER_GROUP);
		if (name.equals(MXFP4_Q8)) {
			WeightFormat others = WeightFormat.affine(ROUTER_BITS, groupSize);
			return new MatrixFormats(others, WeightFormat.of("mlx-mxfp4", groupSize), router, others);
		}
		WeightFormat format = WeightFormat.of(name, groupSize);
		return new MatrixFormats(format, format, format.quantised() ? router : format, format);
	}

	/**
	 * The same with routers and embedding in BF16, of which little is read.
	 * @return other formats
	 */
	MatrixFormats plainRouters() {
		WeightFormat plain = WeightFormat.BF16;
		return new MatrixFormats(this.standard, this.experts, plain, plain);
	}

}
