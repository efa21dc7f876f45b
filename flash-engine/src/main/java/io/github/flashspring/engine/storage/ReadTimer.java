package io.github.flashspring.engine.storage;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.IntStream;

import io.github.flashspring.engine.storage.DiskProfile.Shape;

/**
 * Times reads of a file at random places, several at once.
 */
final class ReadTimer implements DiskProbe.Timer, AutoCloseable {

	private final DirectFile file;

	private final long largestWindow;

	private final Random random = new Random();

	private final ExecutorService threads = Executors.newThreadPerTaskExecutor(ReadThread.factory("flash-probe-"));

	private final Arena arena = Arena.ofShared();

	private MemorySegment memory = MemorySegment.NULL;

	/**
	 * Reads a file.
	 * @param file not closed here
	 * @param largestWindow most bytes that will be read at once
	 */
	ReadTimer(DirectFile file, long largestWindow) {
		this.file = file;
		this.largestWindow = largestWindow;
	}

	@Override
	public long time(Shape shape, long bytes) {
		int size = shape.readBytes();
		int each = Math.toIntExact(bytes / shape.windowBytes());
		if (this.memory.byteSize() == 0) {
			// Writes all its pages, which the prefetcher's memory has as well.
			this.memory = this.arena.allocate(this.largestWindow, this.file.alignment());
		}
		long[] offsets = this.random.longs(each * (long) shape.readsInFlight(), 0, this.file.size() - size)
			.map((offset) -> offset - offset % this.file.alignment())
			.toArray();
		long start = System.nanoTime();
		CompletableFuture<?>[] readers = IntStream.range(0, shape.readsInFlight())
			.mapToObj((reader) -> CompletableFuture.runAsync(() -> {
				MemorySegment target = this.memory.asSlice((long) reader * size, size);
				for (int i = 0; i < each; i++) {
					this.file.read(offsets[reader * each + i], target);
				}
			}, this.threads))
			.toArray(CompletableFuture<?>[]::new);
		try {
			CompletableFuture.allOf(readers).join();
		}
		catch (CompletionException ex) {
			if (ex.getCause() instanceof RuntimeException cause) {
				throw cause;
			}
			throw ex;
		}
		return System.nanoTime() - start;
	}

	@Override
	public void close() {
		this.threads.close();
		this.arena.close();
	}

}
