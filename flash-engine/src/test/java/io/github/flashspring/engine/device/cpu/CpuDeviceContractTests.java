package io.github.flashspring.engine.device.cpu;

import org.junit.jupiter.api.Nested;

import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.device.DeviceContract;
import io.github.flashspring.engine.device.DeviceLayerContract;

/**
 * The CPU is a device, with vector kernels and with portable ones.
 */
class CpuDeviceContractTests {

	@Nested
	class VectorOperations extends DeviceContract {

		@Override
		protected Device open() {
			return new CpuDevice(new VectorKernels(), 2);
		}

	}

	@Nested
	class VectorLayers extends DeviceLayerContract {

		@Override
		protected Device open() {
			return new CpuDevice(new VectorKernels(), 3);
		}

	}

	@Nested
	class PortableOperations extends DeviceContract {

		@Override
		protected Device open() {
			return new CpuDevice(new PortableKernels(), 1);
		}

	}

	@Nested
	class PortableLayers extends DeviceLayerContract {

		@Override
		protected Device open() {
			return new CpuDevice(new PortableKernels(), 2);
		}

	}

}
