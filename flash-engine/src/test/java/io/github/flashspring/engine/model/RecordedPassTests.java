package io.github.flashspring.engine.model;

import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import io.github.flashspring.engine.cache.SequenceMemory;
import io.github.flashspring.engine.device.RaggedBatch;
import io.github.flashspring.engine.device.RecordingDevice;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.catchThrowable;

/**
 * The end of passes on a device that computes late.
 */
class RecordedPassTests {

	private static final int[] TOKENS = { 1, 17, 42, 99, 3 };

	private static void forward(TestModel model, BooleanSupplier abandoned) {
		RaggedBatch batch = new RaggedBatch(TOKENS, IntStream.range(0, TOKENS.length).toArray(),
				List.of(model.memory().span(0, TOKENS.length)));
		model.model().forward(batch, model.kv(), new int[0], (logits) -> {
		}, abandoned);
	}

	@ParameterizedTest
	@ValueSource(booleans = { true, false })
	void memoryMayBeClosedBehindAPass(boolean waits) throws Exception {
		TestModel model = new TestModel(TestModel.folder("golden/llama"),
				(device) -> RecordingDevice.of(device, (site) -> !waits && site.equals("ComputeTimes.endPass")));
		forward(model, () -> false);
		Throwable failure = catchThrowable(model::close);
		if (waits) {
			assertThat(failure).isNull();
		}
		else {
			assertThat(failure).hasMessageContaining("closed while recorded work uses them");
		}
	}

	@Test
	void memoryMayBeClosedBehindAnAbandonedPass() throws Exception {
		int[] asked = { 0 };
		try (TestModel model = new TestModel(TestModel.folder("golden/llama"), RecordingDevice::of)) {
			assertThatExceptionOfType(CancellationException.class)
				.isThrownBy(() -> forward(model, () -> ++asked[0] > 2));
		}
		assertThat(asked[0]).isEqualTo(3);
	}

	@ParameterizedTest
	@ValueSource(booleans = { true, false })
	void snapshotMayBeClosedAtOnce(boolean waits) throws Exception {
		TestModel model = new TestModel(TestModel.folder("golden/mamba2"),
				(device) -> RecordingDevice.of(device, (site) -> !waits && site.equals("StatePool.copy")));
		forward(model, () -> false);
		SequenceMemory.Snapshot snapshot = model.memory().snapshot();
		model.memory().restore(snapshot);
		Throwable failure = catchThrowable(snapshot::close);
		if (waits) {
			assertThat(failure).isNull();
			model.close();
		}
		else {
			assertThat(failure).hasMessageContaining("closed while recorded work uses them");
		}
	}

}
