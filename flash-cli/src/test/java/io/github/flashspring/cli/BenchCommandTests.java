package io.github.flashspring.cli;

import java.io.IOException;
import java.nio.file.Files;
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
 * Tests for {@code flash bench} on a model of three megabytes.
 */
class BenchCommandTests {

	private static final int HEAD = 1000 * 256;

	/** Eight layers and a head of weights of 4.5 bits, 17 norms in BF16. */
	private static final long PER_TOKEN = (8 * (3 * 256 * 256 + 3 * 512 * 256) + HEAD) * 9L / 16 + 17 * 256 * 2;

	/** With the embedding. */
	private static final long WEIGHTS = PER_TOKEN + HEAD * 9L / 16;

	@TempDir
	static Path folder;

	@BeforeAll
	static void synthesize() {
		List<String> args = new ArrayList<>(List.of("synthesize", "--format", "mlx-4bit", "--out", folder.toString()));
		args.addAll(List.of("--layers", "8", "--hidden", "256", "--mlp", "512", "--heads", "4", "--kv-heads", "2",
				"--vocabulary", "1000"));
		assertThat(Call.of(FlashEngine::load, args.toArray(String[]::new)).code()).isZero();
	}

	private static Call bench(String options) {
		List<String> args = new ArrayList<>(List.of("bench", "--model", folder.toString()));
		args.addAll(List.of(options.split(" ")));
		return Call.of(FlashEngine::load, args.toArray(String[]::new));
	}

	@Test
	void figuresAreConsistent() {
		// direct reads are padded to sectors, by more than 1 % of so small a model
		Call call = bench(
				"--prompt 24 --tokens 12 --rounds 3 --threads 1 --budgets 80%,all --prefill --no-direct-io --json");
		assertThat(call.err()).contains("round 3: memory", "median of 3", "of the memory rate", "round 2, 80%: load",
				"round 2, 80%: 12 tokens");
		assertThat(call.code()).isZero();
		JsonNode report = JsonMapper.shared().readTree(call.out());
		JsonNode model = report.path("model");
		assertThat(model.path("precision").stringValue()).isEqualTo("affine, 4 bits, groups of 64");
		assertThat(model.path("threads").intValue()).isEqualTo(1);
		assertThat(model.path("weightBytesPerToken").longValue()).isEqualTo(PER_TOKEN);
		assertThat(model.path("weightBytes").longValue()).isEqualTo(WEIGHTS);
		assertThat(report.path("rounds").size()).isEqualTo(3);
		for (JsonNode round : report.path("rounds")) {
			assertThat(round.path("smallPages").doubleValue()).isGreaterThan(1e8);
			assertThat(round.path("memoryBytesPerSecond").doubleValue()).isLessThan(1e13)
				.isEqualTo(Math.max(round.path("smallPages").doubleValue(), round.path("hugePages").doubleValue()));
			JsonNode all = round.path("budgets").path(1);
			JsonNode streamed = round.path("budgets").path(0);
			checkInMemory(all, round.path("memoryBytesPerSecond").doubleValue());
			checkStreamed(streamed);
			double inMemory = all.path("decodeTokensPerSecond").doubleValue();
			assertThat(streamed.path("computeTokensPerSecond").doubleValue()).isEqualTo(inMemory);
			assertThat(streamed.path("shareOfInMemory").doubleValue())
				.isEqualTo(streamed.path("decodeTokensPerSecond").doubleValue() / inMemory);
			checkLimits(streamed);
		}
		JsonNode median = report.path("median");
		assertThat(median.path("budgets").path(0).path("decodeTokensPerSecond").doubleValue())
			.isEqualTo(report.path("rounds")
				.valueStream()
				.mapToDouble((round) -> round.path("budgets").path(0).path("decodeTokensPerSecond").doubleValue())
				.sorted()
				.skip(1)
				.findFirst()
				.orElseThrow());
		assertThat(median.path("budgets").path(1).path("budget").stringValue()).isEqualTo("all");
	}

	private static void checkInMemory(JsonNode all, double memoryRate) {
		assertThat(all.path("streamedBytesPerToken").doubleValue()).isZero();
		assertThat(all.path("shareOfLimit").isNull()).isTrue();
		assertThat(all.path("prefillTokensPerSecond").doubleValue()).isPositive();
		double rate = all.path("decodeTokensPerSecond").doubleValue() * PER_TOKEN;
		assertThat(rate).isPositive();
		assertThat(all.path("weightBytesPerSecond").doubleValue()).isCloseTo(rate, within(rate * 1e-9));
		assertThat(all.path("shareOfMemoryRate").doubleValue()).isCloseTo(rate / memoryRate, within(1e-9));
	}

