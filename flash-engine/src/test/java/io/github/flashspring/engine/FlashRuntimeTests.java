package io.github.flashspring.engine;

import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

import org.junit.jupiter.api.Test;

import io.github.flashspring.engine.memory.BudgetExceededException;
import io.github.flashspring.engine.memory.RamBudget;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

/**
 * Several engines on one {@link FlashRuntime}.
 */
class FlashRuntimeTests {

	private static final Golden LLAMA = golden("golden/llama");

	private static final Golden QWEN = golden("golden/qwen3_moe");

	private static final long BUDGET = 1_500_000;

	@Test
	void enginesComputeTheSameLogitsTogetherAsAlone() throws Exception {
		List<float[]> llama = alone(LLAMA);
		List<float[]> qwen = alone(QWEN);
		try (FlashRuntime runtime = FlashRuntime.open("cpu", 2, RamBudget.ofBytes(BUDGET));
				FlashEngine first = runtime.load(config(LLAMA));
				FlashEngine second = runtime.load(config(QWEN));
				ExecutorService threads = Executors.newFixedThreadPool(2)) {
			for (int i = 0; i < 10; i++) {
				Future<List<float[]>> one = threads.submit(() -> Golden.logits(first, LLAMA.prompt()));
				Future<List<float[]>> two = threads.submit(() -> Golden.logits(second, QWEN.prompt()));
				assertThat(one.get()).containsExactlyElementsOf(llama);
				assertThat(two.get()).containsExactlyElementsOf(qwen);
			}
		}
	}

	@Test
	void theBudgetIsDividedAnewWhenEnginesComeAndGo() {
		try (FlashRuntime runtime = FlashRuntime.open("cpu", 1, RamBudget.ofBytes(BUDGET));
				FlashEngine first = runtime.load(config(LLAMA))) {
			long before = first.plan().budgetBytes();
			assertThat(before).isLessThanOrEqualTo(BUDGET);
			assertThat(first.plan().streamedBytes()).isZero();
			try (FlashEngine second = runtime.load(config(QWEN))) {
				assertThat(first.plan().budgetBytes() + second.plan().budgetBytes()).isLessThanOrEqualTo(BUDGET);
				assertThat(runtime.plannedBytes()).isLessThanOrEqualTo(BUDGET);
			}
			assertThat(first.plan().budgetBytes()).isEqualTo(before);
			assertThat(Golden.logits(first, LLAMA.prompt())).containsExactlyElementsOf(alone(LLAMA));
		}
	}

	@Test
	void anEngineThatDoesNotFitLeavesTheOthersAsTheyWere() {
		try (FlashRuntime runtime = FlashRuntime.open("cpu", 1, RamBudget.ofBytes(600_000));
				FlashEngine first = runtime.load(config(LLAMA))) {
			long before = first.plan().budgetBytes();
			assertThatExceptionOfType(BudgetExceededException.class).isThrownBy(() -> runtime.load(config(QWEN)))
				.withMessageContainingAll("together", "llama", "qwen3_moe");
			assertThat(first.plan().budgetBytes()).isEqualTo(before);
			assertThat(Golden.logits(first, LLAMA.prompt())).containsExactlyElementsOf(alone(LLAMA));
		}
	}

	@Test
	void budgetsOfSingleEnginesAreRefused() {
		try (FlashRuntime runtime = FlashRuntime.open("cpu", 1, RamBudget.ofBytes(BUDGET));
				FlashEngine engine = runtime.load(config(LLAMA))) {
			assertThatExceptionOfType(UnsupportedOperationException.class)
				.isThrownBy(() -> engine.ramBudget(RamBudget.UNLIMITED))
				.withMessageContaining("runtime");
			assertThatIllegalArgumentException()
				.isThrownBy(() -> runtime
					.load(FlashConfig.builder(QWEN.folder().toString()).ramBudget(RamBudget.MINIMUM).build()))
				.withMessageContaining("ram-budget");
		}
	}

	@Test
	void enginesShareTheReadsOfTheirDisk() {
		try (FlashRuntime runtime = FlashRuntime.open("cpu", 1, RamBudget.ofBytes(BUDGET));
				FlashEngine first = runtime.load(config(LLAMA));
				FlashEngine second = runtime.load(config(QWEN))) {
			assertThat(first.plan().streamedBytes() + second.plan().streamedBytes()).isPositive();
			assertThat(runtime.disks()).singleElement()
				.satisfies((disk) -> assertThat(disk.allowed())
					.isEqualTo(Math.max(first.plan().reads().readsInFlight(), second.plan().reads().readsInFlight())));
		}
	}

	private static Golden golden(String resource) {
		try {
			return Golden.load(resource);
		}
		catch (Exception ex) {
			throw new IllegalStateException(ex);
		}
	}

	private static FlashConfig config(Golden golden) {
		return FlashConfig.builder(golden.folder().toString()).contextLength(64).warmUp(false).build();
	}

	private static List<float[]> alone(Golden golden) {
		try (FlashEngine engine = FlashEngine.load(config(golden))) {
			return Golden.logits(engine, golden.prompt());
		}
	}

}
