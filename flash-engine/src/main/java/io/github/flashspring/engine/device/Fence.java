package io.github.flashspring.engine.device;

/**
 * Marks a point in the work recorded on a {@link Device}. Memory that recorded work uses
 * may be reused only after the fence behind that work. Any thread may ask it.
 */
public interface Fence {

	/** A fence behind no work. */
	Fence DONE = new Fence() {

		@Override
		public void await() {
			// There is nothing to wait for.
		}

		@Override
		public boolean isDone() {
			return true;
		}

		@Override
		public long elapsedNanos() {
			return 0;
		}

	};

	/**
	 * Waits until the work before the fence has been computed.
	 * @throws DeviceException if that work failed
	 */
	void await();

	/**
	 * Whether the work before the fence has been computed, or failed.
	 * @return true if {@link #await} does not wait
	 */
	boolean isDone();

	/**
	 * How long the device has computed since it was opened, up to this fence; it waits
	 * for the work. The time between two fences is what the work between them took,
	 * without the time in which the host recorded nothing.
	 * @return nanoseconds; 0 for {@link #DONE}
	 * @throws DeviceException if that work failed
	 */
	long elapsedNanos();

}
