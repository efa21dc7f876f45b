package io.github.flashspring.engine.model;

import io.github.flashspring.engine.device.Tensor;
import io.github.flashspring.engine.weights.Parameter;
import io.github.flashspring.engine.weights.WeightGroup;
import io.github.flashspring.engine.weights.Weights;

/**
 * Normalizes rows.
 */
sealed interface Norm {

	/**
	 * Normalizes each row.
	 * @param pass the pass
	 * @param weights of the layer
	 * @param out F32 [n, width]; may be {@code x}
	 * @param x F32 [n, width]
	 */
	void forward(Pass pass, Weights weights, Tensor out, Tensor x);

	/**
	 * Root mean square norm.
	 *
	 * @param weight [width]
	 * @param offset added to the weight: 1 where weights are stored around zero
	 * @param epsilon added to the mean of squares
	 */
	record RootMeanSquare(Parameter weight, float offset, float epsilon) implements Norm {

		@Override
		public void forward(Pass pass, Weights weights, Tensor out, Tensor x) {
			pass.device().rmsNorm(out, x, weights.vector(this.weight), this.offset, this.epsilon);
		}

	}

	/**
	 * Layer norm.
	 *
	 * @param weight [width]
	 * @param bias [width]
	 * @param offset added to the weight
	 * @param epsilon added to the variance
	 */
	record Layer(Parameter weight, Parameter bias, float offset, float epsilon) implements Norm {

		@Override
		public void forward(Pass pass, Weights weights, Tensor out, Tensor x) {
			pass.device()
				.layerNorm(out, x, weights.vector(this.weight), weights.vector(this.bias), this.offset, this.epsilon);
		}

	}

	/**
	 * How all norms of a model are made.
	 */
	@FunctionalInterface
	interface Kind {

		/**
		 * Declares a norm.
		 * @param group gets its weights
		 * @param module name of the module
		 * @param width length of a row
		 * @return the norm
		 */
		Norm of(WeightGroup group, String module, int width);

		/**
		 * Root mean square norms.
		 * @param epsilon added to the mean of squares
		 * @return the kind
		 */
		static Kind rms(float epsilon) {
			return rms(0f, epsilon);
		}

		/**
		 * Root mean square norms whose weights have an offset.
		 * @param offset added to the weights
		 * @param epsilon added to the mean of squares
		 * @return the kind
		 */
		static Kind rms(float offset, float epsilon) {
			return (group, module, width) -> new RootMeanSquare(group.vector(module + ".weight", width), offset,
					epsilon);
		}

		/**
		 * Layer norms whose weights have an offset.
		 * @param offset added to the weights
		 * @param epsilon added to the variance
		 * @return the kind
		 */
		static Kind layer(float offset, float epsilon) {
			return (group, module, width) -> new Layer(group.vector(module + ".weight", width),
					group.vector(module + ".bias", width), offset, epsilon);
		}

	}

}
