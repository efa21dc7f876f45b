package io.github.flashspring.engine.cache;

import java.util.Arrays;
import java.util.Objects;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.device.DeviceProvider;
import io.github.flashspring.engine.device.KvPages;
import io.github.flashspring.engine.device.Tensor;
import io.github.flashspring.engine.device.cpu.CpuDeviceProvider;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

/**
 * Tests for {@link SequenceMemory}: pages on demand, forks, windows, and states.
 */
class SequenceMemoryTests {

	private static final int PAGE = 16;

	/** Pages of four floats a token and layer. */
	private static final KvPages.Layout LAYOUT = new KvPages.Layout(PAGE, 1, 2, 2);

	private static final int PAGE_FLOATS = 4 * PAGE;

	private final Device device = new CpuDeviceProvider().create(new DeviceProvider.Options(1));

	@AfterEach
	void close() {
		this.device.close();
	}

	private KvCache cache(int pages, long stateFloats, int... windows) {
		return new KvCache(this.device, LAYOUT, LayerGroups.of(windows), (long) pages * PAGE, stateFloats, 2);
	}

	private static int[] pages(SequenceMemory memory, int group) {
		return memory.span(0, 1).pages(group).clone();
	}

	private void fill(KvCache cache, int page, float value) {
		float[] numbers = new float[PAGE_FLOATS];
		Arrays.fill(numbers, value);
		this.device.write(Tensor.floats(cache.buffer(page), 0, 1, PAGE_FLOATS), numbers);
	}

	private float first(KvCache cache, int page) {
		float[] numbers = new float[PAGE_FLOATS];
		this.device.read(Tensor.floats(cache.buffer(page), 0, 1, PAGE_FLOATS), numbers);
		assertThat(numbers).containsOnly(numbers[0]);
		return numbers[0];
	}

	@Test
	void growsByPagesAndSaysWhereItIs() {
		try (KvCache cache = cache(2, 0, 0)) {
			SequenceMemory memory = cache.open().orElseThrow();
			assertThat(memory.pages()).isZero();
			assertThat(memory.reserve(5)).isTrue();
			memory.advance(5);
			assertThat(memory.reserve(11)).isTrue();
			assertThat(memory.pages()).isEqualTo(1);
			memory.advance(11);
			assertThat(memory.reserve(1)).isTrue();
			assertThat(memory.pages()).isEqualTo(2);
			assertThat(memory.span(3, 1)).extracting("firstRow", "rows", "position").containsExactly(3, 1, 16);
			assertThatIllegalArgumentException().isThrownBy(() -> memory.reserve(17))
				.withMessage("A sequence of 33 tokens needs 3 KV pages, but the cache has 2");
		}
	}

	@Test
	void truncatedTokensGiveTheirPagesBack() {
		try (KvCache cache = cache(4, 0, 0)) {
			SequenceMemory memory = cache.open().orElseThrow();
			assertThat(memory.reserve(60)).isTrue();
			memory.advance(60);
			memory.truncate(20);
			assertThat(memory.length()).isEqualTo(20);
			assertThat(memory.pages()).isEqualTo(2);
			SequenceMemory other = cache.open().orElseThrow();
			assertThat(other.reserve(32)).isTrue();
			assertThat(memory.reserve(13)).isFalse();
			assertThat(memory.reserve(12)).isTrue();
			assertThatIllegalArgumentException().isThrownBy(() -> memory.truncate(21));
		}
	}

