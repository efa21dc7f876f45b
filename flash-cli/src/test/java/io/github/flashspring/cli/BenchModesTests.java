package io.github.flashspring.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import io.github.flashspring.engine.FlashEngine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

/**
 * Tests for measurements of {@code flash bench} beyond budgets: threads, positions and
 * first answers.
 */
class BenchModesTests {

	/** Two layers and a head of weights of 4.5 bits, 5 norms in BF16. */
	private static final long PER_TOKEN = (2 * (3 * 128 * 128 + 3 * 256 * 128) + 1000 * 128) * 9L / 16 + 5 * 128 * 2;

	@TempDir
	static Path folder;

	@BeforeAll
	static void synthesize() {
		assertThat(Call
			.of(FlashEngine::load, "synthesize", "--out", folder.toString(), "--layers", "2", "--hidden", "128",
					"--mlp", "256", "--heads", "4", "--kv-heads", "2", "--vocabulary", "1000")
			.code()).isZero();
	}

	private static Call bench(String options) {
		List<String> args = new ArrayList<>(List.of("bench", "--model", folder.toString()));
		args.addAll(List.of(options.split(" ")));
		return Call.of(FlashEngine::load, args.toArray(String[]::new));
	}

	@ParameterizedTest
	@CsvSource({ "--passkey 100, at least 128", "--passkey --load, exclude each other" })
	void passkeysThatCannotBeHiddenAreRefused(String options, String message) {
		Call call = bench(options);
		assertThat(call.code()).isEqualTo(2);
		assertThat(call.err()).contains(message);
	}

	@Test
	void threadsAreComparedWithTheFirstNumber() {
		Call call = bench("--threads 1,2 --rounds 3 --prompt 16 --tokens 8 --json");
		assertThat(call.code()).as(call.err()).isZero();
		assertThat(call.err()).containsPattern("(?m)^threads +position +prefill +decode t/s")
			.contains("round 3, 2 threads", "medians of 3; at position 0 prefill is that of 16 tokens");
		JsonNode report = JsonMapper.shared().readTree(call.out());
		assertThat(report.path("rounds").intValue()).isEqualTo(3);
		JsonNode one = report.path("results").path(0);
		JsonNode two = report.path("results").path(1);
		assertThat(report.path("results").size()).isEqualTo(2);
		assertThat(one.path("threads").intValue()).isEqualTo(1);
		assertThat(one.path("shareOfLinear").isNull()).isTrue();
		assertThat(one.path("prefillTokensPerSecond").doubleValue()).isPositive();
		assertThat(two.path("threads").intValue()).isEqualTo(2);
		double linear = two.path("decodeTokensPerSecond").doubleValue()
				/ one.path("decodeTokensPerSecond").doubleValue() / 2;
		assertThat(two.path("shareOfLinear").doubleValue()).isCloseTo(linear, within(1e-9));
	}

	@Test
	void positionsTellTheShareOfAttention() {
		Call call = bench("--threads 1 --positions 32,200 --rounds 1 --prompt 8 --tokens 6 --json");
		assertThat(call.code()).as(call.err()).isZero();
		JsonNode results = JsonMapper.shared().readTree(call.out()).path("results");
		assertThat(results.valueStream().map((result) -> result.path("position").intValue())).containsExactly(0, 32,
				200);
		double start = results.path(0).path("decodeTokensPerSecond").doubleValue();
		assertThat(results.path(0).path("attentionShare").isNull()).isTrue();
		for (int i = 1; i < 3; i++) {
			JsonNode result = results.path(i);
			double rate = result.path("decodeTokensPerSecond").doubleValue();
			assertThat(result.path("attentionShare").doubleValue()).isCloseTo(1 - rate / start, within(1e-9));
			assertThat(result.path("prefillTokensPerSecond").doubleValue()).isPositive();
			double share = rate * PER_TOKEN / result.path("memoryBytesPerSecond").doubleValue();
			assertThat(result.path("shareOfMemoryRate").doubleValue()).isCloseTo(share, within(share * 1e-9));
		}
	}

