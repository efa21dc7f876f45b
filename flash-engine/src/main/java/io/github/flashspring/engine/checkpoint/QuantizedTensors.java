package io.github.flashspring.engine.checkpoint;

import org.jspecify.annotations.Nullable;

/**
 * The tensors that hold one quantised matrix, or several stacked ones, whatever the
 * checkpoint calls them. Dimensions before the last two are those of the stack.
 *
 * @param quantization how they are to be read
 * @param codes U32, U8 or F8_E4M3 [rows, columns · bits / bits of an element]
 * @param scales [rows / groupRows, columns / groupSize], rounded up
 * @param biases like {@code scales}, null if the quantisation has none
 */
public record QuantizedTensors(Quantization quantization, TensorInfo codes, TensorInfo scales,
		@Nullable TensorInfo biases) {

	/**
	 * Number of columns.
	 * @return codes in a row
	 */
	public long columns() {
		return this.quantization.codes(this.codes.dimension(this.codes.rank() - 1), this.codes.dtype());
	}

}
