package io.github.flashspring.engine.residency;

/**
 * Names one weight of a {@link WeightUnit}; the layer that declared it asks
 * {@link Weights} for it in every pass.
 *
 * @param index place in the unit
 * @param name full name of the tensor in the checkpoint, with {@code .weight} or
 * {@code .bias}
 * @param vector whether the tensor has one dimension
 * @param rows number of rows; 1 for a vector
 * @param columns number of columns, or length of a vector
 */
public record Parameter(int index, String name, boolean vector, int rows, int columns) {

	/**
	 * The module's path: the name without {@code .weight}.
	 * @return path as in the config's {@code quantization}
	 */
	String module() {
		return this.name.endsWith(".weight") ? this.name.substring(0, this.name.length() - ".weight".length())
				: this.name;
	}

}
