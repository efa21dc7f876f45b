package io.github.flashspring.engine.residency;

import java.nio.file.Path;
import java.util.List;
import java.util.Objects;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import io.github.flashspring.engine.device.Buffer;
import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.device.DeviceProvider;
import io.github.flashspring.engine.device.RecordingDevice;
import io.github.flashspring.engine.device.Tensor;
import io.github.flashspring.engine.device.cpu.CpuDeviceProvider;
import io.github.flashspring.engine.weights.Block;
import io.github.flashspring.engine.weights.WeightGroup.Kind;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

/**
 * Memory of the expert cache on a device that computes late.
 */
class ExpertCacheFenceTests {

	private static Block block(int index, long bytes) {
		return new Block(index, index, Kind.EXPERT, List.of(),
				List.of(new Block.Extent(Path.of("/model.safetensors"), index * bytes, bytes, 0)), bytes);
	}

	@ParameterizedTest
	@ValueSource(booleans = { true, false })
	void memoryOfAnotherSizeIsClosedBehindItsLastUse(boolean waits) {
		Device device = RecordingDevice.of(new CpuDeviceProvider().create(new DeviceProvider.Options(1)),
				(site) -> !waits && site.equals("ExpertCache$Slot.close"));
		ExpertCache cache = new ExpertCache(device, 2, new ExpertRanking.Measured(2), (read) -> {
		});
		cache.resize(4096);
		Buffer activations = device.allocate(4096);
		CachedRead small = Objects.requireNonNull(cache.admit(block(0, 4000), 1, (other) -> true));
		small.begin(0);
		small.memory().fill((byte) 0);
		small.written(device, small.slot().buffer());
		device.copy(Tensor.floats(activations, 0, 1, 1000), Tensor.floats(small.slot().buffer(), 0, 1, 1000));
		small.slot().usedUntil(device.commit());
		Throwable failure = catchThrowable(() -> cache.admit(block(1, 4096), 1, (other) -> true));
		if (waits) {
			assertThat(failure).isNull();
			float[] copied = new float[1000];
			device.read(Tensor.floats(activations, 0, 1, 1000), copied);
			assertThat(copied).containsOnly(0f);
		}
		else {
			assertThat(failure).hasMessageContaining("closed while recorded work uses them");
		}
	}

}
