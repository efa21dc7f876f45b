package io.github.flashspring.engine.hub;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A model without its weights: a folder with its config, and with files of weights that
 * have their headers and their sizes, and holes in place of data. Whatever reads no data
 * cannot tell it from the model. Closing removes the folder.
 */
public final class ModelOutline implements AutoCloseable {

	private static final Logger logger = LoggerFactory.getLogger(ModelOutline.class);

	private final Path folder;

	private final String commit;

	private final long downloadBytes;

	private final long missingBytes;

	private final long headerBytes;

	private final long fetchedBytes;

	ModelOutline(Path folder, String commit, long downloadBytes, long missingBytes, long headerBytes,
			long fetchedBytes) {
		this.folder = folder;
		this.commit = commit;
		this.downloadBytes = downloadBytes;
		this.missingBytes = missingBytes;
		this.headerBytes = headerBytes;
		this.fetchedBytes = fetchedBytes;
	}

	/**
	 * {@return the folder}
	 */
	public Path folder() {
		return this.folder;
	}

	/**
	 * {@return the commit that was looked at}
	 */
	public String commit() {
		return this.commit;
	}

	/**
	 * {@return size of all files that a download brings}
	 */
	public long downloadBytes() {
		return this.downloadBytes;
	}

	/**
	 * {@return what of them is not in the cache yet}
	 */
	public long missingBytes() {
		return this.missingBytes;
	}

	/**
	 * {@return size of the config and of all headers}
	 */
	public long headerBytes() {
		return this.headerBytes;
	}

	/**
	 * {@return bytes of files that were fetched for this outline}
	 */
	public long fetchedBytes() {
		return this.fetchedBytes;
	}

	/**
	 * {@return space that is free on the disk of the cache; 0 if that is not known}
	 */
	public long freeBytes() {
		try {
			return Files.getFileStore(this.folder).getUsableSpace();
		}
		catch (IOException ex) {
			logger.debug("The disk of {} does not tell its space", this.folder, ex);
			return 0;
		}
	}

	@Override
	public void close() {
		discard(this.folder);
	}

	/** Removes a folder that nobody needs; one that stays is only untidy. */
	static void discard(Path folder) {
		try {
			remove(folder);
		}
		catch (IOException ex) {
			logger.info("The folder {} cannot be removed ({})", folder, ex.toString());
		}
	}

	/** Removes a folder with all that is in it, links and not what they link to. */
	static void remove(Path folder) throws IOException {
		if (!Files.exists(folder, LinkOption.NOFOLLOW_LINKS)) {
			return;
		}
		try (Stream<Path> files = Files.walk(folder)) {
			List<Path> all = files.sorted(Comparator.reverseOrder()).toList();
			for (Path file : all) {
				Files.deleteIfExists(file);
			}
		}
	}

}
