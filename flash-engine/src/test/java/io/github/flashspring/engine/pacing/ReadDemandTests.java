package io.github.flashspring.engine.pacing;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

class ReadDemandTests {

	private static final double MILLI = 1e6;

	/** Layers of one millisecond each. */
	private static LayerTimes times(int layers) {
		LayerTimes times = new LayerTimes(layers);
		for (int i = 0; i < layers; i++) {
			times.add(i, (long) MILLI, false);
		}
		return times;
	}

	@Test
	void demandIsBytesOverTimeUntilTheLayerStarts() {
		ReadDemand demand = new ReadDemand(new long[] { 0, 0, 0, 6000 });
		// Layer 1 starts in 1 ms, layer 2 in 2, layer 3 in 3.
		assertThat(demand.bytesPerSecond(3, 0, MILLI, times(4))).isEqualTo(6000 / 3e-3);
	}

	@Test
	void demandIsTheSteepestSlopeToAnyLayer() {
		ReadDemand demand = new ReadDemand(new long[] { 0, 100, 8000, 100 });
		// 100 bytes in 1 ms, 8100 in 2 ms, 8200 in 3 ms.
		assertThat(demand.bytesPerSecond(1, 0, MILLI, times(4))).isEqualTo(8100 / 2e-3);
	}

	@Test
	void targetBeforeTheCurrentLayerBelongsToTheNextPass() {
		ReadDemand demand = new ReadDemand(new long[] { 3000, 0, 0, 0 });
		assertThat(demand.bytesPerSecond(0, 2, MILLI, times(4))).isEqualTo(3000 / 2e-3);
	}

	@Test
	void demandOfTheLayerThatComputesIsInfinite() {
		ReadDemand demand = new ReadDemand(new long[] { 1, 1 });
		assertThat(demand.bytesPerSecond(1, 1, MILLI, times(2))).isInfinite();
	}

	@Test
	void noTimeLeftMakesTheDemandInfinite() {
		ReadDemand demand = new ReadDemand(new long[] { 0, 1, 0 });
		assertThat(demand.bytesPerSecond(1, 0, -5, times(3))).isInfinite();
	}

	@Test
	void nothingStreamedDemandsNothing() {
		ReadDemand demand = new ReadDemand(new long[3]);
		assertThat(demand.bytes()).isZero();
		assertThat(demand.bytesPerSecond(2, 0, MILLI, times(3))).isZero();
	}

}
