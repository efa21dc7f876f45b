package io.github.flashspring.cli;

import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Instant;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import io.github.flashspring.engine.checkpoint.Staging;

/**
 * Notes in which folders commands write, one small file for each process, so that the
 * next command cleans up after one that was killed, wherever that wrote. It is only a
 * help: without a note, the next command that writes into the same folder does it.
 */
final class UnfinishedWork {

	private static final Logger logger = LoggerFactory.getLogger(UnfinishedWork.class);

	private final Path notes;

	UnfinishedWork(Path cacheFolder) {
		this.notes = cacheFolder.resolve("unfinished");
	}

	/**
	 * Cleans up after processes that are gone.
	 */
	void clean() {
		if (!Files.isDirectory(this.notes)) {
			return;
		}
		try (DirectoryStream<Path> files = Files.newDirectoryStream(this.notes)) {
			for (Path note : files) {
				Staging.removeAbandoned(Path.of(Files.readString(note)));
				if (!isAlive(note.getFileName().toString())) {
					Files.deleteIfExists(note);
				}
			}
		}
		catch (IOException | DirectoryIteratorException | InvalidPathException ex) {
			logger.debug("Cannot clean up after the notes in {}", this.notes, ex);
		}
	}

	/**
	 * Notes that this process writes into a folder.
	 * @param target a file or folder in it
	 * @return for {@link #end}; null if nothing could be noted
	 */
	@Nullable Path begin(Path target) {
		Path folder = target.toAbsolutePath().normalize().getParent();
		if (folder == null) {
			return null;
		}
		try {
			Files.createDirectories(this.notes);
			return Files.writeString(this.notes.resolve(name(ProcessHandle.current())), folder.toString());
		}
		catch (IOException ex) {
			logger.debug("Cannot note where this process writes in {}", this.notes, ex);
			return null;
		}
	}

	/**
	 * The work is done, or was cleaned up.
	 * @param note what {@link #begin} returned
	 */
	void end(@Nullable Path note) {
		try {
			if (note != null) {
				Files.deleteIfExists(note);
			}
		}
		catch (IOException ex) {
			logger.debug("Cannot delete {}", note, ex);
		}
	}

	private static boolean isAlive(String note) {
		try {
			return ProcessHandle.of(Long.parseLong(note.replaceFirst("-.*", "")))
				.filter((process) -> name(process).equals(note))
				.isPresent();
		}
		catch (NumberFormatException ex) {
			return false;
		}
	}

	/** Numbers of processes are used again. */
	private static String name(ProcessHandle process) {
		return process.pid() + "-" + process.info().startInstant().map(Instant::toEpochMilli).orElse(0L);
	}

}
