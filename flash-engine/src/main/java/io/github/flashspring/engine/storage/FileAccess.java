package io.github.flashspring.engine.storage;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;

import io.github.flashspring.engine.checkpoint.FileVersion;
import org.jspecify.annotations.Nullable;

/**
 * One open file as the operating system serves it: reads may be short, fail, or find the
 * file changed. {@link DirectFile} makes whole and checked reads of it. Safe for use by
 * many threads at once.
 */
public interface FileAccess extends Closeable {

	/**
	 * Reads some bytes.
	 * @param target where to; as many bytes as remain are wanted
	 * @param offset position in the file
	 * @return how many bytes were read, -1 at or beyond the end of the file
	 * @throws IOException if the system reports an error
	 */
	public int read(ByteBuffer target, long offset) throws IOException;

	/**
	 * Reads some bytes into several targets, one after the other, with one system call.
	 * @param targets where to, at least one; as many bytes as remain in all are wanted
	 * @param offset position in the file
	 * @return how many bytes were read, -1 at or beyond the end of the file; where the
	 * system cannot read into several targets at once, no more than the first one takes
	 * @throws IOException if the system reports an error
	 */
	public long read(ByteBuffer[] targets, long offset) throws IOException;

	/**
	 * Size now of the file that is open.
	 * @return bytes
	 * @throws IOException if it cannot be asked
	 */
	public long size() throws IOException;

	/**
	 * What the path names now, which may be another file than the one that is open.
	 * @return identity and time of change, null if the path names nothing any more
	 * @throws IOException if it cannot be asked
	 */
	@Nullable FileVersion version() throws IOException;

	/**
	 * Says whether reads may take what the page cache of the system holds already, as
	 * they should where each byte is read once: that saves the disk, and adds nothing to
	 * the page cache. Otherwise direct reads always go to the disk.
	 * @param use true to take it
	 */
	default void usePageCache(boolean use) {
	}

	/**
	 * Says that a range was read and will not be read from memory again.
	 * @param offset start of the range
	 * @param length bytes
	 */
	public void forget(long offset, long length);

	/**
	 * Opens files.
	 */
	public interface Opener {

		/**
		 * Opens a file.
		 * @param file the file
		 * @param direct whether reads go around the page cache
		 * @return the open file
		 * @throws IOException if it cannot be opened
		 * @throws UnsupportedOperationException if this system has no direct reads
		 */
		FileAccess open(Path file, boolean direct) throws IOException;

		/**
		 * Block size of the file system that holds a file.
		 * @param file the file
		 * @return bytes
		 * @throws IOException if it cannot be asked
		 */
		long blockSize(Path file) throws IOException;

	}

}
