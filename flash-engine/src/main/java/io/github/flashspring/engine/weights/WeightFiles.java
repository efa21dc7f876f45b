package io.github.flashspring.engine.weights;

import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Stream;

import io.github.flashspring.engine.storage.Disk;
import io.github.flashspring.engine.storage.DirectFile;
import io.github.flashspring.engine.storage.DirectFiles;
import io.github.flashspring.engine.storage.DiskProbe;
import io.github.flashspring.engine.storage.DiskProfile;
import io.github.flashspring.engine.storage.DiskTurns;
import io.github.flashspring.engine.storage.ReadPattern;
import io.github.flashspring.engine.checkpoint.CheckpointException;
import org.jspecify.annotations.Nullable;

/**
 * The files of a model as weights are read from them, opened when first needed.
 */
public final class WeightFiles implements AutoCloseable {

	private final WeightLayout layout;

	private final Function<List<Path>, List<DirectFile>> opener;

	private final Function<List<Path>, List<DirectFile>> cachedOpener;

	private final Function<String, DiskTurns> turns;

	private final DiskProbe probe = DiskProbe.ofSystem();

	private @Nullable List<DirectFile> open;

	private @Nullable List<DirectFile> cached;

	private boolean closed;

	private @Nullable Disk disk;

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
		this(layout, direct, (_) -> new DiskTurns());
	}

	/**
	 * Names the files, on disks that others read as well.
	 * @param layout which tensors lie in which file
	 * @param direct whether reads go around the page cache where the file system allows
	 * it
	 * @param turns the reads of a disk, by its {@linkplain DiskProbe#device name}
	 */
	public WeightFiles(WeightLayout layout, boolean direct, Function<String, DiskTurns> turns) {
		this(layout, (files) -> DirectFiles.openAll(files, direct), DirectFiles::openCached, turns);
	}

	/**
	 * Names the files, to be opened by somebody else.
	 * @param layout which tensors lie in which file
	 * @param opener opens files
	 */
	public WeightFiles(WeightLayout layout, Function<List<Path>, List<DirectFile>> opener) {
		this(layout, opener, opener, (_) -> new DiskTurns());
	}

	private WeightFiles(WeightLayout layout, Function<List<Path>, List<DirectFile>> opener,
			Function<List<Path>, List<DirectFile>> cachedOpener, Function<String, DiskTurns> turns) {
		this.layout = layout;
		this.opener = opener;
		this.cachedOpener = cachedOpener;
		this.turns = turns;
	}

	/**
	 * Opens the files and says what is known about reading them; nothing is measured.
	 * @return alignment, and what was measured before
	 * @throws CheckpointException if a file cannot be opened
	 */
	public synchronized Disk disk() {
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
	public synchronized Disk measuredDisk() {
		this.disk = disk(this.probe.profile(largest(), Long.MAX_VALUE));
		return this.disk;
	}

	/**
	 * Remembers how fast passes read, if nothing is known of the disk.
	 * @param pattern how they read
	 * @param bytesPerSecond the rate while they did; 0 if they did not
	 */
	public synchronized void learn(ReadPattern pattern, double bytesPerSecond) {
		if (this.disk != null && this.disk.patterns().isEmpty() && largest().size() >= DiskProbe.MIN_FILE) {
			this.probe.learn(largest(), pattern, bytesPerSecond);
		}
	}

	/** The reads of the disk that holds the files. */
	public DiskTurns turns() {
		return this.turns.apply(DiskProbe.device(this.layout.checkpoint().versions().keySet().iterator().next()));
	}

	private Disk disk(DiskProfile profile) {
		return new Disk(profile.patterns(), open().stream().mapToInt(DirectFile::alignment).max().orElseThrow());
	}

	private DirectFile largest() {
		return open().stream().max(Comparator.comparingLong(DirectFile::size)).orElseThrow();
	}

	/** The files, read around the page cache. */
	public synchronized List<DirectFile> open() {
		if (this.open == null) {
			this.open = open(this.opener);
		}
		return this.open;
	}

	/** The files, read through the page cache, where their pages stay. */
	public synchronized List<DirectFile> cached() {
		if (this.cached == null) {
			this.cached = open(this.cachedOpener);
		}
		return this.cached;
	}

	private List<DirectFile> open(Function<List<Path>, List<DirectFile>> how) {
		List<Path> files = Stream.concat(this.layout.groups().stream(), Stream.of(this.layout.embedding()))
			.flatMap((group) -> group.weights().stream())
			.flatMap((weight) -> weight.parts().stream())
			.map((part) -> part.file().toAbsolutePath())
			.distinct()
			.toList();
		List<DirectFile> opened = how.apply(files);
		try {
			opened.forEach(this::requireSame);
			return opened;
		}
		catch (RuntimeException ex) {
			opened.forEach(DirectFile::close);
			throw ex;
		}
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
		return difference(this.open, this.opener).or(() -> difference(this.cached, this.cachedOpener));
	}

	private static Optional<Path> difference(@Nullable List<DirectFile> before,
			Function<List<Path>, List<DirectFile>> opener) {
		if (before == null) {
			return Optional.empty();
		}
		List<DirectFile> now = opener.apply(before.stream().map(DirectFile::path).toList());
		try {
			for (int i = 0; i < now.size(); i++) {
				if (!now.get(i).holdsWhatWasRead(before.get(i))) {
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
		if (!this.closed) {
			this.closed = true;
			Stream.of(this.open, this.cached).filter(Objects::nonNull).flatMap(List::stream).forEach(DirectFile::close);
		}
	}

}
