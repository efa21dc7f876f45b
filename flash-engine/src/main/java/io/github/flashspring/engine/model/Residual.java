package io.github.flashspring.engine.model;

import java.util.List;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.device.Tensor;
import io.github.flashspring.engine.residency.StreamingProxy;
import io.github.flashspring.engine.residency.Weights;

/**
 * A layer: each of its branches reads the residual stream and adds to it.
 *
 * @param stream the residual stream
 * @param normed input of the branches
 * @param delta output of the branches
 * @param branches in order
 */
record Residual(Slots.Slot stream, Slots.Slot normed, Slots.Slot delta,
		List<Branch> branches) implements StreamingProxy.Layer<Pass> {

	@Override
	public void forward(Pass pass, Weights weights) {
		Tensor hidden = pass.get(this.stream);
		Tensor output = pass.get(this.delta);
		for (Branch branch : this.branches) {
			Tensor input = hidden;
			if (branch.before() != null) {
				input = pass.get(this.normed);
				branch.before().forward(pass, weights, input, hidden);
			}
			branch.sublayer().forward(pass, weights, output, input);
			if (branch.after() != null) {
				branch.after().forward(pass, weights, output, output);
			}
			if (branch.multiplier() == 1f) {
				pass.device().add(hidden, output);
			}
			else {
				pass.device().elementwise().addScaled(hidden, output, branch.multiplier());
			}
		}
	}

	/**
	 * A part of a layer: {@code stream += multiplier · after(sublayer(before(stream)))}.
	 *
	 * @param before norm of the input, or null
	 * @param sublayer what is computed
	 * @param after norm of the output, or null
	 * @param multiplier of what is added
	 */
	record Branch(@Nullable Norm before, Sublayer sublayer, @Nullable Norm after, float multiplier) {

		static Branch of(Norm before, Sublayer sublayer) {
			return new Branch(before, sublayer, null, 1f);
		}

	}

}
