package io.github.flashspring.engine.weights;

import java.util.List;
import java.util.Objects;
import java.util.function.Function;
import java.util.stream.Stream;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.checkpoint.Quantization;
import io.github.flashspring.engine.checkpoint.TensorInfo;
import io.github.flashspring.engine.device.Matrix;
import io.github.flashspring.engine.device.Tensor;
import io.github.flashspring.engine.device.Workload;

/**
 * A parameter and the tensors that hold its values.
 *
 * @param parameter what the model code asked for
 * @param codes its values, or their codes when quantised
 * @param scales null when not quantised
 * @param biases null when not quantised
 * @param quantization null when not quantised
 */
public record Weight(Parameter parameter, TensorInfo codes, @Nullable TensorInfo scales, @Nullable TensorInfo biases,
		@Nullable Quantization quantization) {

	Workload.Linear linear() {
		return new Workload.Linear(this.parameter.columns(), this.codes.dtype(), this.quantization,
				(this.scales != null) ? this.scales.dtype() : null);
	}

	public List<TensorInfo> parts() {
		return Stream.of(this.codes, this.scales, this.biases).filter(Objects::nonNull).toList();
	}

	/**
	 * Bytes of one row of a part.
	 * @param part one of {@link #parts()}
	 * @return bytes
	 */
	public static long rowBytes(TensorInfo part) {
		return part.byteSize() / part.dimension(0);
	}

	/**
	 * Which row of a part belongs to a row of the weight: another one only for scales
	 * that several rows share.
	 * @param part one of {@link #parts()}
	 * @param row row of the weight
	 * @return row of the part
	 */
	public long rowOf(TensorInfo part, int row) {
		return shared(part) ? (skippedRows() + row) / groupRows() : row;
	}

	/**
	 * Number of rows of a part that belong to rows of the weight.
	 * @param part one of {@link #parts()}
	 * @param from first row of the weight
	 * @param count number of rows of the weight
	 * @return number of rows of the part
	 */
	public int rowsOf(TensorInfo part, int from, int count) {
		return Math.toIntExact(rowOf(part, from + count - 1) - rowOf(part, from) + 1);
	}

	private boolean shared(TensorInfo part) {
		return groupRows() > 1 && part.equals(this.scales);
	}

	private int groupRows() {
		return (this.quantization != null) ? this.quantization.groupRows() : 1;
	}

	/** Rows before the first one that share their scales with it. */
	private int skippedRows() {
		return (int) (this.parameter.firstRow() % groupRows());
	}

	/**
	 * Some rows of the weight as the device sees them.
	 * @param firstRow the first of them
	 * @param locator gives each part's place in memory
	 * @return the matrix
	 */
	public Matrix matrix(int firstRow, Function<TensorInfo, Tensor> locator) {
		Tensor first = locator.apply(this.codes);
		if (this.scales == null || this.quantization == null) {
			return new Matrix.Dense(first);
		}
		return new Matrix.Quantized(first, locator.apply(this.scales),
				(this.biases != null) ? locator.apply(this.biases) : null, this.quantization,
				(skippedRows() + firstRow) % groupRows());
	}

	/**
	 * Rows of the weight that do not lie together, each with scales of its own.
	 * @param locator gives each part's place in memory, with a row for each row
	 * @return the matrix
	 */
	public Matrix separateRows(Function<TensorInfo, Tensor> locator) {
		if (this.quantization == null || groupRows() == 1) {
			return matrix(0, locator);
		}
		Quantization single = new Quantization(this.quantization.mode(), this.quantization.bits(),
				this.quantization.groupSize());
		return new Matrix.Quantized(locator.apply(this.codes), locator.apply(Objects.requireNonNull(this.scales)), null,
				single, 0);
	}

}
