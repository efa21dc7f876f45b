package io.github.flashspring.engine.cache;

import java.util.concurrent.atomic.AtomicInteger;

import org.junit.jupiter.api.Test;

import io.github.flashspring.engine.ScarceMemoryProvider;
import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.device.DeviceException;
import io.github.flashspring.engine.device.DeviceProvider;
import io.github.flashspring.engine.device.KvBlocks;
import io.github.flashspring.engine.device.cpu.CpuDeviceProvider;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

/**
 * Tests for {@link KvCache}.
 */
class KvCacheTests {

	private static final KvBlocks.Layout LAYOUT = new KvBlocks.Layout(16, 2, 8, 8);

	private final AtomicInteger allocations = new AtomicInteger(Integer.MAX_VALUE);

	private final Device device = ScarceMemoryProvider
		.scarce(new CpuDeviceProvider().create(new DeviceProvider.Options(1)), this.allocations);

	@Test
	void lendsWholeBlocksUntilNoneIsFree() {
		try (KvCache cache = new KvCache(this.device, LAYOUT, 3, 64)) {
			int[] first = cache.lend(17).orElseThrow();
			int[] second = cache.lend(32).orElseThrow();
			assertThat(first).hasSize(2).doesNotContain(second);
			assertThat(second).hasSize(2);
			assertThat(cache.buffer(first[1])).isNotNull();
			assertThat(cache.lend(1)).isEmpty();
			cache.giveBack(first);
			assertThat(cache.lend(33)).isEmpty();
			assertThat(cache.lend(32)).hasValueSatisfying((blocks) -> assertThat(blocks).containsOnly(first));
			assertThatIllegalArgumentException().isThrownBy(() -> cache.lend(65)).withMessageContaining("5 KV blocks");
		}
	}

	@Test
	void lendsNothingWhenMemoryEnds() {
		try (KvCache cache = new KvCache(this.device, LAYOUT, 3, 64)) {
			this.allocations.set(3);
			assertThatExceptionOfType(DeviceException.class).isThrownBy(() -> cache.lend(64))
				.withMessageContainingAll("sequence of 64 tokens", "6.00 KB", "No memory is left");
			assertThat(cache.lend(48)).isPresent();
			assertThatExceptionOfType(DeviceException.class).isThrownBy(() -> cache.lend(16));
			assertThatIllegalStateException().isThrownBy(() -> cache.buffer(3));
			this.allocations.set(1);
			assertThat(cache.lend(16)).isPresent();
		}
	}

	@Test
	void lendsAStateToEverySequence() {
		try (KvCache cache = new KvCache(this.device, LAYOUT, 3, 64, 100, 2)) {
			int[] first = cache.lend(16).orElseThrow();
			int[] second = cache.lend(16).orElseThrow();
			assertThat(cache.states(first[0]).byteSize()).isEqualTo(400);
			assertThat(cache.states(first[0])).isNotSameAs(cache.states(second[0]));
			assertThat(cache.lend(16)).as("a third state").isEmpty();
			cache.giveBack(first);
			assertThatIllegalStateException().isThrownBy(() -> cache.states(first[0]));
			assertThat(cache.lend(16)).isPresent();
		}
	}

}
