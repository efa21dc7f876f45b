package io.github.flashspring.engine.residency;

import io.github.flashspring.engine.weights.Weights;
import java.util.Arrays;
import java.util.List;

/**
 * The experts of one layer: the layer says which of them it needs, then computes with
 * those that are in memory, as many at once as it has room for, until all were computed
 * with.
 */
public final class ExpertGroup {

	private final WeightStore store;

	private final int layerGroup;

	private final int firstGroup;

	/**
	 * Names the experts.
	 * @param store has their weights
	 * @param layerGroup index of the layer's own group; those of its experts follow
	 */
	public ExpertGroup(WeightStore store, int layerGroup) {
		this.store = store;
		this.layerGroup = layerGroup;
		this.firstGroup = layerGroup + 1;
	}

	/**
	 * The weights of the layer that all tokens need.
	 * @return its weights, not begun
	 */
	public Weights layerWeights() {
		return this.store.weights(this.layerGroup);
	}

	/**
	 * Says which experts this pass needs; those that are not in memory begin to be read,
	 * all at once.
	 * @param rowsOf how many tokens of the pass go to each expert
	 * @param rows tokens of the pass
	 * @param ordered whether they will be computed in their own order; else what is in
	 * memory comes first
	 * @return experts that at least one token goes to, in the order in which to compute
	 * them
	 */
	public int[] choose(int[] rowsOf, int rows, boolean ordered) {
		return this.store.choose(this.firstGroup, rowsOf, rows, ordered);
	}

	/**
	 * Computes with experts, for all tokens of the pass: with all that are in memory at
	 * once, and while they are computed the others are read.
	 * @param experts the experts, as {@link #choose} gave them
	 * @param ordered whether they must be computed in this order
	 * @param rowsOf how many rows an expert takes
	 * @param maxRows most rows of experts that are computed at once; one expert may take
	 * more
	 * @param computation computes
	 * @throws io.github.flashspring.engine.checkpoint.CheckpointException if weights
	 * cannot be read
	 */
	public void compute(int[] experts, boolean ordered, int[] rowsOf, int maxRows, Computation computation) {
		int[] left = experts;
		while (left.length > 0) {
			int[] ready = this.store.ready(this.firstGroup, left, ordered);
			int rows = rowsOf[ready[0]];
			int count = 1;
			while (count < ready.length && rows + rowsOf[ready[count]] <= maxRows) {
				rows += rowsOf[ready[count++]];
			}
			int[] now = Arrays.copyOf(ready, count);
			this.store.compute(Arrays.stream(now).map((expert) -> this.firstGroup + expert).toArray(),
					(weights) -> computation.compute(now, weights));
			left = Arrays.stream(left)
				.filter((expert) -> Arrays.stream(now).noneMatch((one) -> one == expert))
				.toArray();
		}
	}

	/**
	 * Whether it is worthwhile to guess what the router of this layer will choose.
	 * @return false if nothing is read, or guesses have proved of little use
	 */
	public boolean wantsGuesses() {
		return this.store.wantsGuesses(this.firstGroup);
	}

	/**
	 * Lets experts be read, while nothing more urgent is, that the router of this layer
	 * will probably choose. It costs nothing but time if it does not.
	 * @param guesses one or more for each token of the pass
	 */
	public void expect(List<ExpertGuess> guesses) {
		this.store.expect(this.firstGroup, guesses);
	}

	/** Computes with some experts. */
	@FunctionalInterface
	public interface Computation {

		/**
		 * Computes.
		 * @param experts indices of the experts
		 * @param weights of each, valid during the call
		 */
		void compute(int[] experts, List<Weights> weights);

	}

}
