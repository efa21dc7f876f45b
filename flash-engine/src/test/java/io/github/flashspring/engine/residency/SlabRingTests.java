package io.github.flashspring.engine.residency;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;

import io.github.flashspring.engine.device.Fence;

import static org.assertj.core.api.Assertions.assertThat;

class SlabRingTests {

	@Property(tries = 500)
	void takenMemoryWaitsForItsLastUseAndNoLaterOne(
			@ForAll @Size(max = 200) List<@IntRange(min = -2, max = 60) Integer> steps) {
		SlabRing ring = new SlabRing(100);
		Deque<long[]> taken = new ArrayDeque<>();
		long[] lastUses = new long[100];
		long uses = 0;
		for (int step : steps) {
			if (step <= 0) {
				if (!taken.isEmpty()) {
					long[] slab = (step == -2) ? taken.removeLast() : taken.removeFirst();
					SlabRing.Use use = (step == 0) ? SlabRing.Use.NONE : new SlabRing.Use(Fence.DONE, ++uses);
					if (step == -2) {
						ring.freeNewest(use);
					}
					else {
						ring.free(use);
					}
					if (step != 0) {
						Arrays.fill(lastUses, (int) slab[0], (int) (slab[0] + slab[1]), uses);
					}
				}
				continue;
			}
			int at = (int) ring.allocate(step);
			if (at >= 0) {
				assertThat(ring.lastUse().number())
					.isEqualTo(Arrays.stream(lastUses, at, at + step).max().orElseThrow());
				taken.addLast(new long[] { at, step });
				Arrays.fill(lastUses, at, at + step, ring.lastUse().number());
			}
		}
	}

	@Property(tries = 500)
	void stretchesNeverOverlapAndAnEmptyRingTakesAll(
			@ForAll @Size(max = 200) List<@IntRange(min = -1, max = 100) Integer> steps) {
		SlabRing ring = new SlabRing(100);
		Deque<long[]> taken = new ArrayDeque<>();
		for (int step : steps) {
			if (step <= 0) {
				if (!taken.isEmpty()) {
					taken.removeFirst();
					ring.free(SlabRing.Use.NONE);
				}
				continue;
			}
			long at = ring.allocate(step);
			if (taken.isEmpty()) {
				assertThat(at).isGreaterThanOrEqualTo(0);
			}
			if (at >= 0) {
				assertThat(at + step).isLessThanOrEqualTo(100);
				assertThat(taken).noneMatch((other) -> at < other[0] + other[1] && other[0] < at + step);
				taken.addLast(new long[] { at, step });
			}
			assertThat(ring.used()).isEqualTo(taken.stream().mapToLong((slab) -> slab[1]).sum());
		}
	}

}
