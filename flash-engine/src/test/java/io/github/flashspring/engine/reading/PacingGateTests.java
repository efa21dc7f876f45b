package io.github.flashspring.engine.reading;

import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

import io.github.flashspring.engine.device.Fence;
import io.github.flashspring.engine.pacing.BandwidthController;
import io.github.flashspring.engine.reading.ReadRange.Urgency;
import io.github.flashspring.engine.weights.Block;
import io.github.flashspring.engine.weights.WeightGroup.Kind;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import static org.assertj.core.api.Assertions.assertThat;

/** When reads may go, without reading. */
@Timeout(30)
class PacingGateTests {

	private static final long BYTES = 1 << 20;

	private final BandwidthController controller = new BandwidthController(System::nanoTime, 0.05, BYTES,
			new long[] { BYTES });

	private final PacingGate gate = new PacingGate(this.controller, (group) -> group, false);

	@Test
	void onlyWhatComputeWaitsForGoesInAColdStart() {
		beginColdStart();
		assertThat(this.gate.isOpen(range(Urgency.NOW))).isTrue();
		assertThat(this.gate.isOpen(range(Urgency.AHEAD))).isFalse();
		assertThat(this.gate.pauseNanos(range(Urgency.AHEAD))).isPositive();
		this.gate.computeWaits(true);
		assertThat(this.gate.isOpen(range(Urgency.AHEAD))).isTrue();
	}

	@Test
	void likelyReadsGoWhereComputeIsBehind() {
		this.gate.computeIsBehind(true);
		assertThat(this.gate.isOpen(range(Urgency.LIKELY))).isTrue();
		assertThat(this.gate.isOpen(range(Urgency.AHEAD))).isFalse();
		beginColdStart();
		assertThat(this.gate.isOpen(range(Urgency.LIKELY))).isFalse();
	}

	@Test
	void bytesThatAreReadOnceAndCopiesOfThePageCacheAreNotPaced() {
		beginColdStart();
		assertThat(new PacingGate(this.controller, (group) -> group, true).isOpen(range(Urgency.LIKELY))).isTrue();
		this.gate.readsOnce(true);
		assertThat(this.gate.isOpen(range(Urgency.LIKELY))).isTrue();
		assertThat(this.gate.isColdStart()).isFalse();
	}

	@Test
	void readsRanConcurrentlyUnlessComputeWaitedForAllOfThem() {
		this.gate.computeWaits(true);
		this.gate.readBegins();
		this.gate.readEnded();
		this.gate.computeWaits(false);
		assertThat(this.gate.ranConcurrently()).isFalse();
		this.gate.readBegins();
		assertThat(this.gate.ranConcurrently()).isTrue();
		assertThat(this.gate.ranConcurrently()).isTrue();
		this.gate.readEnded();
		assertThat(this.gate.ranConcurrently()).isTrue();
		assertThat(this.gate.ranConcurrently()).isFalse();
	}

	@Test
	void computeWaitsForReadsUnderWayInAColdStart() throws Exception {
		beginColdStart();
		this.gate.computeWaits(true);
		this.gate.readBegins();
		CountDownLatch calm = new CountDownLatch(1);
		Thread compute = Thread.ofPlatform().start(() -> {
			this.gate.awaitCalm();
			calm.countDown();
		});
		while (compute.getState() != Thread.State.WAITING) {
			TimeUnit.MILLISECONDS.sleep(1);
		}
		assertThat(calm.getCount()).isEqualTo(1);
		this.gate.readEnded();
		assertThat(calm.await(20, TimeUnit.SECONDS)).isTrue();
	}

	/** The first passes only warm up. */
	private void beginColdStart() {
		for (int i = 0; i < 10 && !this.controller.coldStart(); i++) {
			this.controller.beginPass(1);
		}
		assertThat(this.gate.isColdStart()).isTrue();
	}

	private static ReadRange range(Urgency urgency) {
		Block block = new Block(0, 0, Kind.LAYER, List.of(),
				List.of(new Block.Extent(Path.of("model.safetensors"), 0, BYTES, 0)), BYTES);
		BlockRead read = new BlockRead(block, Arena.ofAuto().allocate(BYTES), 0, Fence.DONE);
		return new ReadRange(read, block.extents().getFirst(), urgency);
	}

}
