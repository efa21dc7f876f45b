package io.github.flashspring.engine.residency;

import io.github.flashspring.engine.device.Matrix;
import io.github.flashspring.engine.device.Tensor;

/**
 * The weights of one unit while it is acquired.
 */
public final class Weights {

	private final Matrix[] matrices;

	Weights(Matrix[] matrices) {
		this.matrices = matrices;
	}

	/**
	 * A matrix of the unit.
	 * @param parameter handle that the unit gave out
	 * @return [rows, columns]
	 */
	public Matrix matrix(Parameter parameter) {
		return this.matrices[parameter.index()];
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
