package io.github.flashspring.engine.device;

/**
 * Marks a point in the work recorded on a {@link Device}. Memory that recorded work uses
 * may be reused only after the fence behind that work.
 */
@FunctionalInterface
public interface Fence {

	/** The fence of work that is already done. */
	Fence DONE = () -> {
	};

	/**
	 * Waits until the work before the fence has been computed.
	 * @throws DeviceException if that work failed
	 */
	void await();

}
