package io.github.flashspring.engine.storage;

import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;

import io.github.flashspring.engine.memory.NativeMemory;
import io.github.flashspring.engine.checkpoint.CheckpointException;

/**
 * How fast a disk gives what a pass reads when nothing is computed: the same ranges of
 * the same files in the same order, as many at once. No decoding of streamed weights can
 * beat it.
 */
public final class DiskSpeed {

	private final List<Range> ranges;

	private final Map<Path, DirectFile> files = new HashMap<>();

	private final int readers;

	/**
	 * Measures for what passes read.
	 * @param ranges what they read, in order
	 * @param readers most reads at once
	 * @param files the open files
	 */
	public DiskSpeed(List<Range> ranges, int readers, List<DirectFile> files) {
		this.ranges = List.copyOf(ranges);
		this.readers = readers;
		files.forEach((file) -> this.files.put(file.path(), file));
	}

	/**
	 * Reads what passes read, again and again, into memory of its own.
	 * @param bytes how much to read, about
	 * @return bytes per second; 0 if passes read nothing
	 * @throws CheckpointException if a file cannot be read
	 */
	public double measure(long bytes) {
		if (this.ranges.isEmpty()) {
			return 0;
		}
		long size = this.ranges.stream().mapToLong(Range::length).max().orElseThrow();
		AtomicInteger turn = new AtomicInteger();
		AtomicLong begun = new AtomicLong();
		AtomicLong read = new AtomicLong();
		try (ExecutorService threads = Executors.newThreadPerTaskExecutor(ReadThread.factory("flash-disk-"));
				NativeMemory memory = NativeMemory.allocate(size * this.readers)) {
			memory.segment().fill((byte) 1); // as all pages of the passes' memory are
												// there
			long start = System.nanoTime();
			CompletableFuture<?>[] readers = IntStream.range(0, this.readers)
				.mapToObj((reader) -> memory.segment().asSlice(reader * size, size))
				.map((target) -> CompletableFuture.runAsync(() -> {
					Range next = next(turn);
					while (begun.getAndAdd(next.length()) < bytes) {
						read(next, target);
						read.addAndGet(next.length());
						next = next(turn);
					}
				}, threads))
				.toArray(CompletableFuture<?>[]::new);
			CompletableFuture.allOf(readers).join();
			return read.get() * 1e9 / Math.max(1, System.nanoTime() - start);
		}
		catch (CompletionException ex) {
			if (ex.getCause() instanceof RuntimeException cause) {
				throw cause;
			}
			throw ex;
		}
	}

	private Range next(AtomicInteger turn) {
		return this.ranges.get(Math.floorMod(turn.getAndIncrement(), this.ranges.size()));
	}

	private void read(Range range, MemorySegment target) {
		DirectFile file = this.files.get(range.file().toAbsolutePath());
		if (file == null) {
			throw new IllegalStateException("The file " + range.file() + " is not open");
		}
		file.read(range.offset(), target.asSlice(0, range.length()));
	}

	/**
	 * Bytes of a file.
	 *
	 * @param file the file
	 * @param offset the first of them
	 * @param length how many
	 */
	public record Range(Path file, long offset, long length) {

	}

}
