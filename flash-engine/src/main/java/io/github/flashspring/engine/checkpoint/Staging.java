package io.github.flashspring.engine.checkpoint;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import io.github.flashspring.engine.metrics.ByteSize;

/**
 * A file or folder in the making: written under a hidden name next to its target, and
 * renamed when it is complete. Nothing remains of one that is not: a failure, Ctrl-C and
 * SIGTERM remove it at once. What a killed process leaves is removed by the next that
 * writes into the same folder; what an earlier version left, which locked nothing, a day
 * later.
 */
public final class Staging implements AutoCloseable {

	private static final Logger logger = LoggerFactory.getLogger(Staging.class);

	/** For the file system's own records. */
	private static final long SPARE = 1 << 20;

	private final Path target;

	private final StagedFiles files;

	private final Thread hook;

	private boolean closed;

	private Staging(Path target, StagedFiles files) {
		this.target = target;
		this.files = files;
		this.hook = new Thread(this::discardQuietly, "flash-staging");
	}

	/**
	 * Begins a file.
	 * @param target replaced when the file is complete; must be a regular file if it
	 * exists
	 * @param bytes that the file will have
	 * @return the caller fills {@link #path()}, commits and closes
	 * @throws CheckpointException if the target is something else, or its disk has not
	 * enough free space
	 * @throws IOException if its folder does not exist or cannot be written to
	 */
	public static Staging file(Path target, long bytes) throws IOException {
		requireFile(target);
		return begin(target.toAbsolutePath().normalize(), bytes, false);
	}

	/**
	 * Begins a folder.
	 * @param target made when the folder is complete; if it is a folder already, the
	 * files replace those of the same names
	 * @param bytes that its files will have
	 * @return the caller fills {@link #path()}, commits and closes
	 * @throws CheckpointException if the target is a file, or its disk has not enough
	 * free space
	 * @throws IOException if its parent cannot be written to
	 */
	public static Staging folder(Path target, long bytes) throws IOException {
		if (Files.exists(target) && !Files.isDirectory(target)) {
			throw new CheckpointException("The target " + target + " exists already and is a file.",
					"Give a folder, or delete the file first.");
		}
		Path absolute = target.toAbsolutePath().normalize();
		Files.createDirectories(parent(absolute));
		return begin(absolute, bytes, true);
	}

	/**
	 * Refuses a target that a file cannot replace, such as a folder or {@code /dev/full}.
	 * @param target need not exist
	 * @throws CheckpointException if it is something other than a regular file
	 */
	public static void requireFile(Path target) {
		if (Files.exists(target) && !Files.isRegularFile(target)) {
			throw new CheckpointException("The target " + target + " exists already, but is not a regular file.",
					"Give the name of a file.");
		}
	}

	/**
	 * Refuses a target that has content.
	 * @param target need not exist
	 * @throws CheckpointException if it is a file, or a folder that is not empty
	 * @throws IOException if it cannot be read
	 */
	public static void requireNoContent(Path target) throws IOException {
		if (Files.exists(target) && !isEmptyFolder(target)) {
			throw new CheckpointException(
					"The target " + target + " exists already"
							+ (Files.isDirectory(target) ? " and is not empty." : " and is a file."),
					"Give a folder that does not exist, or delete it first.");
		}
	}

	private static boolean isEmptyFolder(Path folder) throws IOException {
		if (!Files.isDirectory(folder)) {
			return false;
		}
		try (DirectoryStream<Path> content = Files.newDirectoryStream(folder)) {
			return !content.iterator().hasNext();
		}
	}

	private static Staging begin(Path target, long bytes, boolean folder) throws IOException {
		Path parent = parent(target);
		StagedFiles.removeAbandoned(parent);
		requireFreeSpace(target, parent, bytes);
		Staging staging = new Staging(target, StagedFiles.create(target, parent));
		try {
			staging.create(folder);
			return staging;
		}
		catch (IOException ex) {
			staging.close();
			throw ex;
		}
	}

	private static Path parent(Path target) {
		Path parent = target.getParent();
		if (parent == null) {
			throw new CheckpointException("The target " + target + " has no parent folder.", "Give another name.");
		}
		return parent;
	}

	private static void requireFreeSpace(Path target, Path parent, long bytes) throws IOException {
		long free = Files.getFileStore(parent).getUsableSpace();
		if (free - SPARE < bytes) {
			throw new CheckpointException(
					"The disk of " + target + " has " + ByteSize.readable(free) + " free, but "
							+ ByteSize.readable(bytes + SPARE) + " are needed.",
					"Free some space, or give a target on another disk.");
		}
	}

	/** Never after the hook has run: nobody would remove it. */
	private synchronized void create(boolean folder) throws IOException {
		try {
			Runtime.getRuntime().addShutdownHook(this.hook);
		}
		catch (IllegalStateException ex) {
			throw new IOException("The process is ending", ex);
		}
		if (folder) {
			Files.createDirectory(this.files.path());
		}
		else {
			Files.createFile(this.files.path());
		}
	}

	/**
	 * Where to write.
	 * @return the hidden file or folder, which exists and is empty
	 */
	public Path path() {
		return this.files.path();
	}

	/**
	 * Gives the file or folder its name.
	 * @throws IOException if that fails, or the process is ending
	 */
	public synchronized void commit() throws IOException {
		if (this.closed) {
			throw new IOException(this.target + " was given up, since the process is ending");
		}
		if (Files.isDirectory(this.files.path()) && Files.isDirectory(this.target) && !isEmptyFolder(this.target)) {
			try (DirectoryStream<Path> files = Files.newDirectoryStream(this.files.path())) {
				for (Path file : files) {
					move(file, this.target.resolve(file.getFileName()));
				}
			}
			return;
		}
		if (Files.isDirectory(this.files.path())) {
			Files.deleteIfExists(this.target);
		}
		move(this.files.path(), this.target);
	}

	private static void move(Path from, Path to) throws IOException {
		Files.move(from, to, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
	}

	/**
	 * Removes what was not committed.
	 */
	@Override
	public void close() throws IOException {
		try {
			Runtime.getRuntime().removeShutdownHook(this.hook);
		}
		catch (IllegalStateException ex) {
			// the process is ending, and the hook does the same
		}
		discard();
	}

	private synchronized void discard() throws IOException {
		if (this.closed) {
			return;
		}
		this.closed = true;
		this.files.delete();
	}

	private void discardQuietly() {
		try {
			discard();
		}
		catch (IOException ex) {
			logger.warn("{} remains: {}", this.files.path(), ex.toString());
		}
	}

	/**
	 * Removes what processes that are gone left in a folder. What a living one writes is
	 * never touched.
	 * @param folder parent of targets; need not exist
	 */
	public static void removeAbandoned(Path folder) {
		StagedFiles.removeAbandoned(folder);
	}

}
