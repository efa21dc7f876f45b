package io.github.flashspring.engine.hub;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Lets one download of a blob run, of all threads and processes. Where a file system has
 * no locks, as some network file systems, nothing is held: files are then downloaded
 * twice, and checked before they are renamed.
 */
final class CacheLock implements AutoCloseable {

	private static final Logger logger = LoggerFactory.getLogger(CacheLock.class);

	private static final long PAUSE_MILLIS = 100;

	private final FileChannel channel;

	private CacheLock(FileChannel channel) {
		this.channel = channel;
	}

	/**
	 * Waits until the lock is free and takes it.
	 * @param file names the lock; stays when it is given back, as with Python's client
	 * @param waiting runs once if somebody else has it
	 */
	static CacheLock acquire(Path file, Runnable waiting) throws IOException, InterruptedException {
		Path parent = file.getParent();
		if (parent != null) {
			Files.createDirectories(parent);
		}
		FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
		boolean taken = false;
		try {
			for (boolean first = true; !tryLock(channel, file); first = false) {
				if (first) {
					waiting.run();
				}
				Thread.sleep(PAUSE_MILLIS);
			}
			taken = true;
			return new CacheLock(channel);
		}
		finally {
			if (!taken) {
				channel.close();
			}
		}
	}

	private static boolean tryLock(FileChannel channel, Path file) {
		try {
			@Nullable FileLock lock = channel.tryLock();
			return lock != null;
		}
		catch (OverlappingFileLockException ex) {
			return false; // another thread of this process
		}
		catch (IOException ex) {
			logger.debug("{} cannot be locked", file, ex);
			return true;
		}
	}

	@Override
	public void close() throws IOException {
		this.channel.close();
	}

}
