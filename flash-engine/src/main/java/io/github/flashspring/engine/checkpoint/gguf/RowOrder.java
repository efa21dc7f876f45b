package io.github.flashspring.engine.checkpoint.gguf;

/**
 * Which row of a GGUF matrix comes where in the Hugging Face layout.
 */
@FunctionalInterface
interface RowOrder {

	/** Rows stay where they are. */
	RowOrder SAME = (row) -> row;

	/**
	 * The row of the file that becomes a given row.
	 * @param row row in the Hugging Face layout
	 * @return row in the file
	 */
	long source(long row);

	/**
	 * Rows of q and k. GGUF rotates neighbouring rows of a head together, Hugging Face
	 * row i with row i + headDim / 2.
	 * @param headDim rows per head, even
	 */
	static RowOrder rotary(int headDim) {
		int half = headDim / 2;
		return (row) -> {
			long within = row % headDim;
			return row - within + 2 * (within % half) + within / half;
		};
	}

}
