package io.github.flashspring.engine.residency;

import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;

import io.github.flashspring.engine.memory.NativeMemory;
import io.github.flashspring.engine.storage.DirectFile;
import io.github.flashspring.engine.storage.ReadThread;
import io.github.flashspring.engine.weights.Block;
import io.github.flashspring.engine.weights.BlockLayout;
import io.github.flashspring.engine.weights.WeightFiles;
import io.github.flashspring.engine.weights.WeightLayout;
import io.github.flashspring.engine.checkpoint.CheckpointException;

/**
 * How fast a disk gives what a pass reads when nothing is computed: the same stretches of
 * the same files in the same order, as many at once; experts in an order of their own. No
 * decoding of streamed weights can beat it.
 */
public final class DiskSpeed {

	private final List<Block.Extent> extents = new ArrayList<>();

	private final Map<Path, DirectFile> files = new HashMap<>();

	private final int readers;

	/**
	 * Measures for a plan.
	 * @param layout the weights
	 * @param plan says what streams, and how
	 * @param files the open files
	 */
	public DiskSpeed(WeightLayout layout, ResidencyPlan plan, WeightFiles files) {
		this.readers = plan.reads().readsInFlight();
		if (plan.unlimited()) {
			return;
		}
		List<Block> experts = new ArrayList<>();
		for (Block block : BlockLayout.cut(layout, plan.blockBytes(), plan.alignment()).blocks()) {
			boolean streams = !plan.blocks().get(block.index()).pinned() && block.unit() < layout.units().size();
			if (streams && !block.onDemand()) {
				this.extents.addAll(block.extents());
			}
			else if (block.onDemand()) {
				experts.add(block);
			}
		}
		if (plan.cachedExpertBytes() < experts.stream().mapToLong(Block::bytes).sum()) {
			// As tokens need them: here one and there one.
			Collections.shuffle(experts, new Random(1));
			experts.forEach((block) -> this.extents.addAll(block.extents()));
		}
		files.open().forEach((file) -> this.files.put(file.path(), file));
	}

	/**
	 * Reads what passes read, again and again, into memory of its own.
	 * @param bytes how much to read, about
	 * @return bytes per second; 0 if passes read nothing
	 * @throws CheckpointException if a file cannot be read
	 */
	public double measure(long bytes) {
		if (this.extents.isEmpty()) {
			return 0;
		}
		long size = this.extents.stream().mapToLong(Block.Extent::length).max().orElseThrow();
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
					Block.Extent next = next(turn);
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

	private Block.Extent next(AtomicInteger turn) {
		return this.extents.get(Math.floorMod(turn.getAndIncrement(), this.extents.size()));
	}

	private void read(Block.Extent extent, MemorySegment target) {
		DirectFile file = this.files.get(extent.file().toAbsolutePath());
		if (file == null) {
			throw new IllegalStateException("The file " + extent.file() + " is not open");
		}
		file.read(extent.offset(), target.asSlice(0, extent.length()));
	}

}
