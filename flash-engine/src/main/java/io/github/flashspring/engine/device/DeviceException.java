package io.github.flashspring.engine.device;

/**
 * A device cannot do what was asked of it: not available, out of memory, or work failed.
 */
public class DeviceException extends RuntimeException {

	public DeviceException(String message) {
		super(message);
	}

	public DeviceException(String message, Throwable cause) {
		super(message, cause);
	}

}
