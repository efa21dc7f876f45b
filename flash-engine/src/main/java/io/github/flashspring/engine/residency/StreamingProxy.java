package io.github.flashspring.engine.residency;

import io.github.flashspring.engine.device.Device;

/**
 * Stands around a layer: acquires its weights, lets it compute, gives them back. The
 * layer knows nothing of streaming, the proxy nothing of the architecture.
 *
 * @param <P> what a layer computes on
 */
public final class StreamingProxy<P> {

	private final WeightStore store;

	private final int unit;

	private final Device device;

	private final Layer<P> layer;

	/**
	 * Wraps a layer.
	 * @param store has the weights
	 * @param unit index of the layer's unit
	 * @param device computes
	 * @param layer the layer
	 */
	public StreamingProxy(WeightStore store, int unit, Device device, Layer<P> layer) {
		this.store = store;
		this.unit = unit;
		this.device = device;
		this.layer = layer;
	}

	/**
	 * Computes the layer.
	 * @param pass what to compute on
	 */
	public void forward(P pass) {
		Weights weights = this.store.acquire(this.unit);
		try {
			this.layer.forward(pass, weights);
		}
		finally {
			this.store.release(this.unit, this.device.commit());
		}
	}

	/**
	 * A part of a model that computes with the weights of one unit.
	 *
	 * @param <P> what it computes on
	 */
	@FunctionalInterface
	public interface Layer<P> {

		/**
		 * Records the computation.
		 * @param pass what to compute on
		 * @param weights the unit's weights, valid during this call for what is recorded
		 * in it
		 */
		void forward(P pass, Weights weights);

	}

}
