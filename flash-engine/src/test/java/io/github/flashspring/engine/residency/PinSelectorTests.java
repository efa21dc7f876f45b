package io.github.flashspring.engine.residency;

import java.util.Arrays;
import java.util.List;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.LongRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

class PinSelectorTests {

	@Property(tries = 500)
	void whatStreamsIsSpreadEvenlyAndTheMemoryIsUsed(
			@ForAll @Size(min = 1, max = 200) List<@LongRange(min = 500, max = 1500) Long> sizes,
			@ForAll @DoubleRange(min = 0, max = 1.1) double share) {
		long[] bytes = sizes.stream().mapToLong(Long::longValue).toArray();
		long total = Arrays.stream(bytes).sum();
		long available = (long) (share * total);
		boolean[] pinned = PinSelector.of(bytes, available);
		long inMemory = PinSelector.sum(bytes, pinned);
		assertThat(inMemory).isLessThanOrEqualTo(available);
		assertThat(inMemory).as("a block more would not fit").isGreaterThan(Math.min(total, available) - 1501);
		double streamed = (total - inMemory) / (double) total;
		double due = 0;
		for (int i = 0; i < bytes.length; i++) {
			due += streamed * bytes[i] - (pinned[i] ? 0 : bytes[i]);
			assertThat(Math.abs(due)).as("bytes ahead or behind at block %d", i).isLessThanOrEqualTo(2 * 1500);
		}
	}

	@Test
	void halfOfEqualBlocksAlternate() {
		long[] bytes = new long[10];
		Arrays.fill(bytes, 100);
		boolean[] half = PinSelector.of(bytes, 500);
		assertThat(PinSelector.sum(bytes, half)).isEqualTo(500);
		for (int i = 0; i + 2 < half.length; i++) {
			assertThat(half[i] && half[i + 1] && half[i + 2]).isFalse();
			assertThat(half[i] || half[i + 1] || half[i + 2]).isTrue();
		}
		assertThat(PinSelector.of(bytes, 1000)).doesNotContain(false);
		assertThat(PinSelector.of(bytes, 99)).doesNotContain(true);
	}

}
