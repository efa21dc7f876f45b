package io.github.flashspring.engine.model;

/**
 * Logits of some rows of a batch, read back to the host. Valid until the next pass.
 *
 * @param rows rows of the batch
 * @param vocabSize logits of each
 * @param values logits of one row after the other, from the start of the array
 */
public record Logits(int[] rows, int vocabSize, float[] values) {

	/** Of no rows. */
	static final Logits NONE = new Logits(new int[0], 0, new float[0]);

	/**
	 * Copies the logits of a row.
	 * @param index index of the row in {@link #rows}
	 * @param target [vocab], receives them
	 */
	public void copy(int index, float[] target) {
		System.arraycopy(this.values, index * this.vocabSize, target, 0, this.vocabSize);
	}

}
