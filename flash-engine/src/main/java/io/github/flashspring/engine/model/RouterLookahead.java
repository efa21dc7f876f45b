package io.github.flashspring.engine.model;

import java.util.List;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.device.Tensor;
import io.github.flashspring.engine.residency.ExpertGroup;
import io.github.flashspring.engine.weights.WeightGroup;
import io.github.flashspring.engine.weights.Weights;

/**
 * Asks the router of the next MoE layer what it would choose of the stream as it is now:
 * its answer hardly changes.
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
	 * Asks the next router.
	 * @param pass the last rows of the pass
	 * @param reads gets what must be read for the answer
	 * @return the answer, once it was read; null if nobody is asked
	 */
	@Nullable Prediction ask(Pass pass, List<Device.Readback> reads) {
		Target target = this.next;
		if (target == null) {
			return null;
		}
		ExpertGroup group = pass.experts(target.firstExpert());
		if (!group.wantsGuesses() || !target.router().isPresent(group.layerWeights())) {
			return null;
		}
		Weights weights = group.layerWeights();
		int rows = Math.min(pass.batch().rows(), MAX_ROWS);
		Tensor x = pass.get(this.stream).rows(pass.batch().rows() - rows, rows);
		if (target.norm() != null) {
			Tensor input = pass.get(this.normed, rows);
			target.norm().forward(pass, weights, input, x);
			x = input;
		}
		return new Prediction(group, target.router().guess(pass, weights, x, reads));
	}

	/**
	 * What the next router would choose.
	 *
	 * @param group experts of its layer
	 * @param answer its answer
	 */
	record Prediction(ExpertGroup group, Router.Answer answer) {

		/** Lets the experts be read. */
		void expect() {
			this.group.expect(this.answer.guesses());
		}

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
