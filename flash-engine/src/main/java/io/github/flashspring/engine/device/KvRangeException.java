package io.github.flashspring.engine.device;

/**
 * A key or a value that half precision cannot hold. It fails the pass that made it; with
 * {@link KvPages.Format#F32} the model computes.
 */
public class KvRangeException extends DeviceException {

	/**
	 * Describes the number.
	 * @param layer name of the layer
	 * @param kind such as {@code key}
	 * @param position of the token
	 * @param value what half precision cannot hold
	 */
	public KvRangeException(String layer, String kind, int position, float value) {
		super("A %s of %s at position %d is %s, but half precision holds -65504 to 65504. This model needs flash.kv.mode=f32."
			.formatted(kind, layer, position, value));
	}

}
