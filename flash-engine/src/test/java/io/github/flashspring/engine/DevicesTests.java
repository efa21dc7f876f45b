package io.github.flashspring.engine;

import java.util.List;

import org.junit.jupiter.api.Test;

import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.device.DeviceException;
import io.github.flashspring.engine.device.DeviceProvider;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/**
 * Tests for {@link Devices}.
 */
class DevicesTests {

	private static final DeviceProvider CPU = new Provider("cpu", 0, Presence.AVAILABLE);

	private static final DeviceProvider METAL = new Provider("metal", 100, Presence.AVAILABLE);

	private static final DeviceProvider CUDA = new Provider("cuda", 200, Presence.MISSING);

	@Test
	void availableDeviceOfHighestPreferenceIsChosen() {
		assertThat(Devices.choose(List.of(CPU, METAL, CUDA), null)).isSameAs(METAL);
		assertThat(Devices.choose(List.of(CUDA, CPU), null)).isSameAs(CPU);
	}

	@Test
	void namedDeviceIsChosenWhateverItsPreference() {
		assertThat(Devices.choose(List.of(CPU, METAL), "cpu")).isSameAs(CPU);
	}

	@Test
	void unavailableOrUnknownDeviceIsRefused() {
		assertThatExceptionOfType(DeviceException.class).isThrownBy(() -> Devices.choose(List.of(CPU, CUDA), "cuda"))
			.withMessage("The device 'cuda' is not available on this machine.");
		assertThatExceptionOfType(DeviceException.class).isThrownBy(() -> Devices.choose(List.of(METAL, CPU), "npu"))
			.withMessage("Unknown device 'npu'; known are [cpu, metal].");
		assertThatExceptionOfType(DeviceException.class).isThrownBy(() -> Devices.choose(List.of(CUDA), null))
			.withMessageContaining("No device is available");
	}

	private enum Presence {

		AVAILABLE, MISSING

	}

	private record Provider(String name, int preference, Presence presence) implements DeviceProvider {

		@Override
		public boolean isAvailable() {
			return this.presence == Presence.AVAILABLE;
		}

		@Override
		public Device create(Options options) {
			throw new UnsupportedOperationException();
		}

	}

}
