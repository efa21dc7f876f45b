package io.github.flashspring.engine.model;

import java.util.List;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.device.Tensor;
import io.github.flashspring.engine.residency.StreamingProxy;
import io.github.flashspring.engine.weights.Weights;

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
		for (Branch branch : this.branches) {
			Tensor input = input(pass, weights, branch, this.normed);
			Tensor output = pass.get(this.delta);
			branch.sublayer().forward(pass, weights, output, input);
			add(pass, weights, branch, output);
		}
	}

	/**
	 * All rows go through one branch before the next, so that a mixture of experts sees
	 * all of them at once.
	 */
	@Override
	public void forward(List<Pass> parts, Weights weights) {
		for (Branch branch : this.branches) {
			if (parts.size() > 1 && branch.sublayer() instanceof MoeLayer mixture) {
				mixture(parts, weights, branch, mixture);
				continue;
			}
			for (Pass part : parts) {
				weights.begin(part != parts.getLast());
				Tensor input = input(part, weights, branch, this.normed);
				Tensor output = part.get(this.delta);
				branch.sublayer().forward(part, weights, output, input);
				add(part, weights, branch, output);
			}
		}
	}

	private void mixture(List<Pass> parts, Weights weights, Branch branch, MoeLayer mixture) {
		List<Tensor> inputs = parts.stream().map((part) -> input(part, weights, branch, mixture.inputs())).toList();
		List<Tensor> outputs = mixture.forward(parts, weights, inputs);
		for (int i = 0; i < outputs.size(); i++) {
			add(parts.get(i), weights, branch, outputs.get(i));
		}
	}

	private Tensor input(Pass pass, Weights weights, Branch branch, Slots.Slot room) {
		Tensor hidden = pass.get(this.stream);
		if (branch.before() == null) {
			return hidden;
		}
		Tensor input = pass.get(room);
		branch.before().forward(pass, weights, input, hidden);
		return input;
	}

	private void add(Pass pass, Weights weights, Branch branch, Tensor output) {
		if (branch.after() != null) {
			branch.after().forward(pass, weights, output, output);
		}
		if (branch.multiplier() == 1f) {
			pass.device().add(pass.get(this.stream), output);
		}
		else {
			pass.device().elementwise().addScaled(pass.get(this.stream), output, branch.multiplier());
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
