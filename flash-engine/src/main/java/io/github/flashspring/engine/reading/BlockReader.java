package io.github.flashspring.engine.reading;

import io.github.flashspring.engine.pacing.BandwidthController;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

import io.github.flashspring.engine.device.DeviceException;
import io.github.flashspring.engine.memory.NativeMemory;
import io.github.flashspring.engine.storage.DirectFile;
import io.github.flashspring.engine.storage.DiskTurns;
import org.jspecify.annotations.Nullable;

/**
 * Reads blocks and rows from files, and reports each read. Safe for use by several
 * threads.
 */
public final class BlockReader {

	private final Map<Path, DirectFile> files = new HashMap<>();

	private final IoRecorder recorder;

	private final BandwidthController controller;

	private final DiskTurns turns;

	/**
	 * Makes a reader.
	 * @param settings has the files, and how many reads there are at once
	 * @param recorder hears of reads
	 * @param controller hears of reads of blocks
	 */
	public BlockReader(Settings settings, IoRecorder recorder, BandwidthController controller) {
		settings.files().forEach((file) -> this.files.put(file.path(), file));
		this.turns = settings.turns();
		this.turns.allow(settings.threads());
		this.recorder = recorder;
		this.controller = controller;
	}

	/**
	 * Reads what a queue has until it is closed; the loop of one reader.
	 * @param queue what to read
	 * @param rowBytes memory for the file-system blocks of one row
	 */
	void readAll(ReadQueue queue, long rowBytes) {
		NativeMemory scratch = null;
		try {
			ReadTask task = queue.next();
			while (task != null) {
				if (task instanceof RowBatch.Task && scratch == null) {
					scratch = NativeMemory.allocate(rowBytes);
				}
				queue.ended(task, read(task, scratch));
				task = queue.next();
			}
		}
		catch (RuntimeException | Error ex) {
			// Not the fault of a read: whoever waits for one must hear of it.
			queue.close(ex);
		}
		finally {
			if (scratch != null) {
				scratch.close();
			}
		}
	}

	/**
	 * {@return what the read failed with, or null}
	 */
	private @Nullable RuntimeException read(ReadTask task, @Nullable NativeMemory scratch) {
		try {
			switch (task) {
				case JoinedRead joined -> read(joined);
				case RowBatch.Task row -> read(row.row(), Objects.requireNonNull(scratch));
			}
			return null;
		}
		catch (RuntimeException ex) {
			this.recorder.failed();
			return ex;
		}
		catch (Error ex) {
			this.recorder.failed();
			return new DeviceException("A read of weights failed: " + ex, ex);
		}
	}

	/**
	 * {@return what offsets and lengths of reads of a file are multiples of}
	 */
	int alignment(Path file) {
		return file(file).alignment();
	}

	/**
	 * Whether reads may take what the page cache holds.
	 * @param use true where each byte is read once
	 */
	void usePageCache(boolean use) {
		this.files.values().forEach((file) -> file.usePageCache(use));
	}

	private void read(JoinedRead joined) {
		List<ReadRange> ranges = joined.ranges();
		ranges.forEach((range) -> range.read().before().await());
		DirectFile file = file(joined.file());
		this.turns.begin(awaited(ranges));
		long start = System.nanoTime();
		int calls;
		try {
			calls = file.read(joined.offset(), joined.targets());
		}
		finally {
			this.turns.end();
		}
		joined.share();
		long end = System.nanoTime();
		ranges.forEach((range) -> file.remember(range.from(), range.memory(range.from(), range.to())));
		this.recorder.read(group(ranges.getFirst()), joined.bytes(0), calls, start, end, awaited(ranges));
		for (int i = 1; i < ranges.size(); i++) {
			this.recorder.readAlong(group(ranges.get(i)), joined.bytes(i));
		}
		this.controller.read(joined.length(), end - start);
	}

	private static boolean awaited(List<ReadRange> ranges) {
		return ranges.stream().anyMatch((range) -> range.read().awaited());
	}

	private static int group(ReadRange range) {
		return range.read().block().group();
	}

	/** Reads the file-system blocks that hold a row, and copies the row. */
	private void read(RowBatch.Row row, NativeMemory scratch) {
		DirectFile file = file(row.file());
		long from = row.offset() / file.alignment() * file.alignment();
		long length = Math.ceilDiv(row.offset() + row.target().byteSize() - from, file.alignment()) * file.alignment();
		this.turns.begin(true);
		long start = System.nanoTime();
		int calls;
		try {
			calls = file.read(from, scratch.segment().asSlice(0, length));
		}
		finally {
			this.turns.end();
		}
		MemorySegment.copy(scratch.segment(), row.offset() - from, row.target(), 0, row.target().byteSize());
		this.recorder.readRow(row.group(), length, calls, start, System.nanoTime());
	}

	private DirectFile file(Path path) {
		DirectFile file = this.files.get(path.toAbsolutePath());
		if (file == null) {
			throw new IllegalStateException("The file " + path + " is not open");
		}
		return file;
	}

	/**
	 * How to read.
	 *
	 * @param files open files that hold the blocks; closed after the readers
	 * @param turns reads of their disk
	 * @param threads most reads at once
	 * @param rowBytes memory of a reader for the file-system blocks of a row
	 * @param joinedBytes longest read that is made of neighbours
	 * @param cached whether the page cache holds the files
	 * @param maxBeginNanos longest wait of compute for reads to begin
	 */
	public record Settings(List<DirectFile> files, DiskTurns turns, int threads, long rowBytes, long joinedBytes,
			boolean cached, long maxBeginNanos) {

		/** Slices of schedulers are longer: who has not begun by then will not soon. */
		private static final long MAX_BEGIN_NANOS = 500_000;

		public Settings(List<DirectFile> files, DiskTurns turns, int threads, long rowBytes, long joinedBytes,
				boolean cached) {
			this(files, turns, threads, rowBytes, joinedBytes, cached, MAX_BEGIN_NANOS);
		}

	}

}