	/** What is not in memory is read for each token, give or take a block of the disk. */
	private static void checkStreamed(JsonNode run) {
		double streamed = run.path("streamedBytesPerToken").doubleValue();
		assertThat(run.path("pinnedBytes").doubleValue()).isPositive();
		assertThat(streamed).isBetween(1000.0, (double) WEIGHTS);
		assertThat(run.path("promptTokens").doubleValue()).isEqualTo(24);
		assertThat(run.path("promptReads").doubleValue()).as("as often as there are passes").isBetween(1.0, 24.0);
		double limit = run.path("diskBytesPerSecond").doubleValue() / streamed;
		assertThat(run.path("limitTokensPerSecond").doubleValue()).isCloseTo(limit, within(limit * 1e-9));
		assertThat(run.path("shareOfLimit").doubleValue())
			.isCloseTo(run.path("decodeTokensPerSecond").doubleValue() / limit, within(1e-9));
		assertThat(run.path("stallShare").doubleValue()).isBetween(0.0, 1.0);
		assertThat(run.path("shareOfInMemory").doubleValue()).isPositive();
		assertThat(run.path("loadSeconds").doubleValue()).isPositive()
			.isLessThan(run.path("firstTokenSeconds").doubleValue());
		assertThat(run.path("peakMemoryBytes").doubleValue()).isGreaterThan(run.path("pinnedBytes").doubleValue());
	}

	@Test
	void theTableIsForPeople() {
		Call call = bench("--prompt 5 --tokens 3 --rounds 1 --budgets all,2MB");
		assertThat(call.code()).isZero();
		assertThat(call.out()).startsWith("affine, 4 bits, groups of 64, llama, ")
			.containsPattern(
					"decode \\d+\\.\\d\\d tokens/s, \\d+\\.\\d\\d GB/s of weights, \\d+\\.\\d\\d of the memory rate")
			.containsPattern("(?m)^budget +in memory")
			.containsPattern("(?m)^2mb +\\d");
	}

	@Test
	void expertsHaveATableOfTheirOwn(@TempDir Path mixture) {
		assertThat(Call.of(FlashEngine::load,
				("synthesize --format mlx-4bit --layers 2 --hidden 256 --heads 4 --kv-heads 2 --head-dim 32 --vocabulary 320"
						+ " --moe --experts 16 --experts-per-token 2 --expert-mlp 128 --out "
						+ mixture.resolve("model"))
					.split(" "))
			.code()).isZero();
		Call call = Call.of(FlashEngine::load,
				("bench --prompt 5 --tokens 6 --rounds 1 --expert-tokens 4 --threads 1 --budgets 2500KB,2500kb:lru,2500kb:no-cache --json --model "
						+ mixture.resolve("model"))
					.split(" "));
		assertThat(call.code()).as(call.err()).isZero();
		assertThat(call.err()).containsPattern("(?m)^budget +experts +hits")
			.containsPattern("(?m)^2500kb:no-cache +.* 0\\.0% ");
		JsonNode report = JsonMapper.shared().readTree(call.out());
		JsonNode runs = report.at("/median/budgets");
		// Attention, 2 of 16 experts and the head in 4.5 bits, routers and norms in BF16.
		long perToken = (2 * (2 * 128 * 256 + 2 * 64 * 256 + 2 * 3 * 128 * 256) + 320 * 256) * 9L / 16
				+ 2 * (2 * 16 * 256 + (2 * 2 + 1) * 256 + 2 * 2 * 32);
		assertThat(report.at("/model/weightBytesPerToken").longValue()).isEqualTo(perToken);
		for (JsonNode run : runs) {
			double rate = run.path("decodeTokensPerSecond").doubleValue() * perToken;
			assertThat(run.path("weightBytesPerSecond").doubleValue()).isCloseTo(rate, within(rate * 1e-9));
		}
		checkLimits(runs.path(2));
		double compute = runs.path(2).path("computeTokensPerSecond").doubleValue();
		assertThat(compute).as("nothing was measured with all in memory")
			.isEqualTo(runs.path(2).path("stallFreeTokensPerSecond").doubleValue());
		assertThat(runs.path(0).at("/experts/hitRate").doubleValue())
			.isGreaterThan(runs.path(2).at("/experts/hitRate").doubleValue());
		assertThat(runs.path(2).at("/experts/missedBytesPerToken").doubleValue())
			.isGreaterThan(runs.path(1).at("/experts/missedBytesPerToken").doubleValue());
	}

	/** The disk's limit counts what was needed, the lower limit is that of the two. */
	private static void checkLimits(JsonNode run) {
		double decode = run.path("decodeTokensPerSecond").doubleValue();
		double disk = run.path("limitTokensPerSecond").doubleValue();
		double compute = run.path("computeTokensPerSecond").doubleValue();
		assertThat(disk).isGreaterThanOrEqualTo(
				run.path("diskBytesPerSecond").doubleValue() / run.path("streamedBytesPerToken").doubleValue() * 0.999);
		assertThat(run.path("stallFreeTokensPerSecond").doubleValue()).isGreaterThanOrEqualTo(decode);
		assertThat(run.path("shareOfLimit").doubleValue()).isCloseTo(decode / disk, within(1e-9));
		assertThat(run.path("shareOfLongerLimit").doubleValue()).isCloseTo(decode / Math.min(disk, compute),
				within(1e-9));
	}

