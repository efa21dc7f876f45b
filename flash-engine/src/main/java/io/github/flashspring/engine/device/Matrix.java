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
	 * Quantised in groups along the columns: {@code value = code · scale + bias},
	 * computed as one fused multiply-add in FP32.
	 *
	 * @param codes U32 [rows, columns · bits / 32], low bits first
	 * @param scales F32, F16 or BF16 [rows, columns / groupSize] (later modes: U8)
	 * @param biases like {@code scales}; null in modes that have none
	 * @param quantization mode, bits and group size
	 */
	record Quantized(Tensor codes, Tensor scales, @Nullable Tensor biases,
			Quantization quantization) implements Matrix {

		@Override
		public int rows() {
			return this.codes.rows();
		}

		@Override
		public int columns() {
			return (int) (this.codes.columns() * 32L / this.quantization.bits());
		}

		@Override
		public Quantized rows(int from, int count) {
			return new Quantized(this.codes.rows(from, count), this.scales.rows(from, count),
					(this.biases != null) ? this.biases.rows(from, count) : null, this.quantization);
		}

	}

}
