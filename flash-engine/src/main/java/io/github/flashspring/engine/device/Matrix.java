package io.github.flashspring.engine.device;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.checkpoint.Quantization;

/**
 * A weight matrix [rows, columns] in the precision in which the checkpoint stores it. A
 * linear layer computes {@code out[r, o] = Σ x[r, i] · weight[o, i]}, so rows are outputs
 * and columns inputs.
 */
public sealed interface Matrix {

	/**
	 * Number of outputs.
	 * @return the number of rows
	 */
	int rows();

	/**
	 * Number of inputs.
	 * @return the number of columns
	 */
	int columns();

	/**
	 * The rows {@code from … from + count - 1}.
	 * @param from first row
	 * @param count number of rows
	 * @return a view of the same memory
	 */
	Matrix rows(int from, int count);

	/**
	 * Plain numbers.
	 *
	 * @param values F32, F16 or BF16 [rows, columns]
	 */
	record Dense(Tensor values) implements Matrix {

		@Override
		public int rows() {
			return this.values.rows();
		}

		@Override
		public int columns() {
			return this.values.columns();
		}

		@Override
		public Dense rows(int from, int count) {
			return new Dense(this.values.rows(from, count));
		}

	}

	/**
	 * Quantised in groups: {@code value = code · scale + bias}, computed as one fused
	 * multiply-add in FP32, or {@code code · scale} where there are no biases.
	 *
	 * @param codes U32, U8 or F8_E4M3 [rows, columns · bits / bits of an element], low
	 * bits first
	 * @param scales [row groups, columns / groupSize], rounded up; F32, F16 or BF16 for
	 * affine and fp8, which may also have F8_E8M0; otherwise U8
	 * @param biases like {@code scales}; null in modes that have none
	 * @param quantization mode, bits and group size
	 * @param skippedRows rows before the first one that share the first row of scales
	 */
	record Quantized(Tensor codes, Tensor scales, @Nullable Tensor biases, Quantization quantization,
			int skippedRows) implements Matrix {

		/**
		 * A matrix whose first row begins a row of scales.
		 * @param codes [rows, columns · bits / bits of an element]
		 * @param scales [row groups, columns / groupSize]
		 * @param biases like {@code scales}; null in modes that have none
		 * @param quantization mode, bits and group size
		 */
		public Quantized(Tensor codes, Tensor scales, @Nullable Tensor biases, Quantization quantization) {
			this(codes, scales, biases, quantization, 0);
		}

		@Override
		public int rows() {
			return this.codes.rows();
		}

		@Override
		public int columns() {
			return Math.toIntExact(this.quantization.codes(this.codes.columns(), this.codes.dtype()));
		}

		@Override
		public Quantized rows(int from, int count) {
			int groupRows = this.quantization.groupRows();
			int first = (this.skippedRows + from) / groupRows;
			int groups = Math.ceilDiv(this.skippedRows + from + count, groupRows) - first;
			return new Quantized(this.codes.rows(from, count), this.scales.rows(first, groups),
					(this.biases != null) ? this.biases.rows(from, count) : null, this.quantization,
					(this.skippedRows + from) % groupRows);
		}

	}

}
