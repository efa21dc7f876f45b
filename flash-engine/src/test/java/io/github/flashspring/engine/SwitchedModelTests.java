package io.github.flashspring.engine;

import java.util.List;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import io.github.flashspring.engine.device.cpu.SwitchingDeviceProvider;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Logits of a pass in which kernels are compiled.
 */
class SwitchedModelTests {

	@ParameterizedTest
	@ValueSource(ints = { 1, 12, 25, 40 })
	void switchInTheMiddleOfAPassKeepsEveryLogit(int calls) throws Exception {
		requireSwitch("golden-mlx/llama-4bit-g32", calls);
	}

	@ParameterizedTest
	@ValueSource(strings = { "golden-mlx/nemotron_h-4bit-g32", "golden/mamba2", "golden/nemotron",
			"golden-mlx/gpt_oss-4bit-g32", "golden-mlx/qwen3_moe-4bit-g32" })
	void switchKeepsEveryLogitOfModelsWithOtherSteps(String name) throws Exception {
		for (int calls : new int[] { 5, 30, 60 }) {
			requireSwitch(name, calls);
		}
	}

	private static void requireSwitch(String name, int calls) throws Exception {
		Golden golden = Golden.load(name);
		List<float[]> expected;
		try (FlashEngine engine = FlashEngine.load(golden.config().device("cpu").warmUp(false).build())) {
			expected = Golden.logits(engine, golden.prompt());
		}
		try (FlashEngine engine = FlashEngine
			.load(golden.config().device(SwitchingDeviceProvider.NAME).warmUp(true).build())) {
			SwitchingDeviceProvider.CALLS.set(calls);
			List<float[]> switched = Golden.logits(engine, golden.prompt());
			assertThat(SwitchingDeviceProvider.CALLS.get()).isLessThanOrEqualTo(0);
			assertThat(switched).hasSameSizeAs(expected);
			for (int row = 0; row < expected.size(); row++) {
				assertThat(switched.get(row)).as("row %d", row).isEqualTo(expected.get(row));
			}
		}
	}

}
