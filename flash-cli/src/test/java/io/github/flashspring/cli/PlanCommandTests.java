package io.github.flashspring.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import io.github.flashspring.engine.FlashEngine;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Tests for {@code flash plan} on a model of three megabytes.
 */
class PlanCommandTests {

	@TempDir
	static Path folder;

	@BeforeAll
	static void synthesize() {
		Call call = Call.of(FlashEngine::load, "synthesize", "--format", "mlx-4bit", "--out", folder.toString(),
				"--layers", "8", "--hidden", "256", "--mlp", "512", "--heads", "4", "--kv-heads", "2", "--vocabulary",
				"1000");
		assertThat(call.code()).isZero();
	}

	private static Call plan(String... options) {
		List<String> args = new ArrayList<>(
				List.of("plan", "--model", folder.toString(), "--context", "64", "--threads", "1"));
		args.addAll(List.of(options));
		return Call.of(FlashEngine::load, args.toArray(String[]::new));
	}

	private static JsonNode json(String... options) {
		List<String> args = new ArrayList<>(List.of(options));
		args.add("--json");
		Call call = plan(args.toArray(String[]::new));
		assertThat(call.err()).isEmpty();
		assertThat(call.code()).isZero();
		return JsonMapper.shared().readTree(call.out());
	}

	@Test
	void figuresAddUp() {
		JsonNode plan = json("--ram", "2500KB");
		long sum = 0;
		for (String part : List.of("pinnedBytes", "windowBytes", "kvBytes", "workBytes", "tokenizerBytes",
				"heapBytes")) {
			sum += plan.path(part).longValue();
		}
		assertThat(plan.path("plannedBytes").longValue()).isEqualTo(sum).isLessThanOrEqualTo(2500 << 10);
		assertThat(plan.path("budgetBytes").longValue()).isEqualTo(2500 << 10);
		assertThat(plan.path("minimumBytes").longValue()).isBetween(1L, sum);
		assertThat(plan.path("contextLength").intValue()).isEqualTo(64);
		long streamed = plan.path("units")
			.valueStream()
			.mapToLong((unit) -> unit.path("streamedBytes").longValue())
			.sum();
		assertThat(plan.path("streamedBytesPerToken").longValue()).isEqualTo(streamed).isPositive();
		assertThat(plan.path("units").valueStream().map((unit) -> unit.path("name").stringValue())).contains("layers.0",
				"layers.7");
		assertThat(plan.path("reads").path("readsInFlight").intValue()).isPositive();
	}

	@Test
	void keysAndValuesArePlannedInTheirPrecision() {
		long exact = json("--ram", "unlimited").path("kvBytes").longValue();
		assertThat(exact).isPositive();
		assertThat(json("--ram", "unlimited", "--kv", "f16").path("kvBytes").longValue()).isEqualTo(exact / 2);
		Call refused = plan("--kv-quant", "4");
		assertThat(refused.code()).isEqualTo(2);
		assertThat(refused.err()).contains("kv.bits must be 8");
	}

	@Test
	void withoutABudgetNothingIsRead() {
		JsonNode plan = json();
		assertThat(plan.path("budgetBytes").isNull()).isTrue();
		assertThat(plan.path("streamedBytesPerToken").longValue()).isZero();
		assertThat(plan.path("reads").isNull()).isTrue();
		assertThat(plan.path("limitTokensPerSecond").isNull()).isTrue();
		assertThat(plan.path("pinnedBytes").longValue()).isEqualTo(plan.path("weightBytes").longValue());
	}

	@Test
	void theTableIsForPeople() {
		Call call = plan("--ram", "min");
		assertThat(call.code()).isZero();
		assertThat(call.out()).containsPattern("(?m)^budget +\\d")
			.containsPattern("(?m)^weights in memory +\\d")
			.containsPattern("(?m)^read in each pass +\\d")
			.containsPattern("(?m)^layers\\.7 +\\d");
	}

	@Test
	void aBudgetThatIsTooSmallIsRefusedWithArithmetic() {
		Call call = plan("--ram", "50KB");
		assertThat(call.code()).isEqualTo(1);
		assertThat(call.err()).startsWith("flash plan: ").contains("50.0 KB", "at least");
	}

	@Test
	void severalBudgetsAreCompared() {
		Call call = plan("--ram", "unlimited,min,60%,50KB");
		assertThat(call.code()).isZero();
		assertThat(call.out()).containsPattern("(?m)^keys and values +[0-9.]+ MB per 1,000 tokens")
			.containsPattern("(?m)^unlimited .* \\(100 %\\) +0 B  (as compute allows|[0-9.]+, bound by compute)")
			.containsPattern("(?m)^min +[0-9.]+ KB")
			.containsPattern("(?m)^60% +")
			.containsPattern("(?m)^50.0 KB +too small: needs at least [0-9.]+ KB");
		JsonNode several = json("--ram", "2500KB,min");
		assertThat(several.path("plans")).hasSize(2);
		assertThat(several.path("plans").get(0).path("plan")).isEqualTo(json("--ram", "2500KB"));
		assertThat(several.path("kvBytesPerThousandTokens").longValue()).isPositive();
	}

	@Test
	void modelMayStandWithoutItsOption() {
		assertThat(Call.of(FlashEngine::load, "plan", folder.toString(), "--ram", "min", "--context", "64").code())
			.isZero();
		Call none = Call.of(FlashEngine::load, "plan", "--ram", "min");
		assertThat(none.code()).isEqualTo(2);
		assertThat(none.err()).contains("A model is missing.");
	}

	@Test
	void wrongOptionsAreRefused() {
		Call call = plan("--chunk", "-1");
		assertThat(call.code()).isEqualTo(2);
		assertThat(call.err()).contains("prefill-chunk must be 0 to 65536, but is -1");
	}

}
