package io.github.flashspring.engine.residency;

import java.util.List;
import java.util.function.Consumer;

/**
 * The experts of one layer: the layer says which of them it needs, then computes with one
 * after the other.
 */
public final class ExpertGroup {

	private final WeightStore store;

	private final int layerUnit;

	private final int firstUnit;

	/**
	 * Names the experts.
	 * @param store has their weights
	 * @param layerUnit index of the layer's own unit; those of its experts follow
	 */
	public ExpertGroup(WeightStore store, int layerUnit) {
		this.store = store;
		this.layerUnit = layerUnit;
		this.firstUnit = layerUnit + 1;
	}

	/**
	 * The weights of the layer that all tokens need.
	 * @return its weights, not begun
	 */
	public Weights layerWeights() {
		return this.store.weights(this.layerUnit);
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
		return this.store.choose(this.firstUnit, rowsOf, rows, ordered);
	}

	/**
	 * Computes with an expert, for all tokens of the pass.
	 * @param expert index of the expert
	 * @param computation gets its weights
	 * @throws io.github.flashspring.engine.checkpoint.CheckpointException if they cannot
	 * be read
	 */
	public void compute(int expert, Consumer<Weights> computation) {
		this.store.compute(this.firstUnit + expert, computation);
	}

	/**
	 * Whether it is worthwhile to guess what the router of this layer will choose.
	 * @return false if nothing is read, or guesses have proved of little use
	 */
	public boolean wantsGuesses() {
		return this.store.wantsGuesses(this.firstUnit);
	}

	/**
	 * Lets experts be read, while nothing more urgent is, that the router of this layer
	 * will probably choose. It costs nothing but time if it does not.
	 * @param guesses one or more for each token of the pass
	 */
	public void expect(List<ExpertGuess> guesses) {
		this.store.expect(this.firstUnit, guesses);
	}

}
