package io.github.flashspring.engine.residency;

import io.github.flashspring.engine.weights.Weights;
import java.util.List;

/**
 * Stands around a layer: has its weights in memory when it computes, and gives them back.
 * The layer knows nothing of residency, the proxy nothing of the architecture.
 *
 * @param <P> what a layer computes on
 */
public final class StreamingProxy<P> {

	private final WeightStore store;

	private final int group;

	private final Layer<P> layer;

	/**
	 * Wraps a layer.
	 * @param store has the weights
	 * @param group index of the layer's group
	 * @param layer the layer
	 */
	public StreamingProxy(WeightStore store, int group, Layer<P> layer) {
		this.store = store;
		this.group = group;
		this.layer = layer;
	}

	/**
	 * Computes the layer, on one part of a pass after the other with the same weights.
	 * @param parts what to compute on
	 */
	public void forward(List<P> parts) {
		long start = System.nanoTime();
		Weights weights = this.store.weights(this.group);
		this.store.computing(this.group);
		try {
			this.layer.forward(parts, weights);
		}
		finally {
			weights.end();
		}
		this.store.computed(this.group, start);
	}

	/**
	 * A part of a model that computes with the weights of one group.
	 *
	 * @param <P> what it computes on
	 */
	@FunctionalInterface
	public interface Layer<P> {

		/**
		 * Records the computation.
		 * @param pass what to compute on
		 * @param weights the group's weights, valid during this call for what is recorded
		 * in it
		 */
		void forward(P pass, Weights weights);

		/**
		 * Records the computation on one part of a pass after the other.
		 * @param parts in order, at least one
		 * @param weights the group's weights; {@link Weights#begin} says before each part
		 * whether they will be used once more
		 */
		default void forward(List<P> parts, Weights weights) {
			for (P part : parts) {
				weights.begin(part != parts.getLast());
				forward(part, weights);
			}
		}

	}

}
