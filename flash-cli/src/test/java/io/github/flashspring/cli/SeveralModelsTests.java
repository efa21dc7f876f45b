package io.github.flashspring.cli;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import io.github.flashspring.engine.FlashConfig;
import io.github.flashspring.engine.FlashEngine;
import io.github.flashspring.engine.memory.RamBudget;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Models of every precision in one process, one after the other and side by side: each
 * has the logits, bit by bit, that it has in a process of its own. What one leaves in
 * shared threads, caches and compiled code must not reach the next.
 */
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class SeveralModelsTests {

	private static final Path DATA = Path.of("..", "flash-engine", "src", "test", "resources");

	private static final List<String> MODELS = List.of("models/stories260K/f32", "models/stories260K/bf16",
			"models/stories260K/f16", "models/stories260K/mlx-4bit-g32", "models/stories260K/mlx-8bit-g64",
			"golden-mlx/llama-nvfp4", "golden/nemotron_h");

	private static final int[] TOKENS = { 1, 17, 200, 33, 99, 5, 5, 120, 7, 64, 30 };

	private static final Map<String, float[]> ALONE = new HashMap<>();

	@TempDir
	static Path folder;

	@BeforeAll
	static void computeEachInItsOwnProcess() throws Exception {
		for (String model : MODELS) {
			Path file = folder.resolve(model.replace('/', '-') + ".safetensors");
			Path output = folder.resolve("output");
			Process process = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
					"--add-modules", "jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED", "-XX:+UseSerialGC",
					"-cp", System.getProperty("java.class.path"), FlashCommand.class.getName(), "logits", "--model",
					DATA.resolve(model).toString(), "--token-ids",
					String.join(",", Arrays.stream(TOKENS).mapToObj(Integer::toString).toList()), "--threads", "2",
					"--out", file.toString())
				.redirectErrorStream(true)
				.redirectOutput(output.toFile())
				.start();
			assertThat(process.waitFor()).as(Files.readString(output)).isZero();
			ALONE.put(model, tensor(file));
		}
	}

	@Test
	void oneAfterTheOther() {
		List<String> order = new ArrayList<>(MODELS);
		order.addAll(MODELS.reversed());
		order.addAll(MODELS);
		for (String model : order) {
			try (FlashEngine engine = load(model, RamBudget.UNLIMITED)) {
				assertThat(logits(engine)).as(model).isEqualTo(ALONE.get(model));
			}
		}
	}

	@Test
	void sideBySide() throws Exception {
		List<FlashEngine> engines = new ArrayList<>();
		try (ExecutorService threads = Executors.newCachedThreadPool()) {
			for (int i = 0; i < MODELS.size(); i++) {
				// every other one streams
				engines.add(load(MODELS.get(i), (i % 2 == 0) ? RamBudget.UNLIMITED : RamBudget.MINIMUM));
			}
			List<Future<float[]>> results = new ArrayList<>();
			for (int i = 0; i < 4 * MODELS.size(); i++) {
				FlashEngine engine = engines.get(i % MODELS.size());
				results.add(threads.submit(() -> logits(engine)));
			}
			for (int i = 0; i < results.size(); i++) {
				String model = MODELS.get(i % MODELS.size());
				assertThat(results.get(i).get()).as(model).isEqualTo(ALONE.get(model));
			}
			// one goes, the others stay
			engines.removeFirst().close();
			assertThat(logits(engines.getLast())).isEqualTo(ALONE.get(MODELS.getLast()));
		}
		finally {
			engines.forEach(FlashEngine::close);
		}
	}

	private static FlashEngine load(String model, RamBudget budget) {
		return FlashEngine.load(FlashConfig.builder(DATA.resolve(model).toString())
			.contextLength(32)
			.threads(2)
			.ramBudget(budget)
			.build());
	}

	/** Logits of all positions, one behind the other. */
	private static float[] logits(FlashEngine engine) {
		List<float[]> rows = new ArrayList<>();
		engine.logits(TOKENS, (position, logits) -> rows.add(logits.clone()));
		int width = rows.getFirst().length;
		float[] all = new float[rows.size() * width];
		for (int i = 0; i < rows.size(); i++) {
			System.arraycopy(rows.get(i), 0, all, i * width, width);
		}
		return all;
	}

	/** The only tensor of a safetensors file. */
	private static float[] tensor(Path file) throws IOException {
		ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
		int header = Math.toIntExact(bytes.getLong());
		float[] values = new float[(bytes.remaining() - header) / Float.BYTES];
		bytes.position(Long.BYTES + header).slice().order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(values);
		return values;
	}

}
