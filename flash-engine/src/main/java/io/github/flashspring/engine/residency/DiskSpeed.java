package io.github.flashspring.engine.residency;

import java.nio.file.Path;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;

import io.github.flashspring.engine.checkpoint.CheckpointException;
import io.github.flashspring.engine.residency.DiskProfile.Shape;

/**
 * How fast a disk gives a model's files when nothing is computed, read as weights are
 * streamed: what no decoding of streamed weights can beat.
 */
public final class DiskSpeed implements AutoCloseable {

	private final List<DirectFile> files;

	private final DirectFile largest;

	private DiskSpeed(List<DirectFile> files) {
		this.files = files;
		this.largest = files.stream().max(Comparator.comparingLong(DirectFile::size)).orElseThrow();
	}

	/**
	 * Opens files.
	 * @param files at least one file, on one disk
	 * @return the measurement; the caller closes it
	 * @throws CheckpointException if a file cannot be opened
	 */
	public static DiskSpeed open(Collection<Path> files) {
		return new DiskSpeed(DirectFile.openAll(List.copyOf(files)));
	}

	/**
	 * Reads at random places.
	 * @param pattern size and number of reads; smaller ones for a file that is not four
	 * times as large
	 * @param bytes how much to read, about
	 * @return bytes per second
	 * @throws CheckpointException if a file cannot be read
	 */
	public double measure(ReadPattern pattern, long bytes) {
		int alignment = this.largest.alignment();
		long size = Math.min(pattern.readBytes(), this.largest.size() / 4) / alignment * alignment;
		if (size == 0) {
			throw new CheckpointException("The file " + this.largest.path() + " has " + this.largest.size()
					+ " bytes, too few to measure its disk with.", "Measure with a larger model.");
		}
		Shape shape = new Shape((int) size, pattern.readsInFlight());
		long wanted = Math.max(1, bytes / shape.windowBytes()) * shape.windowBytes();
		try (ReadTimer timer = new ReadTimer(this.largest, shape.windowBytes())) {
			timer.time(shape, shape.windowBytes()); // threads and memory are there then
			return wanted * 1e9 / timer.time(shape, wanted);
		}
	}

	@Override
	public void close() {
		this.files.forEach(DirectFile::close);
	}

}
