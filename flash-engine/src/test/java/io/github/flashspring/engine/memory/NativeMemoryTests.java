package io.github.flashspring.engine.memory;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Objects;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

@EnabledOnOs(OS.LINUX)
class NativeMemoryTests {

	private static final long BYTES = 3_182_592;

	@Test
	void partsOfARegionFollowEachOtherInHugePages() {
		long each = NativeMemory.aligned(BYTES);
		NativeMemory.Region region = Objects.requireNonNull(NativeMemory.reserve(3 * each));
		NativeMemory first = region.part(0, BYTES);
		NativeMemory second = region.part(each, BYTES);
		assertThat(first.segment().address() % NativeMemory.HUGE_PAGE).isZero();
		assertThat(second.segment().address() - first.segment().address()).isEqualTo(each);
		assertThat(second.segment().byteSize()).isEqualTo(BYTES);
		first.close();
		second.close();
		region.close();
	}

	@Test
	void aClosedPartGivesItsPagesBackAndLeavesItsNeighboursAlone() {
		long each = NativeMemory.aligned(BYTES);
		NativeMemory.Region region = Objects.requireNonNull(NativeMemory.reserve(3 * each));
		NativeMemory[] parts = { region.part(0, BYTES), region.part(each, BYTES), region.part(2 * each, BYTES) };
		for (NativeMemory part : parts) {
			part.segment().fill((byte) 7);
		}
		parts[1].close();
		// still mapped, but with new pages
		assertThat(sum(parts[1].segment())).isZero();
		assertThat(sum(parts[0].segment())).isEqualTo(7 * BYTES);
		assertThat(sum(parts[2].segment())).isEqualTo(7 * BYTES);
		NativeMemory again = region.part(each, BYTES);
		region.close();
		again.segment().fill((byte) 1);
		assertThat(sum(parts[0].segment()) + sum(parts[2].segment())).isEqualTo(14 * BYTES);
		parts[0].close();
		again.close();
		parts[2].close();
		assertThatIllegalStateException().isThrownBy(() -> sum(parts[0].segment()));
	}

	private static long sum(MemorySegment segment) {
		long sum = 0;
		for (long i = 0; i < segment.byteSize(); i++) {
			sum += segment.get(ValueLayout.JAVA_BYTE, i);
		}
		return sum;
	}

}
