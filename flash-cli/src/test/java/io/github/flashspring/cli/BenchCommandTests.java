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
 * Tests for {@code flash bench} on a model of a few hundred kilobytes.
 */
class BenchCommandTests {

	@TempDir
	static Path folder;

	@BeforeAll
	static void synthesize() {
		List<String> args = new ArrayList<>(List.of("synthesize", "--format", "mlx-4bit", "--out", folder.toString()));
		args.addAll(SynthesizeCommandTests.SHAPE);
		assertThat(Call.of(FlashEngine::load, args.toArray(String[]::new)).code()).isZero();
	}

	private static Call bench(String options) {
		List<String> args = new ArrayList<>(List.of("bench", "--model", folder.toString()));
		args.addAll(List.of(options.split(" ")));
		return Call.of(FlashEngine::load, args.toArray(String[]::new));
	}

	@Test
	void figuresAreConsistent() {
		Call call = bench("--prompt 24 --tokens 12 --rounds 3 --threads 1 --json");
		assertThat(call.code()).isZero();
		assertThat(call.err()).contains("round 3: memory", "decode", "of the memory rate");
		JsonNode report = JsonMapper.shared().readTree(call.out());
		JsonNode model = report.path("model");
		assertThat(model.path("precision").stringValue()).isEqualTo("affine, 4 bits, groups of 64");
		assertThat(model.path("threads").intValue()).isEqualTo(1);
		// two layers of 147,456 and a head of 40,960 weights of 4.5 bits, five norms
		long weights = (2 * 147_456 + 40_960) * 9L / 16 + 5 * 128 * 2;
		assertThat(model.path("weightBytesPerToken").longValue()).isEqualTo(weights);
		assertThat(report.path("rounds").size()).isEqualTo(3);
		for (JsonNode round : report.path("rounds")) {
			assertThat(round.path("smallPages").doubleValue()).isGreaterThan(1e8);
			assertThat(round.path("memoryBytesPerSecond").doubleValue()).isLessThan(1e13)
				.isEqualTo(Math.max(round.path("smallPages").doubleValue(), round.path("hugePages").doubleValue()));
			assertThat(round.path("prefillTokensPerSecond").doubleValue()).isPositive();
			assertThat(round.path("decodeTokensPerSecond").doubleValue()).isPositive();
		}
		JsonNode median = report.path("median");
		assertThat(median.path("decodeTokensPerSecond").doubleValue()).isEqualTo(report.path("rounds")
			.valueStream()
			.mapToDouble((round) -> round.path("decodeTokensPerSecond").doubleValue())
			.sorted()
			.skip(1)
			.findFirst()
			.orElseThrow());
		double rate = median.path("decodeTokensPerSecond").doubleValue() * weights;
		assertThat(median.path("weightBytesPerSecond").doubleValue()).isCloseTo(rate, within(rate * 1e-9));
		assertThat(median.path("shareOfMemoryRate").doubleValue())
			.isCloseTo(rate / median.path("memoryBytesPerSecond").doubleValue(), within(1e-9));
	}

	@Test
	void theTableIsForPeople() {
		Call call = bench("--prompt 5 --tokens 3 --rounds 1");
		assertThat(call.code()).isZero();
		assertThat(call.out().lines()).hasSize(5)
			.last()
			.asString()
			.matches("decode \\d+\\.\\d\\d tokens/s, \\d+\\.\\d\\d GB/s of weights, \\d+\\.\\d\\d of the memory rate");
		assertThat(call.out()).startsWith("affine, 4 bits, groups of 64, llama, ");
	}

	@ParameterizedTest
	@CsvSource(delimiter = '|', quoteCharacter = '"',
			value = { "--rounds 0 | --prompt and --rounds must be at least 1", "--tokens 1 | --tokens at least 2",
					"--prompt 2147483647 | integer overflow", "--threads 5000 | threads must be 0 to 1024, but is 5000",
					"--rounds x | 'x' is not an int" })
	void wrongOptionsAreRefused(String options, String message) {
		Call call = bench(options);
		assertThat(call.err()).startsWith("flash bench: ").contains(message);
		assertThat(call.code()).isEqualTo(2);
	}

	@Test
	void aModelThatIsNotThereIsAFailure() {
		Call call = Call.of(FlashEngine::load, "bench", "--model", "/no/such/model");
		assertThat(call.code()).isEqualTo(1);
		assertThat(call.err()).contains("There is no model folder '/no/such/model'");
	}

}
