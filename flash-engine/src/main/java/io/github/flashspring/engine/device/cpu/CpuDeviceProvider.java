package io.github.flashspring.engine.device.cpu;

import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.device.DeviceProvider;

/**
 * Opens the CPU device, with vector kernels where the JVM has the Vector API.
 */
public final class CpuDeviceProvider implements DeviceProvider {

	static final String NAME = "cpu";

	@Override
	public String name() {
		return NAME;
	}

	@Override
	public int preference() {
		return 0;
	}

	@Override
	public boolean isAvailable() {
		return true;
	}

	@Override
	public Device create(Options options) {
		if (options.threads() < 0) {
			throw new IllegalArgumentException("Expected a number of threads from 0 on, found " + options.threads());
		}
		int threads = (options.threads() > 0) ? options.threads() : Runtime.getRuntime().availableProcessors();
		return new CpuDevice(new PortableKernels(), threads);
	}

}
