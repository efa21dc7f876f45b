package io.github.flashspring.engine.device.cpu;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicIntegerArray;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

@Timeout(60)
class WorkerPoolTests {

	@Test
	void coversEveryItemOnceInBandsOfTheGrain() {
		for (int threads = 1; threads <= 4; threads++) {
			try (WorkerPool pool = new WorkerPool(threads)) {
				for (int count : new int[] { 0, 1, 7, 64, 1000 }) {
					AtomicIntegerArray seen = new AtomicIntegerArray(count);
					pool.run(count, 8, (from, to, worker) -> {
						assertThat(from % 8).isZero();
						assertThat(to == count || to % 8 == 0).isTrue();
						for (int i = from; i < to; i++) {
							seen.incrementAndGet(i);
						}
					});
					for (int i = 0; i < count; i++) {
						assertThat(seen.get(i)).isOne();
					}
				}
			}
		}
	}

	@Test
	void letsSeveralThreadsWorkAtOnceEachWithItsOwnIndex() {
		try (WorkerPool pool = new WorkerPool(3)) {
			CountDownLatch met = new CountDownLatch(3);
			Set<Integer> workers = ConcurrentHashMap.newKeySet();
			pool.run(12, 1, (from, to, worker) -> {
				workers.add(worker);
				met.countDown();
				await(met);
			});
			assertThat(workers).containsExactlyInAnyOrder(0, 1, 2);
		}
	}

	@Test
	void wakesThreadsThatHaveGoneToSleep() throws InterruptedException {
		try (WorkerPool pool = new WorkerPool(2)) {
			for (int i = 0; i < 3; i++) {
				CountDownLatch met = new CountDownLatch(2);
				pool.run(2, 1, (from, to, worker) -> {
					met.countDown();
					await(met);
				});
				Thread.sleep(20);
			}
		}
	}

	@Test
	void handsOnWhatABandThrowsAndGoesOnWorking() {
		try (WorkerPool pool = new WorkerPool(2)) {
			assertThatThrownBy(() -> pool.run(100, 1, (from, to, worker) -> {
				throw new UnsupportedOperationException("band " + from);
			})).isInstanceOf(UnsupportedOperationException.class).hasMessageStartingWith("band");
			assertThatThrownBy(() -> pool.run(100, 1, (from, to, worker) -> {
				throw new StackOverflowError();
			})).isInstanceOf(StackOverflowError.class);
			AtomicIntegerArray seen = new AtomicIntegerArray(1);
			pool.run(100, 1, (from, to, worker) -> seen.addAndGet(0, to - from));
			assertThat(seen.get(0)).isEqualTo(100);
		}
	}

	@Test
	void runsManyShortOperations() {
		try (WorkerPool pool = new WorkerPool(3)) {
			int[] sums = new int[8];
			for (int i = 0; i < 20_000; i++) {
				pool.run(8, 1, (from, to, worker) -> {
					for (int item = from; item < to; item++) {
						sums[item]++;
					}
				});
			}
			assertThat(sums).containsOnly(20_000);
		}
	}

	@Test
	void endsItsThreadsWhenClosed() {
		List<Thread> before = threads();
		WorkerPool pool = new WorkerPool(3);
		assertThat(threads()).hasSize(before.size() + 2);
		pool.close();
		assertThat(threads()).hasSameSizeAs(before);
		assertThatIllegalStateException().isThrownBy(() -> pool.run(1, 1, (from, to, worker) -> {
		}));
	}

	@Test
	void refusesToBeEmpty() {
		assertThatIllegalArgumentException().isThrownBy(() -> new WorkerPool(0)).withMessageContaining("at least 1");
	}

	private static List<Thread> threads() {
		List<Thread> threads = new ArrayList<>();
		for (Thread thread : Thread.getAllStackTraces().keySet()) {
			if (thread.getName().startsWith("flash-cpu-")) {
				threads.add(thread);
			}
		}
		return threads;
	}

	private static void await(CountDownLatch latch) {
		try {
			if (!latch.await(30, TimeUnit.SECONDS)) {
				throw new IllegalStateException("Nobody else came");
			}
		}
		catch (InterruptedException ex) {
			Thread.currentThread().interrupt();
			throw new IllegalStateException(ex);
		}
	}

}