	@Test
	void forksShareFullPagesAndCopyTheLastOneWhenTheyWrite() {
		try (KvCache cache = cache(4, 0, 0)) {
			SequenceMemory memory = cache.open().orElseThrow();
			assertThat(memory.reserve(20)).isTrue();
			memory.advance(20);
			int[] before = pages(memory, 0);
			fill(cache, before[0], 1);
			fill(cache, before[1], 2);
			SequenceMemory fork = memory.fork().orElseThrow();
			assertThat(fork.length()).isEqualTo(20);
			assertThat(pages(fork, 0)).isEqualTo(before);
			assertThat(fork.reserve(1)).isTrue();
			int[] after = pages(fork, 0);
			assertThat(after[0]).isEqualTo(before[0]);
			assertThat(after[1]).isNotEqualTo(before[1]);
			assertThat(first(cache, after[1])).isEqualTo(2);
			fill(cache, after[1], 3);
			assertThat(memory.reserve(1)).isTrue();
			assertThat(pages(memory, 0)).as("its fork has a copy").isEqualTo(before);
			assertThat(first(cache, before[1])).isEqualTo(2);
			memory.close();
			assertThat(first(cache, after[0])).as("the fork still has it").isEqualTo(1);
			SequenceMemory next = cache.open().orElseThrow();
			assertThat(next.reserve(32)).isTrue();
			assertThat(pages(next, 0)).doesNotContain(after);
			assertThat(next.reserve(33)).isFalse();
		}
	}

	@Test
	void copiesNothingWhereAForkEndsWithAPage() {
		try (KvCache cache = cache(4, 0, 0)) {
			SequenceMemory memory = cache.open().orElseThrow();
			assertThat(memory.reserve(17)).isTrue();
			memory.advance(16);
			SequenceMemory fork = memory.fork().orElseThrow();
			assertThat(fork.pages()).isEqualTo(1);
			assertThat(fork.reserve(16)).isTrue();
			assertThat(pages(fork, 0)[0]).isEqualTo(pages(memory, 0)[0]);
			assertThat(pages(fork, 0)[1]).isNotEqualTo(pages(memory, 0)[1]);
		}
	}

	@Test
	void pagesBehindASlidingWindowAreGivenBack() {
		try (KvCache cache = cache(8, 0, 0, 20)) {
			SequenceMemory memory = cache.open().orElseThrow();
			assertThat(memory.reserve(60)).isTrue();
			memory.advance(60);
			int[] all = pages(memory, 1);
			assertThat(memory.reserve(4)).isTrue();
			// position 60 sees those from 41 on
			assertThat(pages(memory, 1)).containsExactly(KvPages.NONE, KvPages.NONE, all[2], all[3]);
			assertThat(pages(memory, 0)).doesNotContain(KvPages.NONE);
			memory.advance(4);
			memory.truncate(57);
			assertThatIllegalStateException().isThrownBy(() -> memory.truncate(50))
				.withMessageContaining("behind the sliding window");
			assertThat(memory.length()).isEqualTo(57);
			SequenceMemory fork = memory.fork().orElseThrow();
			memory.close();
			assertThat(fork.reserve(20)).isTrue();
			assertThat(pages(fork, 1)).startsWith(KvPages.NONE, KvPages.NONE).hasSize(5);
			fork.close();
		}
	}

	@Test
	void sequencesWithStatesReturnToSnapshots() {
		try (KvCache cache = cache(4, 16, 0)) {
			SequenceMemory memory = cache.open().orElseThrow();
			assertThat(memory.reserve(40)).isTrue();
			memory.advance(20);
			write(memory, 1);
			try (SequenceMemory.Snapshot snapshot = memory.snapshot()) {
				memory.advance(20);
				write(memory, 2);
				assertThatIllegalStateException().isThrownBy(() -> memory.truncate(20))
					.withMessageContaining("snapshot");
				SequenceMemory fork = memory.fork().orElseThrow();
				assertThat(memory.fork()).as("all states are lent").isEmpty();
				memory.restore(snapshot);
				assertThat(memory.length()).isEqualTo(20);
				assertThat(read(memory)).isEqualTo(1);
				assertThat(fork.length()).isEqualTo(40);
				assertThat(read(fork)).isEqualTo(2);
			}
			memory.truncate(0);
			assertThat(memory.length()).isZero();
		}
	}

	private static Tensor state(SequenceMemory memory) {
		return Tensor.floats(Objects.requireNonNull(memory.span(0, 1).state()), 0, 1, 16);
	}

	private void write(SequenceMemory memory, float value) {
		float[] numbers = new float[16];
		Arrays.fill(numbers, value);
		this.device.write(state(memory), numbers);
	}

	private float read(SequenceMemory memory) {
		float[] numbers = new float[16];
		this.device.read(state(memory), numbers);
		return numbers[15];
	}

}
