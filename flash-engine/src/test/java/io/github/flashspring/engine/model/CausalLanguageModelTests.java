package io.github.flashspring.engine.model;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import io.github.flashspring.engine.cache.SequenceMemory;
import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.device.RaggedBatch;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Tests for {@link CausalLanguageModel}: logits on the host, and sequences that fork.
 */
class CausalLanguageModelTests {

	private static final int[] TEXT = { 5, 17, 200, 3, 99, 42, 7, 7, 130, 250, 61, 8, 12, 77, 31, 90, 4, 18, 222, 16,
			60, 1, 2, 3, 4 };

	@Test
	void logitsOfABatchAreReadAtOnce() throws Exception {
		AtomicInteger reads = new AtomicInteger();
		try (TestModel test = new TestModel(TestModel.folder("golden/llama"), (device) -> counting(device, reads))) {
			List<float[]> all = test.forward(TEXT, 0, 10);
			assertThat(reads.getAndSet(0)).as("three rows at a time").isEqualTo(4);
			RaggedBatch batch = new RaggedBatch(Arrays.copyOf(TEXT, 10), IntStream.range(0, 10).toArray(),
					List.of(test.memory().span(0, 10)));
			Logits logits = test.model().forward(batch, test.kv(), new int[] { 9, 3, 5 }, (earlier) -> {
				throw new AssertionError("there is memory for all");
			}, () -> false);
			assertThat(reads).hasValue(1);
			assertThat(logits.rows()).containsExactly(9, 3, 5);
			float[] row = new float[logits.vocabSize()];
			for (int i = 0; i < 3; i++) {
				logits.copy(i, row);
				assertThat(row).isEqualTo(all.get(logits.rows()[i]));
			}
		}
	}

	@Test
	void rowsOfSequencesThatGenerateComeLastAndTogether() throws Exception {
		try (TestModel test = new TestModel(TestModel.folder("golden/llama"))) {
			List<float[]> all = test.forward(TEXT, 0, TEXT.length);
			RaggedBatch batch = new RaggedBatch(TEXT, IntStream.range(0, TEXT.length).toArray(),
					List.of(test.memory().span(0, TEXT.length)));
			// 14 rows of a text and those of three sequences: more than are computed at
			// once
			int[] wanted = IntStream.concat(IntStream.range(0, 14), IntStream.of(24, 15, 20)).toArray();
			List<Integer> before = new ArrayList<>();
			Logits logits = test.model()
				.forward(batch, test.kv(), wanted, (earlier) -> IntStream.of(earlier.rows()).forEach(before::add),
						() -> false);
			assertThat(before).containsExactlyElementsOf(IntStream.range(0, 14).boxed().toList());
			assertThat(logits.rows()).containsExactly(24, 15, 20);
			float[] row = new float[logits.vocabSize()];
			logits.copy(1, row);
			assertThat(row).isEqualTo(all.get(15));
		}
	}

	private static Device counting(Device device, AtomicInteger reads) {
		return (Device) Proxy.newProxyInstance(Device.class.getClassLoader(), new Class<?>[] { Device.class },
				(proxy, method, arguments) -> {
					try {
						if (method.getName().equals("read")) {
							reads.incrementAndGet();
						}
						return method.invoke(device, arguments);
					}
					catch (InvocationTargetException ex) {
						throw ex.getTargetException();
					}
				});
	}

	@ParameterizedTest
	@ValueSource(strings = { "llama", "gemma2", "gpt_oss", "deepseek_v3", "mamba2", "nemotron_h" })
	void forksGoOnWithTheSameBits(String name) throws Exception {
		int[] other = TEXT.clone();
		Arrays.fill(other, 20, other.length, 33);
		List<float[]> ofText;
		List<float[]> ofOther;
		try (TestModel test = new TestModel(TestModel.folder("golden/" + name))) {
			ofText = test.forward(TEXT, 0, TEXT.length);
			ofOther = test.forward(other, 0, TEXT.length);
		}
		try (TestModel test = new TestModel(TestModel.folder("golden/" + name))) {
			test.forward(TEXT, 0, 20);
			test.memory().advance(20);
			try (SequenceMemory fork = test.memory().fork().orElseThrow()) {
				assertThat(fork.reserve(5)).isTrue();
				assertThat(test.memory().reserve(5)).isTrue();
				List<float[]> forked = test.forward(other, fork.span(0, 5));
				List<float[]> same = test.forward(TEXT, test.memory().span(0, 5));
				for (int i = 0; i < 5; i++) {
					assertThat(forked.get(i)).isEqualTo(ofOther.get(20 + i));
					assertThat(same.get(i)).isEqualTo(ofText.get(20 + i));
				}
			}
		}
	}

}
