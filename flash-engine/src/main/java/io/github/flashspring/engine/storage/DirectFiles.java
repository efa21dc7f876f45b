package io.github.flashspring.engine.storage;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.function.Function;

import io.github.flashspring.engine.checkpoint.CheckpointException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Opens {@link DirectFile}s: directly where the file system allows it, otherwise
 * buffered.
 */
public final class DirectFiles {

	private static final Logger logger = LoggerFactory.getLogger(DirectFiles.class);

	private static final int MIN_ALIGNMENT = 4096;

	/** With larger blocks, aligned reads would fetch much that nobody asked for. */
	private static final int MAX_ALIGNMENT = 1 << 16;

	private DirectFiles() {
	}

	/**
	 * Opens a file.
	 * @param file a regular file
	 * @return the open file; the caller closes it when no read is under way
	 * @throws CheckpointException if it cannot be opened or read
	 */
	public static DirectFile open(Path file) {
		return openAll(List.of(file)).getFirst();
	}

	/**
	 * Opens several files, and says in the log, once, if some cannot be read directly.
	 * @param files regular files
	 * @return the open files, in the same order
	 * @throws CheckpointException if one cannot be opened or read; none is open then
	 */
	public static List<DirectFile> openAll(List<Path> files) {
		return openAll(files, SystemFileAccess.OPENER, DirectFiles::sleep);
	}

	/**
	 * Opens several files.
	 * @param files regular files
	 * @param direct whether reads go around the page cache where the file system allows
	 * it; otherwise pages are dropped behind them
	 * @return the open files, in the same order
	 * @throws CheckpointException if one cannot be opened or read; none is open then
	 */
	public static List<DirectFile> openAll(List<Path> files, boolean direct) {
		return direct ? openAll(files) : openEach(files, (file) -> openBuffered(file, SystemFileAccess.OPENER));
	}

	/**
	 * Opens several files to be read through the page cache, where their pages stay.
	 * @param files regular files
	 * @return the open files, in the same order
	 * @throws CheckpointException if one cannot be opened or read; none is open then
	 */
	public static List<DirectFile> openCached(List<Path> files) {
		return openEach(files, (file) -> openBuffered(file, SystemFileAccess.CACHED));
	}

	/**
	 * Opens several files of another system.
	 * @param files the files
	 * @param opener opens them
	 * @param sleeper waits before a read is tried again
	 */
	public static List<DirectFile> openAll(List<Path> files, FileAccess.Opener opener, Consumer<Duration> sleeper) {
		List<DirectFile> open = openEach(files, (file) -> open(file, opener, sleeper));
		open.stream()
			.filter((file) -> !file.direct())
			.findFirst()
			.ifPresent((file) -> logger.warn(
					"The file system of {} refuses direct reads: reading through the page cache and dropping "
							+ "the pages behind. Expect slower reads; keep models on a local ext4, xfs, btrfs or APFS.",
					file.path()));
		return open;
	}

	private static List<DirectFile> openEach(List<Path> files, Function<Path, DirectFile> opener) {
		List<DirectFile> open = new ArrayList<>();
		try {
			for (Path file : files) {
				open.add(opener.apply(file.toAbsolutePath()));
			}
			return List.copyOf(open);
		}
		catch (RuntimeException ex) {
			open.forEach(DirectFile::close);
			throw ex;
		}
	}

	private static DirectFile openBuffered(Path file, FileAccess.Opener opener) {
		try {
			return of(file, opener.open(file, false), false, MIN_ALIGNMENT, DirectFiles::sleep);
		}
		catch (IOException ex) {
			throw cannotOpen(file, ex);
		}
	}

	private static CheckpointException cannotOpen(Path file, IOException cause) {
		return new CheckpointException("Cannot open " + file + " for reading weights (" + cause + ").",
				"Check that the file exists and that this process may read it.", cause);
	}

	private static DirectFile open(Path file, FileAccess.Opener opener, Consumer<Duration> sleeper) {
		try {
			long block = opener.blockSize(file);
			if (block <= MAX_ALIGNMENT && Long.bitCount(block) == 1) {
				int alignment = Math.max((int) block, MIN_ALIGNMENT);
				FileAccess source = openDirect(file, opener, alignment);
				if (source != null) {
					return of(file, source, true, alignment, sleeper);
				}
			}
			return of(file, opener.open(file, false), false, MIN_ALIGNMENT, sleeper);
		}
		catch (IOException ex) {
			throw cannotOpen(file, ex);
		}
	}

	private static DirectFile of(Path file, FileAccess source, boolean direct, int alignment,
			Consumer<Duration> sleeper) throws IOException {
		try {
			return new DirectFile(file, source, direct, alignment, sleeper);
		}
		catch (IOException ex) {
			source.close();
			throw ex;
		}
	}

	/**
	 * Opens a file for direct reads and reads a block: some file systems accept the
	 * option and refuse the reads. A second attempt tells a refusal from an accident.
	 * @return null if direct reads are refused
	 */
	private static @Nullable FileAccess openDirect(Path file, FileAccess.Opener opener, int alignment)
			throws IOException {
		for (int attempt = 0; attempt < 2; attempt++) {
			FileAccess source = null;
			try (Arena arena = Arena.ofConfined()) {
				source = opener.open(file, true);
				source.read(arena.allocate(alignment, alignment).asByteBuffer(), 0);
				return source;
			}
			catch (IOException | UnsupportedOperationException ex) {
				logger.debug("Direct reads of {} fail", file, ex);
				if (source != null) {
					source.close();
				}
			}
		}
		return null;
	}

	private static void sleep(Duration pause) {
		// Only read threads come here, and they cannot be interrupted.
		LockSupport.parkNanos(pause.toNanos());
	}

}
