package io.github.flashspring.engine.device.cpu;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.checkpoint.Quantization;
import io.github.flashspring.engine.device.Matrix;

/**
 * A weight matrix resolved to memory.
 *
 * @param format how a row is stored
 * @param values numbers or packed codes
 * @param scales scale of each group, or null if the format has none
 * @param biases bias of each group, or null if the format has none
 * @param groupSize values of a row that share a scale; 0 if there are no groups
 * @param groupRows rows that share scales
 * @param skippedRows rows before the first one that share its scales
 * @param rows number of outputs
 * @param columns number of inputs
 */
record Weights(Format format, Rows values, @Nullable Rows scales, @Nullable Rows biases, int groupSize, int groupRows,
		int skippedRows, int rows, int columns) {

	static Weights of(Matrix matrix) {
		return switch (matrix) {
			case Matrix.Dense dense -> {
				Rows values = Rows.of(dense.values());
				yield new Weights(Formats.of(values.type()), values, null, null, 0, 1, 0, values.count(),
						values.columns());
			}
			case Matrix.Quantized quantized -> quantized(quantized);
		};
	}

	private static Weights quantized(Matrix.Quantized matrix) {
		Quantization quantization = matrix.quantization();
		Format format = Formats.of(quantization);
		int groupSize = quantization.groupSize();
		int groupRows = quantization.groupRows();
		int columns = matrix.columns();
		Rows codes = Rows.of(matrix.codes());
		Rows scales = Rows.of(matrix.scales());
		Rows biases = (matrix.biases() != null) ? Rows.of(matrix.biases()) : null;
		if (groupSize % 16 != 0 || (format.wholeGroups() && columns % groupSize != 0)) {
			throw new IllegalArgumentException(
					"Columns of a quantised matrix must be a multiple of its group size, and that of 16; found "
							+ columns + " columns in groups of " + groupSize);
		}
		if (matrix.skippedRows() < 0 || matrix.skippedRows() >= groupRows) {
			throw new IllegalArgumentException(
					"Cannot begin at row " + matrix.skippedRows() + " of " + groupRows + " that share their scales");
		}
		int groups = Math.toIntExact(quantization.groups(columns));
		Checks.shape("scales", scales, Math.ceilDiv(matrix.skippedRows() + codes.count(), groupRows), groups);
		format.checkScales(scales);
		if ((biases != null) != format.affine()) {
			throw new IllegalArgumentException(
					"A matrix of format " + format + (format.affine() ? " needs biases" : " has no biases"));
		}
		if (biases != null) {
			Checks.shape("biases", biases, codes.count(), groups);
			Checks.number("biases", biases);
		}
		return new Weights(format, codes, scales, biases, groupSize, groupRows, matrix.skippedRows(), codes.count(),
				columns);
	}

	/**
	 * Groups of a row of centred codes as a multiple of the lanes: how many sums of
	 * inputs belong to it. None for other formats.
	 */
	int paddedGroups() {
		return this.format.centered() ? BlockOrder.padded(this.columns / this.groupSize) : 0;
	}

	/**
	 * The row of scales that belongs to a row.
	 */
	int scaleRow(int row) {
		return (this.groupRows == 1) ? row : (this.skippedRows + row) / this.groupRows;
	}

}
