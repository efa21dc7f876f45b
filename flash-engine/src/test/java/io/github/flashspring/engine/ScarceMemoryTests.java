package io.github.flashspring.engine;

import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import io.github.flashspring.engine.device.DeviceException;
import io.github.flashspring.engine.generate.FinishReason;
import io.github.flashspring.engine.generate.Sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/**
 * What happens when there is no memory for the keys and values of a request.
 */
@Timeout(60)
class ScarceMemoryTests {

	private static final int CONTEXT = 256;

	@AfterEach
	void release() {
		ScarceMemoryProvider.ALLOCATIONS.set(Integer.MAX_VALUE);
	}

	private static FlashEngine load(String device) throws Exception {
		return FlashEngine.load(FlashConfig.builder(Golden.path("models/stories260K/bf16").toString())
			.device(device)
			.threads(2)
			.contextLength(CONTEXT)
			.parallel(2)
			.build());
	}

	private static GenerationRequest request(int maxTokens) {
		return new GenerationRequest(new GenerationRequest.Tokens(new int[] { 1, 403, 407, 261, 378 }), Sampling.GREEDY,
				maxTokens, List.of(), true);
	}

	/** Waits until the generation that nobody reads needs no further memory. */
	private static void awaitPassesToStop(FlashEngine engine) throws InterruptedException {
		long before = -1;
		long passes = engine.snapshot().work().passes();
		while (passes != before) {
			TimeUnit.MILLISECONDS.sleep(50);
			before = passes;
			passes = engine.snapshot().work().passes();
		}
	}

	@Test
	void onlyTheRequestWithoutMemoryFails() throws Exception {
		int[] expected;
		try (FlashEngine engine = load("cpu")) {
			expected = Golden.finish(engine.generate(request(CONTEXT))).tokens();
		}
		try (FlashEngine engine = load(ScarceMemoryProvider.NAME)) {
			Generation before = engine.generate(request(100));
			assertThat(before.next()).isInstanceOf(GenerationEvent.Text.class);
			awaitPassesToStop(engine);
			for (int allowed = 0; allowed < 3; allowed++) {
				ScarceMemoryProvider.ALLOCATIONS.set(allowed);
				Generation without = engine.generate(request(CONTEXT));
				assertThatExceptionOfType(DeviceException.class).isThrownBy(() -> Golden.finish(without))
					.withMessageContainingAll("no memory for the keys and values", "No memory is left");
			}
			ScarceMemoryProvider.ALLOCATIONS.set(Integer.MAX_VALUE);
			// the first one, which waits for its reader, has given its memory up; all of
			// it
			// and of the failed ones must have come back
			assertThat(Golden.finish(engine.generate(request(CONTEXT))).tokens()).isEqualTo(expected);
			GenerationEvent.Finished finished = Golden.finish(before);
			assertThat(finished.reason()).isEqualTo(FinishReason.LENGTH);
			assertThat(finished.tokens()).isEqualTo(Arrays.copyOf(expected, 100));
		}
	}

}
