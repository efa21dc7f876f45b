package io.github.flashspring.engine.checkpoint;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A hidden file or folder and, next to it, a file on which its owner holds a lock as long
 * as it lives: where the lock is free, the owner is dead. The lock of a file is true
 * across containers too, where the number of a process is not.
 *
 * @param path the file or folder
 * @param lockFile the file next to it
 * @param lock open as long as the owner lives
 */
record StagedFiles(Path path, Path lockFile, FileChannel lock) {

	private static final Logger logger = LoggerFactory.getLogger(StagedFiles.class);

	/**
	 * This process, in names. To open a lock file of this process and to close it would
	 * release its lock, as POSIX wants it.
	 */
	private static final String OWNER = ProcessHandle.current().pid() + "-"
			+ ProcessHandle.current().info().startInstant().map(Instant::toEpochMilli).orElse(0L);

	private static final Pattern LOCK_NAME = Pattern.compile("(\\..+\\.([0-9]+-[0-9]+)-[0-9]+)\\.lock");

	/** Names that earlier versions gave, which held no locks. */
	private static final Pattern UNLOCKED_NAME = Pattern
		.compile("\\..+\\.[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\\.tmp");

	/** None of them was written to for as long, while its owner lived. */
	private static final Duration UNLOCKED_LIFE = Duration.ofDays(1);

	/** While others still write into a folder that is removed. */
	private static final int ATTEMPTS = 100;

	/**
	 * Finds a name and locks it.
	 * @param target what the files will become
	 * @param parent its folder
	 * @return the names; only the lock file exists
	 * @throws IOException if the folder cannot be written to
	 */
	static StagedFiles create(Path target, Path parent) throws IOException {
		for (int i = 0;; i++) {
			String name = "." + target.getFileName() + "." + OWNER + "-" + i;
			StagedFiles files = locked(parent.resolve(name + ".tmp"), parent.resolve(name + ".lock"));
			if (files != null) {
				return files;
			}
		}
	}

	/** Null if the name is taken, or another process has just cleaned it up. */
	private static @Nullable StagedFiles locked(Path path, Path lockFile) throws IOException {
		FileChannel channel;
		try {
			channel = FileChannel.open(lockFile, StandardOpenOption.WRITE, StandardOpenOption.CREATE_NEW);
		}
		catch (FileAlreadyExistsException ex) {
			return null;
		}
		boolean locked;
		try {
			locked = channel.tryLock() != null && Files.exists(lockFile);
		}
		catch (IOException ex) {
			logger.debug("{} cannot be locked: nobody will be able to clean up", lockFile, ex);
			locked = true;
		}
		if (!locked) {
			channel.close();
			return null;
		}
		return new StagedFiles(path, lockFile, channel);
	}

	/**
	 * Deletes what is there and releases the lock.
	 * @throws IOException if that fails
	 */
	void delete() throws IOException {
		try (FileChannel held = this.lock) {
			delete(this.path);
			Files.deleteIfExists(this.lockFile);
		}
	}

	/**
	 * Removes what processes that are gone left in a folder. What has no lock was left by
	 * an earlier version.
	 * @param folder need not exist
	 */
	static void removeAbandoned(Path folder) {
		if (!Files.isDirectory(folder)) {
			return;
		}
		try (DirectoryStream<Path> hidden = Files.newDirectoryStream(folder, ".*.{lock,tmp}")) {
			for (Path path : hidden) {
				Matcher name = LOCK_NAME.matcher(path.getFileName().toString());
				if (name.matches() && !OWNER.equals(name.group(2))) {
					removeAbandoned(path, folder.resolve(name.group(1) + ".tmp"));
				}
				else if (UNLOCKED_NAME.matcher(path.getFileName().toString()).matches()) {
					removeUnlocked(path);
				}
			}
		}
		catch (IOException | DirectoryIteratorException ex) {
			logger.debug("Cannot look for abandoned files in {}", folder, ex);
		}
	}

	private static void removeAbandoned(Path lockFile, Path temporary) {
		try (FileChannel channel = FileChannel.open(lockFile, StandardOpenOption.WRITE);
				FileLock free = channel.tryLock()) {
			if (free != null) {
				delete(temporary);
				Files.deleteIfExists(lockFile);
				logger.info("Removed {}: the process that wrote it is gone", temporary);
			}
		}
		catch (IOException ex) {
			logger.debug("Cannot remove {}", temporary, ex);
		}
	}

	/**
	 * Removes a file of weights, or a folder with one, that has no lock, if it was not
	 * written to for long. Others that are called alike are not ours.
	 */
	private static void removeUnlocked(Path temporary) {
		try (Stream<Path> tree = Files.walk(temporary)) {
			List<Path> all = tree.toList();
			boolean weights = all.stream().anyMatch((path) -> path.getFileName().toString().contains(".safetensors"));
			Instant written = Instant.MIN;
			for (Path path : all) {
				Instant time = Files.getLastModifiedTime(path, LinkOption.NOFOLLOW_LINKS).toInstant();
				written = time.isAfter(written) ? time : written;
			}
			if (weights && written.isBefore(Instant.now().minus(UNLOCKED_LIFE))) {
				delete(temporary);
				logger.info("Removed {}: nothing wrote to it since {}", temporary, written);
			}
		}
		catch (IOException | UncheckedIOException ex) {
			logger.debug("Cannot remove {}", temporary, ex);
		}
	}

	private static void delete(Path root) throws IOException {
		for (int i = 1; Files.exists(root); i++) {
			try {
				Files.walkFileTree(root, new Deletion());
			}
			catch (DirectoryNotEmptyException ex) {
				if (i == ATTEMPTS) {
					throw ex;
				}
			}
		}
	}

	/** Deletes a tree from which others may delete too. */
	private static final class Deletion extends SimpleFileVisitor<Path> {

		@Override
		public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
			Files.deleteIfExists(file);
			return FileVisitResult.CONTINUE;
		}

		@Override
		public FileVisitResult visitFileFailed(Path file, IOException failure) throws IOException {
			if (Files.exists(file)) {
				throw failure;
			}
			return FileVisitResult.CONTINUE;
		}

		@Override
		public FileVisitResult postVisitDirectory(Path folder, @Nullable IOException failure) throws IOException {
			Files.deleteIfExists(folder);
			return FileVisitResult.CONTINUE;
		}

	}

}
