package io.github.flashspring.engine.residency;

import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.device.Matrix;
import io.github.flashspring.engine.device.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * The weights of one unit while it computes. Matrices are not handed out, since they may
 * be in memory only row by row: the unit asks for the linear layer instead. Vectors are
 * always in memory.
 */
public final class Weights {

	private final Device device;

	private final Matrix[] matrices;

	Weights(Device device, Matrix[] matrices) {
		this.device = device;
		this.matrices = matrices;
	}

	/**
	 * Applies a linear layer of the unit:
	 * {@code out[r, o] = Σ x[r, i] · weight[o, i] + bias[o]}. Call them in the order in
	 * which the unit declared them: that is the order in which weights are read.
	 * @param out F32 [n, rows of the weight]; not {@code x}
	 * @param x F32 [n, columns of the weight]
	 * @param weight handle of a matrix that the unit gave out
	 * @param bias handle of a vector that the unit gave out, or null
	 * @throws io.github.flashspring.engine.checkpoint.CheckpointException if the weights
	 * cannot be read
	 */
	public void linear(Tensor out, Tensor x, Parameter weight, @Nullable Parameter bias) {
		this.device.matmul(out, x, this.matrices[weight.index()], (bias != null) ? vector(bias) : null);
	}

	/**
	 * Multiplies with the columns of a matrix of the unit:
	 * {@code out[r, i] = Σ x[r, o] · weight[o, i] + bias[i]}.
	 * @param out F32 [n, columns of the weight]; not {@code x}
	 * @param x F32 [n, rows of the weight]
	 * @param weight handle of a matrix that the unit gave out
	 * @param bias handle of a vector that the unit gave out, or null
	 */
	public void linearTransposed(Tensor out, Tensor x, Parameter weight, @Nullable Parameter bias) {
		if (bias != null) {
			this.device.embed(out, new Matrix.Dense(vector(bias)), new int[out.rows()]);
		}
		this.device.matmulTransposed(out, x, this.matrices[weight.index()], bias != null);
	}

	/**
	 * A vector of the unit.
	 * @param parameter handle that the unit gave out
	 * @return [1, columns]
	 */
	public Tensor vector(Parameter parameter) {
		return ((Matrix.Dense) this.matrices[parameter.index()]).values();
	}

}
