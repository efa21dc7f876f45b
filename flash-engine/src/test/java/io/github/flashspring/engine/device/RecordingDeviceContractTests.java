package io.github.flashspring.engine.device;

import org.junit.jupiter.api.Nested;

import io.github.flashspring.engine.device.cpu.CpuDeviceProvider;

/**
 * The recording device is a device.
 */
class RecordingDeviceContractTests {

	private static Device recording() {
		CpuDeviceProvider provider = new CpuDeviceProvider();
		DeviceProvider.Options options = new DeviceProvider.Options(2);
		return RecordingDevice.checked(provider.create(options), provider.create(options));
	}

	@Nested
	class Operations extends DeviceContract {

		@Override
		protected Device open() {
			return recording();
		}

	}

	@Nested
	class Layers extends DeviceLayerContract {

		@Override
		protected Device open() {
			return recording();
		}

	}

}
