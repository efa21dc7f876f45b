package io.github.flashspring.engine.device;

/**
 * Makes {@link Device}s of one kind; found by {@link java.util.ServiceLoader}.
 */
public interface DeviceProvider {

	/**
	 * Name of the kind, such as {@code cpu} or {@code metal}.
	 * @return the name in lower case
	 */
	String name();

	/**
	 * Order of preference among available devices when none is asked for by name; the
	 * highest wins.
	 * @return the preference; the CPU has 0
	 */
	int preference();

	/**
	 * Whether this machine has such a device.
	 * @return true if {@link #create} can succeed
	 */
	boolean isAvailable();

	/**
	 * Opens the device.
	 * @param options of the device
	 * @return the device; the caller closes it
	 * @throws DeviceException if it cannot be used
	 */
	Device create(Options options);

	/**
	 * Options of a device.
	 *
	 * @param threads threads that compute, at least 1; 0: as many as there are processors
	 * available to this JVM
	 */
	record Options(int threads) {

	}

}
