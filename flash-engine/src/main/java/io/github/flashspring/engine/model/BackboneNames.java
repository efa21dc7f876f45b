package io.github.flashspring.engine.model;

import io.github.flashspring.engine.checkpoint.Checkpoint;
import io.github.flashspring.engine.weights.Parameter;

/**
 * The names of Mamba-2, which its descendants keep.
 */
class BackboneNames extends TensorNames {

	BackboneNames(Checkpoint checkpoint) {
		super(checkpoint);
	}

	@Override
	String embedding() {
		return "backbone.embeddings";
	}

	@Override
	String layer(int index) {
		return "backbone.layers." + index + ".";
	}

	@Override
	String norm() {
		return "backbone.norm_f";
	}

	/**
	 * Filters of a convolution: [channels, 1, taps], or [channels, taps, 1] as converted
	 * for MLX.
	 * @param layer gets them
	 * @param tensor name below the layer's prefix
	 * @param channels number of filters
	 * @param taps length of a filter
	 * @return [channels · taps]
	 */
	final Parameter filters(LayerBuilder layer, String tensor, int channels, int taps) {
		long[] found = has(layer, tensor) ? checkpoint().tensor(layer(layer.index()) + tensor).shape() : new long[0];
		boolean tapsInside = found.length == 3 && found[2] == 1 && taps != 1;
		return tapsInside ? layer.group().flat(tensor, channels, taps, 1)
				: layer.group().flat(tensor, channels, 1, taps);
	}

}