	@Test
	void clientsAreComparedWithOne() {
		Call call = bench("--clients 1,3 --budgets all,310kb --rounds 1 --tokens 6 --threads 1 --json");
		assertThat(call.code()).as(call.err()).isZero();
		assertThat(call.err()).containsPattern("(?m)^budget +clients +together +each +slowest +of one");
		JsonNode results = JsonMapper.shared().readTree(call.out()).path("results");
		assertThat(results.valueStream().map((result) -> result.path("budget").stringValue())).containsExactly("all",
				"all", "310kb", "310kb");
		assertThat(results.valueStream().map((result) -> result.path("clients").intValue())).containsExactly(1, 3, 1,
				3);
		for (JsonNode result : results) {
			assertThat(result.path("tokensPerSecond").doubleValue()).isPositive();
			assertThat(result.path("slowestTokensPerSecond").doubleValue())
				.isLessThanOrEqualTo(result.path("tokensPerSecondEach").doubleValue());
		}
		assertThat(results.path(0).path("ofOne").doubleValue()).isEqualTo(1);
		assertThat(results.path(1).path("ofOne").doubleValue())
			.isCloseTo(results.path(1).path("tokensPerSecond").doubleValue()
					/ results.path(0).path("tokensPerSecond").doubleValue(), within(1e-9));
	}

	@Test
	void firstAnswersComeFromFreshJvms() {
		Call call = bench("--first-answer --rounds 1 --threads 1 --json");
		assertThat(call.code()).as(call.err()).isZero();
		assertThat(call.err()).containsPattern("(?m)^first token +\\d+\\.\\d\\ds +\\d+\\.\\d\\ds$")
			.containsPattern("tokens 1 to 200: \\d+\\.\\d\\d tokens/s, 200 to 400: ");
		JsonNode report = JsonMapper.shared().readTree(call.out());
		assertThat(report.path("rounds").size()).isEqualTo(1);
		JsonNode median = report.path("median");
		assertThat(median).isEqualTo(report.path("rounds").path(0));
		double first = median.path("firstTokenSeconds").doubleValue();
		double eighth = median.path("eighthTokenSeconds").doubleValue();
		assertThat(first).as("a JVM alone takes longer to start").isBetween(0.05, eighth);
		assertThat(median.path("processSeconds").doubleValue()).isGreaterThan(eighth);
		double firstCpu = median.path("firstTokenCpuSeconds").doubleValue();
		assertThat(firstCpu).isPositive();
		assertThat(median.path("eighthTokenCpuSeconds").doubleValue()).isBetween(firstCpu,
				median.path("processCpuSeconds").doubleValue());
		assertThat(median.path("earlyOverLater").doubleValue()).isCloseTo(
				median.path("earlyTokensPerSecond").doubleValue() / median.path("laterTokensPerSecond").doubleValue(),
				within(1e-9));
	}

	@Test
	void aFreshJvmThatFailsIsAFailure() {
		Call call = bench("--first-answer --rounds 1 --device quantum");
		assertThat(call.code()).isEqualTo(1);
		assertThat(call.err()).contains("The fresh JVM ended with exit code 1");
	}

	@ParameterizedTest
	@CsvSource(delimiter = '|', quoteCharacter = '"', value = {
			"--positions 0 | --positions must be at least 1, but are [0]",
			"--positions 5 --load | --load and --positions exclude each other",
			"--clients 0,2 | --clients must be 1 to 1024, but are [0, 2]", "--clients 2 --load | exclude each other",
			"--first-answer --threads 1,2 | take one number of --threads",
			"--threads 1,5000 | threads must be 0 to 1024, but is 5000",
			"--kernels --threads -1 | threads must be 0 to 1024, but is -1", "--threads 1,x | 'x' is not an int" })
	void wrongOptionsAreRefused(String options, String message) {
		Call call = bench(options);
		assertThat(call.err()).startsWith("flash bench: ").contains(message);
		assertThat(call.code()).isEqualTo(2);
	}

}
