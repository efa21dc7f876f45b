package io.github.flashspring.engine.model;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.device.RaggedBatch;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * How many operations of the device a pass takes: those of a MoE layer do not depend on
 * how many experts it computes.
 */
class ExpertOperationsTests {

	private static final int[] TOKENS = { 1, 17, 42, 99, 3, 56, 120, 77, 5, 200, 31, 64 };

	@TempDir
	private Path folder;

	@ParameterizedTest
	@ValueSource(strings = { "golden/mixtral", "golden/qwen2_moe", "golden/qwen3_moe", "golden/deepseek_v2",
			"golden/nemotron_h", "golden/gpt_oss", "golden-mlx/qwen3_moe-4bit-g32", "golden-mlx/gpt_oss-4bit-g32",
			"golden-mlx/gpt_oss-mxfp4-original", "golden-variants/nemotron_h-latent" })
	void deviceOperationsDoNotDependOnExpertsPerToken(String name) throws Exception {
		boolean transposed = name.equals("golden/gpt_oss");
		Map<String, Integer> two = operations(name, 2, 1);
		Map<String, Integer> four = operations(name, 4, 1);
		assertThat(two).containsKeys("matmul", "combine");
		if (transposed) {
			// exchanged rows and columns have no common operation
			four.keySet().removeAll(List.of("matmulTransposed", "broadcast", "commit"));
			two.keySet().removeAll(List.of("matmulTransposed", "broadcast", "commit"));
		}
		assertThat(four).isEqualTo(two);
	}

	@Test
	void moeLayerTakesTwoMatmulsForAllExperts() throws Exception {
		// in each of four layers: queries, keys and values; output; router; two of
		// experts; in three also the router of the next layer
		assertThat(operations("golden-mlx/qwen3_moe-4bit-g32", 4, 1)).containsEntry("matmul", 4 * 5 + 3)
			.containsEntry("gate", 4)
			.containsEntry("combine", 4)
			.doesNotContainKeys("gather", "scatter")
			.containsEntry("commit", 3 + 4 * 4)
			.containsEntry("read", 4);
		assertThat(operations("golden-mlx/qwen3_moe-4bit-g32", 4, TOKENS.length)).containsEntry("matmul", 4 * 5 + 3)
			.containsEntry("gate", 4)
			.containsEntry("combine", 4)
			.containsEntry("gather", 4)
			.containsEntry("scatter", 4);
	}

	/** Operations of a pass whose experts are in memory. */
	private Map<String, Integer> operations(String name, int perToken, int rows) throws Exception {
		Path copy = Files.createDirectory(this.folder.resolve(perToken + "-" + rows));
		try (Stream<Path> files = Files.list(TestModel.folder(name))) {
			for (Path file : files.toList()) {
				Files.copy(file, copy.resolve(file.getFileName()));
			}
		}
		Path config = copy.resolve("config.json");
		String text = Files.readString(config);
		String changed = text.replaceAll("\"(num_experts_per_tok|experts_per_token)\": *\\d+", "\"$1\": " + perToken);
		assertThat(text).contains("num_experts_per_tok");
		Files.writeString(config, changed);
		Map<String, Integer> counts = new TreeMap<>();
		try (TestModel model = new TestModel(copy, (device) -> counting(Device.class, device, counts))) {
			forward(model, rows);
			counts.clear();
			forward(model, rows);
			return new TreeMap<>(counts);
		}
	}

	/** Computes the layers, without the head. */
	private static void forward(TestModel model, int rows) {
		RaggedBatch batch = new RaggedBatch(Arrays.copyOf(TOKENS, rows), IntStream.range(0, rows).toArray(),
				List.of(model.memory().span(0, rows)));
		model.model().forward(batch, model.kv(), new int[0], (earlier) -> {
		}, () -> false);
	}

	private static <T> T counting(Class<T> type, T target, Map<String, Integer> counts) {
		return type
			.cast(Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] { type }, (proxy, method, arguments) -> {
				try {
					Object result = method.invoke(target, arguments);
					if (method.getReturnType().isInterface() && method.getParameterCount() == 0
							&& List.of("elementwise", "stateSpace").contains(method.getName())) {
						return counting(interfaceOf(method.getReturnType()), result, counts);
					}
					counts.merge(method.getName(), 1, Integer::sum);
					return result;
				}
				catch (InvocationTargetException ex) {
					throw ex.getTargetException();
				}
			}));
	}

	@SuppressWarnings("unchecked")
	private static Class<Object> interfaceOf(Class<?> type) {
		return (Class<Object>) type;
	}

}
