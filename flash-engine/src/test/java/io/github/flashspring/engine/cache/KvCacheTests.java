package io.github.flashspring.engine.cache;

import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import java.util.stream.IntStream;

import org.junit.jupiter.api.Test;

import io.github.flashspring.engine.ScarceMemoryProvider;
import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.device.DeviceException;
import io.github.flashspring.engine.device.DeviceProvider;
import io.github.flashspring.engine.device.KvPages;
import io.github.flashspring.engine.device.cpu.CpuDeviceProvider;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

/**
 * Tests for {@link KvCache}.
 */
class KvCacheTests {

	private static final KvPages.Layout LAYOUT = new KvPages.Layout(16, 2, 8, 8);

	private final AtomicInteger allocations = new AtomicInteger(Integer.MAX_VALUE);

	private final Device device = ScarceMemoryProvider
		.scarce(new CpuDeviceProvider().create(new DeviceProvider.Options(1)), this.allocations);

	private KvCache cache(long stateFloats, int sequences, int... windows) {
		return new KvCache(this.device, LAYOUT, LayerGroups.of(windows), 64, stateFloats, sequences);
	}

	/** A sequence with room for some tokens, if there is memory. */
	private static Optional<SequenceMemory> lend(KvCache cache, int tokens) {
		SequenceMemory memory = cache.open().orElse(null);
		if (memory == null) {
			return Optional.empty();
		}
		boolean complete = false;
		try {
			complete = memory.reserve(tokens);
		}
		finally {
			if (!complete) {
				memory.close();
			}
		}
		return complete ? Optional.of(memory) : Optional.empty();
	}

	private static int[] pages(SequenceMemory memory) {
		return memory.span(0, 1).pages(0);
	}

	@Test
	void lendsWholePagesUntilNoneIsFree() {
		try (KvCache cache = cache(0, 0, 0, 0, 0)) {
			SequenceMemory first = lend(cache, 17).orElseThrow();
			SequenceMemory second = lend(cache, 32).orElseThrow();
			int[] firstPages = pages(first).clone();
			assertThat(firstPages).hasSize(2).doesNotContain(pages(second));
			assertThat(pages(second)).hasSize(2);
			assertThat(cache.buffer(firstPages[1]).byteSize()).isEqualTo(3 * LAYOUT.layerBytes());
			assertThat(lend(cache, 1)).isEmpty();
			first.close();
			first.close();
			assertThat(lend(cache, 33)).isEmpty();
			assertThat(lend(cache, 32))
				.hasValueSatisfying((memory) -> assertThat(pages(memory)).containsOnly(firstPages));
			assertThatIllegalArgumentException().isThrownBy(() -> lend(cache, 65)).withMessageContaining("5 KV pages");
		}
	}

	@Test
	void lendsNothingWhenMemoryEnds() {
		try (KvCache cache = cache(0, 0, 0, 0, 0)) {
			this.allocations.set(3);
			assertThatExceptionOfType(DeviceException.class).isThrownBy(() -> lend(cache, 64))
				.withMessageContainingAll("sequence of 64 tokens", "6.00 KB", "No memory is left");
			assertThat(lend(cache, 48)).isPresent();
			assertThatExceptionOfType(DeviceException.class).isThrownBy(() -> lend(cache, 16));
			assertThatIllegalStateException().isThrownBy(() -> cache.buffer(3));
			this.allocations.set(1);
			assertThat(lend(cache, 16)).isPresent();
		}
	}

	@Test
	void lendsAStateToEverySequence() {
		try (KvCache cache = cache(100, 2, 0, 0, 0)) {
			SequenceMemory first = lend(cache, 16).orElseThrow();
			SequenceMemory second = lend(cache, 16).orElseThrow();
			assertThat(first.span(0, 1).state()).isNotNull()
				.isNotSameAs(second.span(0, 1).state())
				.satisfies((state) -> assertThat(state.byteSize()).isEqualTo(400));
			assertThat(lend(cache, 16)).as("a third state").isEmpty();
			first.close();
			assertThat(lend(cache, 16)).isPresent();
		}
	}

	@Test
	void groupsShareTheMemoryOfAllPages() {
		// two layers see all, one sees 16 positions: memory for four pages of each
		try (KvCache cache = cache(0, 0, 0, 16, 0)) {
			assertThat(IntStream.range(0, 3).map(cache::group)).containsExactly(0, 1, 0);
			SequenceMemory first = lend(cache, 64).orElseThrow();
			first.advance(63);
			assertThat(lend(cache, 1)).isEmpty();
			assertThat(first.reserve(1)).isTrue();
			// the window has left three pages of one layer, a page of two layers takes
			// two
			SequenceMemory second = cache.open().orElseThrow();
			assertThat(second.reserve(16)).isTrue();
			assertThat(second.reserve(32)).isFalse();
			second.close();
			first.close();
			assertThat(lend(cache, 64)).isPresent();
		}
	}

	@Test
	void hybridPrecisionTakesLessThanThirtyPercentAtFourThousandTokens() {
		KvPages.Layout layout = new KvPages.Layout(64, 2, 64, 64);
		KvCache.Capacity capacity = new KvCache.Capacity(4096, 512, 4096);
		LayerGroups hybrid = LayerGroups.of(new KvPrecision(KvPrecision.Mode.HYBRID), 0, 0, 0);
		LayerGroups halves = LayerGroups.of(new KvPrecision(KvPrecision.Mode.F16), 0, 0, 0);
		double exact = KvCache.bytes(layout, LayerGroups.full(3), capacity);
		assertThat(KvCache.bytes(layout, halves, capacity) / exact).isEqualTo(0.5);
		assertThat(KvCache.bytes(layout, hybrid, capacity) / exact).isBetween(0.26, 0.30);
	}

	@Test
	void pagesOfNewestTokensAreLentForAPassAndGivenBack() {
		KvPages.Layout layout = new KvPages.Layout(64, 1, 64, 64);
		LayerGroups hybrid = LayerGroups.of(new KvPrecision(KvPrecision.Mode.HYBRID), 0, 0);
		KvCache.Capacity capacity = new KvCache.Capacity(4096, 100, 4096);
		try (KvCache cache = new KvCache(this.device, layout, hybrid, capacity, 0, 0);
				SequenceMemory memory = cache.open().orElseThrow()) {
			assertThat(cache.recentGroup(1)).isEqualTo(1);
			int longest = 0;
			while (memory.length() < 4096) {
				int rows = Math.min(100, 4096 - memory.length());
				assertThat(memory.reserve(4096 - memory.length())).isTrue();
				int[] recent = memory.span(0, rows).pages(1);
				int first = cache.firstRecent(memory.length()) / 64;
				assertThat(recent).hasSizeGreaterThanOrEqualTo(Math.ceilDiv(memory.length() + rows, 64));
				assertThat(IntStream.of(recent).limit(first)).allMatch((page) -> page == KvPages.NONE);
				assertThat(IntStream.of(recent).skip(first)).doesNotContain(KvPages.NONE);
				longest = Math.max(longest, recent.length - first);
				memory.advance(rows);
			}
			assertThat(longest).isBetween(4, 5);
			assertThat(memory.reserve(0)).isTrue();
			assertThat(IntStream.of(memory.span(0, 0).pages(1)).filter((page) -> page != KvPages.NONE)).hasSize(2);
		}
	}

}
