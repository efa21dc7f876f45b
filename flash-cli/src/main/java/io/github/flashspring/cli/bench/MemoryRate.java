package io.github.flashspring.cli.bench;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;

/**
 * How fast a number of threads read memory when they do nothing else: what no engine that
 * reads its weights once per token can beat.
 */
final class MemoryRate implements AutoCloseable {

	/** Much more than any cache holds. */
	private static final long BYTES = 1L << 29;

	private final Arena arena = Arena.ofShared();

	private final MemorySegment memory = this.arena.allocate(BYTES, 64);

	private final int threads;

	/** Keeps the JIT compiler from leaving the reads out. */
	private final AtomicLong sink = new AtomicLong();

	MemoryRate(int threads) {
		this.threads = threads;
		this.memory.fill((byte) 1);
	}

	/**
	 * Reads all of the memory once.
	 * @return bytes per second
	 */
	double measure() {
		CountDownLatch start = new CountDownLatch(1);
		CountDownLatch end = new CountDownLatch(this.threads);
		long share = BYTES / this.threads / 64 * 64;
		for (int i = 0; i < this.threads; i++) {
			long from = i * share;
			Thread.ofPlatform().daemon().start(() -> {
				await(start);
				this.sink.addAndGet(read(this.memory.asSlice(from, share)));
				end.countDown();
			});
		}
		long begin = System.nanoTime();
		start.countDown();
		await(end);
		return share * this.threads * 1e9 / (System.nanoTime() - begin);
	}

	private static void await(CountDownLatch latch) {
		try {
			latch.await();
		}
		catch (InterruptedException ex) {
			Thread.currentThread().interrupt();
			throw new IllegalStateException("Interrupted while measuring", ex);
		}
	}

	private static long read(MemorySegment memory) {
		long sum = 0;
		for (long piece = 0; piece < memory.byteSize(); piece += 1 << 20) {
			sum += readPiece(memory.asSlice(piece, Math.min(1 << 20, memory.byteSize() - piece)));
		}
		return sum;
	}

	private static long readPiece(MemorySegment memory) {
		long a = 0;
		long b = 0;
		long c = 0;
		long d = 0;
		int count = (int) (memory.byteSize() / Long.BYTES);
		for (int i = 0; i < count; i += 4) {
			a += memory.getAtIndex(ValueLayout.JAVA_LONG, i);
			b += memory.getAtIndex(ValueLayout.JAVA_LONG, i + 1);
			c += memory.getAtIndex(ValueLayout.JAVA_LONG, i + 2);
			d += memory.getAtIndex(ValueLayout.JAVA_LONG, i + 3);
		}
		return a + b + c + d;
	}

	@Override
	public void close() {
		this.arena.close();
	}

}
