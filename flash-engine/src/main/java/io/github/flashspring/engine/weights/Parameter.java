package io.github.flashspring.engine.weights;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.checkpoint.Checkpoint;
import io.github.flashspring.engine.checkpoint.TensorInfo;

/**
 * Names one weight of a {@link WeightGroup}; the layer that declared it asks
 * {@link Weights} for it in every pass.
 *
 * @param index index in the group
 * @param name full name of the tensor in the checkpoint, with {@code .weight} or
 * {@code .bias}
 * @param vector whether it is dense and always in memory
 * @param rows number of rows; 1 for a vector
 * @param columns number of columns, or length of a vector
 * @param part what part of the tensor it is, null if all of it
 */
public record Parameter(int index, String name, boolean vector, int rows, int columns, @Nullable Part part) {

	/**
	 * The module's path: the name without {@code .weight}.
	 * @return path as in the config's {@code quantization}
	 */
	public String module() {
		return this.name.endsWith(".weight") ? this.name.substring(0, this.name.length() - ".weight".length())
				: this.name;
	}

	/**
	 * Finds the values where they are stored plainly.
	 * @param checkpoint the files
	 * @return where they lie
	 * @throws io.github.flashspring.engine.checkpoint.CheckpointException if the tensor
	 * is missing or has another shape than expected
	 */
	public TensorInfo find(Checkpoint checkpoint) {
		if (this.part == null) {
			return this.vector ? checkpoint.tensor(this.name, this.columns)
					: checkpoint.tensor(this.name, this.rows, this.columns);
		}
		TensorInfo whole = checkpoint.tensor(this.name, this.part.shape());
		long from = this.part.firstRow() * this.part.shape()[this.part.shape().length - 1];
		return this.vector ? whole.part(from, this.columns) : whole.part(from, this.rows, this.columns);
	}

	/**
	 * The shape that the values have in the checkpoint, were they stored plainly.
	 * @return sizes of the dimensions
	 */
	public long[] shape() {
		return (this.part != null) ? this.part.shape().clone() : new long[] { this.rows, this.columns };
	}

	/**
	 * First row wanted.
	 * @return index among the rows of all matrices that the tensor holds
	 */
	public long firstRow() {
		return (this.part != null) ? this.part.firstRow() : 0;
	}

	/**
	 * The module that a part of a stack belongs to where a checkpoint does not stack.
	 * @return its path; null for what is no part of a stack, or has no other name
	 */
	@Nullable String apart() {
		return (this.part != null) ? this.part.apart() : null;
	}

	/**
	 * Rows of a larger tensor, whatever its dimensions but the last.
	 *
	 * @param shape sizes of the tensor's dimensions, were it not quantised
	 * @param firstRow first row
	 * @param apart the module that these rows belong to where a checkpoint does not stack
	 * them, or null if it always does
	 */
	public record Part(long[] shape, long firstRow, @Nullable String apart) {

	}

}
