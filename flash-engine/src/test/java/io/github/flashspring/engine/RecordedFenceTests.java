package io.github.flashspring.engine;

import java.util.Objects;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import io.github.flashspring.engine.cache.KvCache;
import io.github.flashspring.engine.cache.LayerGroups;
import io.github.flashspring.engine.cache.SequenceMemory;
import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.device.DeviceProvider;
import io.github.flashspring.engine.device.KvPages;
import io.github.flashspring.engine.device.RaggedBatch;
import io.github.flashspring.engine.device.RecordingDeviceProvider;
import io.github.flashspring.engine.device.Tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

/**
 * Waits for fences: without any one of them a device that computes late fails or computes
 * something else.
 */
class RecordedFenceTests {

	@AfterEach
	void waitAgain() {
		RecordingDeviceProvider.IGNORED.clear();
	}

	@ParameterizedTest
	@CsvSource({ "BlockReader.read, golden/llama", "BlockReader.read, golden/qwen3_moe",
			"TokenEmbedding.some, golden/llama" })
	void modelsFailWithoutAWait(String site, String model) throws Exception {
		Golden golden = Golden.load(model);
		RecordingDeviceProvider.IGNORED.add(site);
		assertThat(catchThrowable(() -> RecordedModelTests.requireSameBits(golden))).as("without %s", site).isNotNull();
	}

	@ParameterizedTest
	@ValueSource(booleans = { true, false })
	void copiesOfAbandonedPassesAreFreedBehindTheirLastUse(boolean waits) {
		if (!waits) {
			RecordingDeviceProvider.IGNORED.add("Prefixes.freeSnapshot");
		}
		Throwable failure = catchThrowable(RecordedFenceTests::abandonAPass);
		assertThat(failure == null).as("%s", failure).isEqualTo(waits);
	}

	/** A copy of a state that is recorded and not computed when its sequence ends. */
	private static void abandonAPass() {
		KvPages.Layout layout = new KvPages.Layout(KvPages.TOKENS, 1, 2, 2);
		int floats = 8;
		try (Device device = new RecordingDeviceProvider().create(new DeviceProvider.Options(1));
				KvCache cache = new KvCache(device, layout, LayerGroups.full(1), 64, floats, 1)) {
			cache.prefixes().keep(1 << 16, 1 << 16);
			SequenceMemory memory = cache.open().orElseThrow();
			assertThat(memory.reserve(20)).isTrue();
			RaggedBatch.Span span = memory.spans(0, 20, 21, false).getFirst();
			Tensor state = Tensor.floats(Objects.requireNonNull(span.state()), 0, 1, floats);
			device.write(state, new float[floats]);
			device.copy(Tensor.floats(Objects.requireNonNull(span.snapshot()), 0, 1, floats), state);
			memory.close();
			device.commit().await();
		}
	}

	/** Whoever waits besides these needs a test that fails without it. */
	@Test
	void allWaitsAreKnown() throws Exception {
		RecordingDeviceProvider.WAITED.clear();
		RecordedModelTests.requireSameBits(Golden.load("golden-variants/qwen3_moe-mlx-mixed"));
		RecordedModelTests.requireSameBits(Golden.load("golden/nemotron_h"));
		assertThat(RecordingDeviceProvider.WAITED).isSubsetOf("BlockReader.read", "TokenEmbedding.some",
				"ExpertCache$Slot.close", "ComputeTimes.endPass", "StatePool.copy", "Prefixes.freeSnapshot");
	}

}
