package io.github.flashspring.engine.storage;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Tests for {@link DiskTurns}.
 */
@Timeout(30)
class DiskTurnsTests {

	private final DiskTurns turns = new DiskTurns();

	@Test
	void neverMoreReadsThanAllowedAreUnderWay() throws Exception {
		this.turns.allow(3);
		this.turns.allow(2);
		assertThat(this.turns.allowed()).isEqualTo(3);
		AtomicInteger reading = new AtomicInteger();
		AtomicInteger most = new AtomicInteger();
		List<Thread> threads = new ArrayList<>();
		for (int i = 0; i < 8; i++) {
			boolean awaited = i % 2 == 0;
			threads.add(Thread.ofPlatform().start(() -> {
				for (int j = 0; j < 2000; j++) {
					this.turns.begin(awaited);
					most.accumulateAndGet(reading.incrementAndGet(), Math::max);
					Thread.onSpinWait();
					reading.decrementAndGet();
					this.turns.end();
				}
			}));
		}
		for (Thread thread : threads) {
			thread.join();
		}
		assertThat(most.get()).isBetween(1, 3);
		assertThat(reading.get()).isZero();
	}

	@Test
	void readsThatComputeWaitsForGoFirst() throws Exception {
		this.turns.allow(1);
		this.turns.begin(false);
		List<String> order = Collections.synchronizedList(new ArrayList<>());
		List<Thread> threads = List.of(waiting(order, "prefetch", false), waiting(order, "prefetch", false),
				waiting(order, "awaited", true), waiting(order, "awaited", true));
		this.turns.end();
		for (Thread thread : threads) {
			thread.join();
		}
		assertThat(order).containsExactly("awaited", "awaited", "prefetch", "prefetch");
	}

	/** A read that waits for its turn. */
	private Thread waiting(List<String> order, String name, boolean awaited) throws InterruptedException {
		Thread thread = Thread.ofPlatform().start(() -> {
			this.turns.begin(awaited);
			order.add(name);
			this.turns.end();
		});
		while (thread.getState() != Thread.State.WAITING) {
			Thread.sleep(Duration.ofMillis(1));
		}
		return thread;
	}

}
