package io.github.flashspring.engine.model;

import java.util.List;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import io.github.flashspring.engine.cache.SequenceMemory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

/**
 * Sequences with a state return to where a snapshot was taken.
 */
class SequenceStateTests {

	private static final int[] TEXT = { 5, 17, 200, 3, 99, 42, 7, 7, 130, 250, 61, 8, 12, 77 };

	@ParameterizedTest
	@ValueSource(strings = { "mamba2", "nemotron_h" })
	void restoredSnapshotGivesTheSameLogits(String name) throws Exception {
		try (TestModel test = new TestModel(TestModel.folder("golden/" + name))) {
			test.forward(TEXT, 0, 6);
			try (SequenceMemory.Snapshot snapshot = test.memory().snapshot()) {
				List<float[]> first = test.forward(TEXT, 6, TEXT.length);
				List<float[]> behindTheEnd = test.forward(TEXT, 6, TEXT.length);
				test.memory().restore(snapshot);
				List<float[]> again = test.forward(TEXT, 6, TEXT.length);
				assertThat(again).usingRecursiveComparison().isEqualTo(first);
				assertThat(behindTheEnd.getLast()).isNotEqualTo(first.getLast());
			}
		}
	}

	@Test
	void newSequenceStartsWithoutEarlierState() throws Exception {
		try (TestModel test = new TestModel(TestModel.folder("golden/nemotron_h"))) {
			List<float[]> first = test.forward(TEXT, 0, TEXT.length);
			List<float[]> again = test.forward(TEXT, 0, TEXT.length);
			assertThat(again).usingRecursiveComparison().isEqualTo(first);
		}
	}

	@Test
	void modelsWithoutStatesHaveNoSnapshots() throws Exception {
		try (TestModel test = new TestModel(TestModel.folder("golden/llama"))) {
			assertThatIllegalStateException().isThrownBy(() -> test.memory().snapshot())
				.withMessageContaining("has no states");
		}
	}

}
