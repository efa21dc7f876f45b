package io.github.flashspring.engine.device.cpu;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.device.Matrix;

/**
 * A weight matrix resolved to memory.
 *
 * @param format how a row is stored
 * @param values numbers or packed codes
 * @param scales scale of each group, or null if the format has none
 * @param biases bias of each group, or null if the format has none
 * @param groupSize values of a group; 0 if there are no groups
 * @param rows number of outputs
 * @param columns number of inputs
 */
record Weights(Format format, Rows values, @Nullable Rows scales, @Nullable Rows biases, int groupSize, int rows,
		int columns) {

	static Weights of(Matrix matrix) {
		return switch (matrix) {
			case Matrix.Dense dense -> {
				Rows values = Rows.of(dense.values());
				yield new Weights(Format.of(values.type()), values, null, null, 0, values.count(), values.columns());
			}
			case Matrix.Quantized quantized -> quantized(quantized);
		};
	}

	private static Weights quantized(Matrix.Quantized matrix) {
		Format format = Format.of(matrix.quantization());
		int groupSize = matrix.quantization().groupSize();
		int columns = matrix.columns();
		Rows codes = Rows.of(matrix.codes());
		Rows scales = Rows.of(matrix.scales());
		if (groupSize % 32 != 0 || columns % groupSize != 0) {
			throw new IllegalArgumentException(
					"Columns of a quantised matrix must be a multiple of its group size, and that of 32; found "
							+ columns + " columns in groups of " + groupSize);
		}
		Checks.shape("scales", scales, codes.count(), columns / groupSize);
		Checks.number("scales", scales);
		if (matrix.biases() == null) {
			throw new IllegalArgumentException("A matrix of format " + format + " needs biases");
		}
		Rows biases = Rows.of(matrix.biases());
		Checks.shape("biases", biases, codes.count(), columns / groupSize);
		Checks.number("biases", biases);
		return new Weights(format, codes, scales, biases, groupSize, codes.count(), columns);
	}

}
