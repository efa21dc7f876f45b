package io.github.flashspring.engine.device;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

import io.github.flashspring.engine.device.cpu.CpuDeviceProvider;

/**
 * The CPU behind a {@link RecordingDevice}. Found by name alone.
 */
public final class RecordingDeviceProvider implements DeviceProvider {

	public static final String NAME = "recording";

	/** Classes and methods whose waits for fences are ignored. */
	public static final Set<String> IGNORED = ConcurrentHashMap.newKeySet();

	/** Classes and methods that have waited for fences. */
	public static final Set<String> WAITED = ConcurrentHashMap.newKeySet();

	@Override
	public String name() {
		return NAME;
	}

	@Override
	public int preference() {
		return Integer.MIN_VALUE;
	}

	@Override
	public boolean isAvailable() {
		return true;
	}

	@Override
	public Device create(Options options) {
		return RecordingDevice.of(new CpuDeviceProvider().create(options), (site) -> {
			WAITED.add(site);
			return IGNORED.contains(site);
		});
	}

}
