package io.github.flashspring.engine.residency;

import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Stream;

import io.github.flashspring.engine.checkpoint.CheckpointException;
import org.jspecify.annotations.Nullable;

/**
 * The files of a model as weights are read from them, opened when first needed.
 */
public final class WeightFiles implements AutoCloseable {

	private final WeightLayout layout;

	private final Function<List<Path>, List<DirectFile>> opener;

	private final DiskProbe probe = DiskProbe.ofSystem();

	private @Nullable List<DirectFile> open;

	private boolean closed;

	private ResidencyPlan.@Nullable Disk disk;

	/**
	 * Names the files, to be read around the page cache.
	 * @param layout which tensors lie in which file
	 */
	public WeightFiles(WeightLayout layout) {
		this(layout, true);
	}

	/**
	 * Names the files.
	 * @param layout which tensors lie in which file
	 * @param direct whether reads go around the page cache where the file system allows
	 * it
	 */
	public WeightFiles(WeightLayout layout, boolean direct) {
		this(layout, (files) -> DirectFile.openAll(files, direct));
	}

	/**
	 * Names the files, to be opened by somebody else.
	 * @param layout which tensors lie in which file
	 * @param opener opens files
	 */
	WeightFiles(WeightLayout layout, Function<List<Path>, List<DirectFile>> opener) {
		this.layout = layout;
		this.opener = opener;
	}

	/**
	 * Opens the files and says what is known about reading them; nothing is measured.
	 * @return alignment, and what was measured before
	 * @throws CheckpointException if a file cannot be opened
	 */
	public synchronized ResidencyPlan.Disk disk() {
		if (this.disk == null) {
			this.disk = disk(this.probe.remembered(largest()));
		}
		return this.disk;
	}

	/**
	 * Opens the files and says how they can be read, after measuring the disk if it is
	 * not known: that takes seconds.
	 * @return alignment, and what was measured
	 * @throws CheckpointException if a file cannot be opened or read
	 */
	public synchronized ResidencyPlan.Disk measuredDisk() {
		this.disk = disk(this.probe.profile(largest(), Long.MAX_VALUE));
		return this.disk;
	}

	/**
	 * Remembers how fast passes read, if nothing is known of the disk.
	 * @param pattern how they read
	 * @param bytesPerSecond the rate while they did; 0 if they did not
	 */
	public synchronized void learn(ReadPattern pattern, double bytesPerSecond) {
		if (this.disk != null && this.disk.patterns().isEmpty() && largest().size() >= DiskProbe.SMALLEST_FILE) {
			this.probe.learn(largest(), pattern, bytesPerSecond);
		}
	}

	private ResidencyPlan.Disk disk(DiskProfile profile) {
		return new ResidencyPlan.Disk(profile.patterns(),
				open().stream().mapToInt(DirectFile::alignment).max().orElseThrow());
	}

	private DirectFile largest() {
		return open().stream().max(Comparator.comparingLong(DirectFile::size)).orElseThrow();
	}

	synchronized List<DirectFile> open() {
		if (this.open == null) {
			List<Path> files = Stream.concat(this.layout.units().stream(), Stream.of(this.layout.embedding()))
				.flatMap((unit) -> unit.weights().stream())
				.flatMap((weight) -> weight.parts().stream())
				.map((part) -> part.file().toAbsolutePath())
				.distinct()
				.toList();
			List<DirectFile> opened = this.opener.apply(files);
			try {
				opened.forEach(this::requireSame);
			}
			catch (RuntimeException ex) {
				opened.forEach(DirectFile::close);
				throw ex;
			}
			this.open = opened;
		}
		return this.open;
	}

	/** What is read must be what the headers describe. */
	private void requireSame(DirectFile file) {
		this.layout.checkpoint().versions().forEach((path, version) -> {
			if (path.toAbsolutePath().equals(file.path())) {
				file.requireSame(version);
			}
		});
	}

	/**
	 * Reads what was read before once more, from the files as they are now.
	 * @return the first file in which something differs; empty if nothing does
	 * @throws CheckpointException if a file cannot be opened or read
	 */
	public synchronized Optional<Path> differenceFromRead() {
		if (this.open == null) {
			return Optional.empty();
		}
		List<DirectFile> now = this.opener.apply(this.open.stream().map(DirectFile::path).toList());
		try {
			for (int i = 0; i < now.size(); i++) {
				if (!now.get(i).holdsWhatWasRead(this.open.get(i))) {
					return Optional.of(now.get(i).path());
				}
			}
			return Optional.empty();
		}
		finally {
			now.forEach(DirectFile::close);
		}
	}

	@Override
	public synchronized void close() {
		if (this.open != null && !this.closed) {
			this.open.forEach(DirectFile::close);
		}
		this.closed = true;
	}

}
