package io.github.flashspring.engine.residency;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;

import static org.assertj.core.api.Assertions.assertThat;

class SlabRingTests {

	@Property(tries = 500)
	void stretchesNeverOverlapAndAnEmptyRingTakesAll(
			@ForAll @Size(max = 200) List<@IntRange(min = -1, max = 100) Integer> steps) {
		SlabRing ring = new SlabRing(100);
		Deque<long[]> taken = new ArrayDeque<>();
		for (int step : steps) {
			if (step <= 0) {
				if (!taken.isEmpty()) {
					taken.removeFirst();
					ring.free();
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
