package io.github.flashspring.engine.model;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.device.Tensor;
import io.github.flashspring.engine.residency.ExpertGroup;
import io.github.flashspring.engine.weights.WeightGroup;
import io.github.flashspring.engine.weights.Weights;

/**
 * Asks the router of the next MoE layer what it would choose of the stream as it is now,
 * while the experts of this layer are still being read: its answer hardly changes.
 */
final class RouterLookahead {

	/** Maximum of tokens whose next experts are predicted: further ones would add few. */
	private static final int MAX_ROWS = 32;

	private final Slots.Slot stream;

	private final Slots.Slot normed;

	private @Nullable Target next;

	/**
	 * Looks nowhere until there is a next layer.
	 * @param stream the residual stream
	 * @param normed [hiddenSize] per row, for the next router's input
	 */
	RouterLookahead(Slots.Slot stream, Slots.Slot normed) {
		this.stream = stream;
		this.normed = normed;
	}

	/**
	 * Lets the experts be read that the next router will probably choose.
	 * @param pass the last rows of the pass
	 */
	void look(Pass pass) {
		Target target = this.next;
		if (target == null) {
			return;
		}
		ExpertGroup group = pass.experts(target.firstExpert());
		if (!group.wantsGuesses() || !target.router().isPresent(group.layerWeights())) {
			return;
		}
		Weights weights = group.layerWeights();
		int rows = Math.min(pass.batch().rows(), MAX_ROWS);
		Tensor x = pass.get(this.stream).rows(pass.batch().rows() - rows, rows);
		if (target.norm() != null) {
			Tensor input = pass.get(this.normed, rows);
			target.norm().forward(pass, weights, input, x);
			x = input;
		}
		group.expect(target.router().guess(pass, weights, x));
	}

	/**
	 * A router that can be asked.
	 *
	 * @param router the router
	 * @param firstExpert weights of the first expert of its layer
	 * @param norm of its input, or null
	 */
	record Target(Router router, WeightGroup firstExpert, @Nullable Norm norm) {

	}

	/** Lets each MoE layer of a model look at the next one. */
	static final class Chain {

		private @Nullable RouterLookahead last;

		/**
		 * Adds the next layer.
		 * @param lookahead of the layer
		 * @param target its own router
		 */
		void add(RouterLookahead lookahead, Target target) {
			if (this.last != null) {
				this.last.next = target;
			}
			this.last = lookahead;
		}

	}

}
