package io.github.flashspring.engine;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import io.github.flashspring.engine.device.RecordingDeviceProvider;

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

	/** Whoever waits besides these needs a test that fails without it. */
	@Test
	void allWaitsAreKnown() throws Exception {
		RecordingDeviceProvider.WAITED.clear();
		RecordedModelTests.requireSameBits(Golden.load("golden-variants/qwen3_moe-mlx-mixed"));
		RecordedModelTests.requireSameBits(Golden.load("golden/nemotron_h"));
		assertThat(RecordingDeviceProvider.WAITED).isSubsetOf("BlockReader.read", "TokenEmbedding.some",
				"ExpertCache$Slot.close", "ComputeTimes.endPass", "StatePool.copy");
	}

}
