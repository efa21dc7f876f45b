package io.github.flashspring.engine;

import java.util.Comparator;
import java.util.List;
import java.util.ServiceLoader;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.device.DeviceException;
import io.github.flashspring.engine.device.DeviceProvider;

/**
 * Finds the device to compute on.
 */
public final class Devices {

	private Devices() {
	}

	/**
	 * Opens a device.
	 * @param name such as {@code cpu}, or null for the best that is available
	 * @param threads threads that compute; 0: one per processor
	 * @return the device; the caller closes it
	 * @throws DeviceException if there is no such device, or it is not available
	 */
	public static Device open(@Nullable String name, int threads) {
		List<DeviceProvider> providers = ServiceLoader.load(DeviceProvider.class, Devices.class.getClassLoader())
			.stream()
			.map(ServiceLoader.Provider::get)
			.sorted(Comparator.comparingInt(DeviceProvider::preference).reversed())
			.toList();
		DeviceProvider provider = providers.stream()
			.filter((candidate) -> (name != null) ? candidate.name().equals(name) : candidate.isAvailable())
			.findFirst()
			.orElseThrow(() -> new DeviceException("There is no device \"%s\"; known are %s"
				.formatted((name != null) ? name : "any", providers.stream().map(DeviceProvider::name).toList())));
		if (!provider.isAvailable()) {
			throw new DeviceException("The device \"" + name + "\" is not available on this machine");
		}
		if (provider.name().equals("cpu")) {
			JvmOptions.check();
		}
		return provider.create(new DeviceProvider.Options(threads));
	}

}