	@Test
	void readsBesideLengthenComputing() {
		Call call = bench("--degradation --tokens 20 --seconds 100000 --rounds 3 --json");
		assertThat(call.err()).contains("4 turns of 5 tokens in each way and round")
			.containsPattern("(?m)^all +\\d")
			.contains("the controller saw");
		assertThat(call.code()).isZero();
		JsonNode report = JsonMapper.shared().readTree(call.out());
		assertThat(report.path("rounds").size()).isEqualTo(3);
		assertThat(report.path("turns").size()).isEqualTo(12);
		double[] free = report.path("turns")
			.valueStream()
			.mapToDouble((turn) -> turn.path("free").path("nanos").doubleValue()
					/ turn.path("alone").path("nanos").doubleValue() - 1)
			.sorted()
			.toArray();
		JsonNode all = report.path("all");
		assertThat(all.path("freeDegradation").path("median").doubleValue()).isCloseTo((free[5] + free[6]) / 2,
				within(1e-9));
		assertThat(all.path("freeDegradation").path("lower").doubleValue()).isCloseTo(free[2], within(1e-9));
		assertThat(all.path("freeDegradation").path("upper").doubleValue()).isCloseTo(free[9], within(1e-9));
		// a turn of this small model may end before a read does
		assertThat(all.path("freeBytesPerSecond").doubleValue()).isPositive();
	}

	@Test
	void loadingIsMeasuredOnce() {
		Call call = bench("--load --budgets 80% --prompt 5 --tokens 3 --expert-tokens 1 --json");
		assertThat(call.code()).isZero();
		assertThat(call.err()).containsPattern("(?m)^80% +\\d").contains("until the first token");
		JsonNode report = JsonMapper.shared().readTree(call.out());
		assertThat(report.path("readySeconds").doubleValue()).isPositive();
		assertThat(report.path("firstTokenSeconds").doubleValue())
			.isGreaterThan(report.path("readySeconds").doubleValue());
		assertThat(report.path("processSeconds").doubleValue()).isPositive();
		assertThat(report.path("bytesRead").longValue()).isGreaterThan(report.path("pinnedBytes").longValue());
		assertThat(report.path("diskBytesPerSecond").doubleValue()).isPositive();
	}

	@Test
	void tracesAMixtureWithItsFavouritesInMemory(@TempDir Path out) throws IOException {
		Path mixture = out.resolve("model");
		assertThat(Call.of(FlashEngine::load,
				("synthesize --format mlx-4bit --layers 2 --hidden 256 --heads 4 --kv-heads 2 --head-dim 32 --vocabulary 320"
						+ " --moe --experts 16 --experts-per-token 2 --expert-mlp 128 --out " + mixture)
					.split(" "))
			.code()).isZero();
		Path file = out.resolve("trace.json");
		Call call = Call.of(FlashEngine::load,
				("bench --prompt 5 --tokens 6 --rounds 1 --expert-tokens 40 --threads 1 --budgets all,2700KB --trace "
						+ file + " --model " + mixture)
					.split(" "));
		assertThat(call.code()).as(call.err()).isZero();
		assertThat(call.err()).contains("round 1, 2700kb: favourite experts", "round 1, all: favourite experts",
				"trace, 2700kb: favourite experts");
		JsonNode events = JsonMapper.shared().readTree(Files.readString(file)).path("traceEvents");
		assertThat(events.valueStream().map((event) -> event.path("name").asString())).contains("pass of 1 token",
				"layers.1.experts");
	}

	@Test
	void tracesTheLastBudget(@TempDir Path out) throws IOException {
		Path file = out.resolve("trace.json");
		assertThat(bench("--prompt 5 --tokens 3 --rounds 1 --budgets 80% --trace " + file).code()).isZero();
		JsonNode events = JsonMapper.shared().readTree(Files.readString(file)).path("traceEvents");
		assertThat(events.valueStream().map((event) -> event.path("name").asString()))
			.contains("pass of 1 token", "layers.3", "thread_name")
			.anyMatch((name) -> name.startsWith("prefetch ") || name.startsWith("demand "));
	}

	@ParameterizedTest
	@CsvSource(delimiter = '|', quoteCharacter = '"',
			value = { "--budgets half | 'half' is not a budget. Expected all, a share such as 50%",
					"--budgets 0% | '0%' is not a share of the weights such as 50%",
					"--budgets 50%:fifo | '50%:fifo' does not say how experts are streamed",
					"--load --degradation | exclude each other",
					"--rounds 0 | --prompt, --rounds and --expert-tokens must be at least 1",
					"--tokens 1 | --tokens at least 2", "--seconds 0 | --seconds more than 0",
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
