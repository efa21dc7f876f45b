package io.github.flashspring.cli.bench;

import java.lang.foreign.MemorySegment;
import java.util.Optional;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.atomic.AtomicLong;

import org.jspecify.annotations.Nullable;

/**
 * How fast a number of threads read memory when they do nothing else: what no engine that
 * reads its weights once per token can beat. The threads stay for all measurements.
 */
final class MemoryRate implements AutoCloseable {

	/** Much more than any cache holds. */
	private static final long BYTES = 1L << 29;

	private static final int PASSES = 6;

	private static final int PIECE = 1 << 20;

	private final int threads;

	private final MemoryReader reader = MemoryReader.best();

	private final CyclicBarrier barrier;

	/** Keeps the JIT compiler from leaving the reads out. */
	private final AtomicLong sink = new AtomicLong();

	private @Nullable MemorySegment memory;

	/**
	 * Starts the threads and lets the JIT compiler see what they do.
	 * @param threads how many read
	 */
	MemoryRate(int threads) {
		this.threads = threads;
		this.barrier = new CyclicBarrier(threads + 1);
		for (int i = 0; i < threads; i++) {
			int index = i;
			Thread.ofPlatform().name("memory-rate-" + i).daemon().start(() -> run(index));
		}
		measure();
	}

	/**
	 * Measures with small and with huge pages, for which processors look up fewer
	 * addresses.
	 * @return the best of several passes over the memory each
	 */
	Rates measure() {
		double small = measure(false).orElseThrow();
		return new Rates(small, measure(true).orElse(small));
	}

	private Optional<Double> measure(boolean huge) {
		return AnonymousMemory.allocate(BYTES, huge).map((allocated) -> {
			try (allocated) {
				this.memory = allocated.segment();
				double best = 0;
				for (int pass = 0; pass < PASSES; pass++) {
					await();
					long begin = System.nanoTime();
					await();
					best = Math.max(best, BYTES * 1e9 / (System.nanoTime() - begin));
				}
				return best;
			}
			finally {
				this.memory = null;
			}
		});
	}

	private void run(int index) {
		long pieces = BYTES / PIECE;
		long first = pieces * index / this.threads;
		long end = pieces * (index + 1) / this.threads;
		await();
		for (MemorySegment segment = this.memory; segment != null; segment = this.memory) {
			long all = 0;
			for (long piece = first; piece < end; piece++) {
				all ^= this.reader.read(segment, piece * PIECE, PIECE);
			}
			this.sink.addAndGet(all);
			await();
			await();
		}
	}

	/** Also makes visible to each other what the threads have written. */
	private void await() {
		try {
			this.barrier.await();
		}
		catch (InterruptedException ex) {
			Thread.currentThread().interrupt();
			throw new IllegalStateException("Interrupted while measuring", ex);
		}
		catch (BrokenBarrierException ex) {
			throw new IllegalStateException("A thread that measures has failed", ex);
		}
	}

	/** Lets the threads end. */
	@Override
	public void close() {
		await();
	}

	/**
	 * Rates of reading, in bytes per second.
	 *
	 * @param smallPages from memory in pages of the usual size
	 * @param hugePages from memory in huge pages, where the system has them
	 */
	record Rates(double smallPages, double hugePages) {

		/**
		 * What memory gives.
		 * @return the better rate
		 */
		double best() {
			return Math.max(this.smallPages, this.hugePages);
		}

	}

}
