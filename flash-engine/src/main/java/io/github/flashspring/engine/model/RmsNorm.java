package io.github.flashspring.engine.model;

import io.github.flashspring.engine.device.Tensor;
import io.github.flashspring.engine.residency.Parameter;
import io.github.flashspring.engine.residency.WeightUnit;
import io.github.flashspring.engine.residency.Weights;

/**
 * Root mean square norm.
 *
 * @param weight [width]
 * @param epsilon added to the mean of squares
 */
record RmsNorm(Parameter weight, float epsilon) {

	static RmsNorm of(WeightUnit unit, String module, int width, float epsilon) {
		return new RmsNorm(unit.vector(module + ".weight", width), epsilon);
	}

	void forward(Pass pass, Weights weights, Tensor out, Tensor x) {
		pass.device().rmsNorm(out, x, weights.vector(this.weight), this.epsilon);
	}

}
