package io.github.flashspring.cli;

import java.util.ArrayList;
import java.util.List;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import io.github.flashspring.engine.FlashEngine;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Tests for {@code flash bench --kernels}.
 */
class BenchKernelsTests {

	private static Call kernels(String options) {
		List<String> args = new ArrayList<>(List.of("bench", "--kernels"));
		args.addAll(List.of(options.split(" ")));
		return Call.of(FlashEngine::load, args.toArray(String[]::new));
	}

	@Test
	void everyFormatIsMeasuredInItsWidths() {
		Call call = kernels("--formats f32,f16,bf16,1bit,2bit,3bit-g32,4bit-g64-f32,5bit-g64-f16,6bit,8bit-g128,mxfp4,"
				+ "mxfp8,nvfp4,fp8 --widths 64,128,2880 --rows 1,3 --rounds 2 --seconds 0.05 --threads 1,2 --json");
		assertThat(call.code()).as(call.err()).isZero();
		JsonNode results = JsonMapper.shared().readTree(call.out()).path("results");
		assertThat(results.size()).isEqualTo(14 * 2 * 2);
		for (JsonNode result : results) {
			JsonNode rates = result.path("weightsPerSecond");
			boolean wideGroups = result.path("format").asString().equals("8bit-g128");
			assertThat(rates.propertyNames())
				.containsExactlyElementsOf(wideGroups ? List.of("128") : List.of("64", "128", "2880"));
			double[] sorted = rates.valueStream().mapToDouble(JsonNode::doubleValue).sorted().toArray();
			assertThat(sorted[0]).isPositive();
			assertThat(rates.path(result.path("slowestWidth").asString()).doubleValue()).isEqualTo(sorted[0]);
			assertThat(rates.path(result.path("fastestWidth").asString()).doubleValue())
				.isEqualTo(sorted[sorted.length - 1]);
			assertThat(result.path("slowestOverFastest").doubleValue())
				.isEqualTo(sorted[0] / sorted[sorted.length - 1]);
		}
		assertThat(call.err()).containsPattern("(?m)^billion/s +threads +rows +64 +128 +2880 +slowest/fastest$")
			.containsPattern("(?m)^8bit-g128 +2 +3 +- +\\d+\\.\\d+ +-  1\\.00 \\(128/128\\)$");
	}

	@ParameterizedTest
	@CsvSource(delimiter = '|', quoteCharacter = '"',
			value = { "--formats 7bit | '7bit' is not a format. Expected f32, f16, bf16",
					"--widths 0 | --widths must be 1 to 131072, but is 0",
					"--rows 5000 | --rows must be 1 to 4096, but is 5000", "--load | exclude each other" })
	void wrongOptionsAreRefused(String options, String message) {
		Call call = kernels(options);
		assertThat(call.err()).startsWith("flash bench: ").contains(message);
		assertThat(call.code()).isEqualTo(2);
	}

	@Test
	void otherMeasurementsNeedAModel() {
		Call call = Call.of(FlashEngine::load, "bench", "--rounds", "1");
		assertThat(call.err()).startsWith("flash bench: Missing required option: '--model=DIR_OR_ID'");
		assertThat(call.code()).isEqualTo(2);
	}

}
