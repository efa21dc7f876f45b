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
			.toList();
		return choose(providers, name).create(new DeviceProvider.Options(threads));
	}

	/**
	 * Chooses a provider: the one of the name, otherwise the available one with the
	 * highest preference.
	 * @param providers all that were found
	 * @param name of the device, or null
	 * @return the provider
	 */
	static DeviceProvider choose(List<DeviceProvider> providers, @Nullable String name) {
		if (name == null) {
			return providers.stream()
				.filter(DeviceProvider::isAvailable)
				.max(Comparator.comparingInt(DeviceProvider::preference))
				.orElseThrow(() -> new DeviceException(
						"No device is available on this machine; known are " + names(providers) + "."));
		}
		DeviceProvider provider = providers.stream()
			.filter((candidate) -> candidate.name().equals(name))
			.findFirst()
			.orElseThrow(
					() -> new DeviceException("Unknown device '" + name + "'; known are " + names(providers) + "."));
		if (!provider.isAvailable()) {
			throw new DeviceException("The device '" + name + "' is not available on this machine.");
		}
		return provider;
	}

	private static List<String> names(List<DeviceProvider> providers) {
		return providers.stream().map(DeviceProvider::name).sorted().toList();
	}

}
