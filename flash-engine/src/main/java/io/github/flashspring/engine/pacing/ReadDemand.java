package io.github.flashspring.engine.pacing;

import java.util.Arrays;

/**
 * How many bytes each layer must have when it starts, and the least rate at which they
 * arrive in time. Immutable.
 */
final class ReadDemand {

	private static final double NANOS = 1e9;

	private final long[] streamed;

	/**
	 * The demand of a plan.
	 * @param streamed bytes that are read for each layer in each pass
	 */
	ReadDemand(long[] streamed) {
		this.streamed = streamed.clone();
	}

	int layers() {
		return this.streamed.length;
	}

	/**
	 * {@return bytes that are read in each pass}
	 */
	long bytes() {
		return Arrays.stream(this.streamed).sum();
	}

	/**
	 * Least rate at which all that is not yet read arrives before the layer that needs it
	 * starts: the steepest of the slopes from now to the starts of layers.
	 * @param target the layer for which is read next; with an index below that of the
	 * current one, a layer of the next pass
	 * @param layer the layer that computes, or that will compute next
	 * @param nanos time until the layer after it starts, without that of a read
	 * @param times how long layers compute
	 * @return bytes per second; infinite if it should be there already
	 */
	double bytesPerSecond(int target, int layer, double nanos, LayerTimes times) {
		int layers = this.streamed.length;
		int current = Math.min(layer, layers - 1);
		int ahead = Math.floorMod(target - current, layers);
		if (layer < layers && ahead == 0) {
			return Double.POSITIVE_INFINITY;
		}
		double time = Math.max(0, nanos);
		double steepest = 0;
		double bytes = 0;
		for (int i = 1; i < ahead + layers; i++) {
			int index = (current + i) % layers;
			if (i >= ahead) {
				bytes += this.streamed[index];
				if (bytes > 0) {
					steepest = Math.max(steepest, bytes / time * NANOS);
				}
			}
			time += times.average(index);
		}
		return steepest;
	}

}
