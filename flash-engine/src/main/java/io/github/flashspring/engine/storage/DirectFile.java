package io.github.flashspring.engine.storage;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

import io.github.flashspring.engine.checkpoint.CheckpointException;
import io.github.flashspring.engine.checkpoint.FileVersion;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads byte ranges of one file into native memory, around the page cache where the file
 * system allows it. A read is whole or fails: what helps is tried again, and a file that
 * was truncated or changed since it was opened is refused. Safe for use by many threads
 * at once; reads are not interruptible, whatever happens to the thread that asked.
 */
public final class DirectFile implements AutoCloseable {

	private static final Logger logger = LoggerFactory.getLogger(DirectFile.class);

	/** Most bytes of one system call. */
	private static final long CALL_BYTES = 1 << 30;

	/** Waits between the attempts of one read: devices reset within a second. */
	private static final List<Duration> PAUSES = List.of(Duration.ofMillis(10), Duration.ofMillis(40),
			Duration.ofMillis(160), Duration.ofMillis(640));

	private final Path file;

	private final FileAccess source;

	private final boolean direct;

	private final int alignment;

	private final Consumer<Duration> sleeper;

	private final long size;

	private final FileVersion version;

	private final ExecutorService threads = new ThreadPoolExecutor(0, Integer.MAX_VALUE, 5, TimeUnit.SECONDS,
			new SynchronousQueue<>(), ReadThread.factory("flash-read-"));

	private final ReadChecksums checksums = new ReadChecksums();

	private volatile boolean closed;

	DirectFile(Path file, FileAccess source, boolean direct, int alignment, Consumer<Duration> sleeper)
			throws IOException {
		this.file = file;
		this.source = source;
		this.direct = direct;
		this.alignment = alignment;
		this.sleeper = sleeper;
		this.size = source.size();
		FileVersion found = source.version();
		if (found == null) {
			throw new NoSuchFileException(file.toString());
		}
		this.version = found;
	}

	/**
	 * Fills a segment from the file.
	 * @param offset where to start, as {@link #read(long, List)}
	 * @param target where to, as one of its segments
	 * @return number of system calls
	 */
	public int read(long offset, MemorySegment target) {
		return read(offset, List.of(target));
	}

	/**
	 * Fills segments, one after the other, from one range of the file.
	 * @param offset where to start, a multiple of {@link #alignment()} within the file
	 * @param targets where to, with addresses and lengths that are multiples of
	 * {@link #alignment()}, of an arena that other threads may use; beyond the end of the
	 * file only the rest of the last block may be missing, and what stands there after
	 * the read is undefined
	 * @return number of system calls
	 * @throws CheckpointException if the bytes cannot be had, or the file is not what it
	 * was when it was opened
	 * @throws IllegalArgumentException if the range is not aligned or not in the file
	 * @throws IllegalStateException if the file is closed
	 */
	public int read(long offset, List<MemorySegment> targets) {
		long length = 0;
		for (MemorySegment target : targets) {
			if (!target.isNative() || (offset | target.byteSize() | target.address()) % this.alignment != 0) {
				throw new IllegalArgumentException("A read of " + target.byteSize() + " bytes at " + (offset + length)
						+ " of " + this.file + " to address " + target.address() + " must be aligned to "
						+ this.alignment + " bytes in native memory.");
			}
			length += target.byteSize();
		}
		if (offset < 0 || offset >= this.size || length > this.size - offset + this.alignment - 1) {
			throw new IllegalArgumentException("A read of " + length + " bytes at " + offset + " is not within "
					+ this.file + " of " + this.size + " bytes.");
		}
		checkOpen(null);
		if (Thread.currentThread() instanceof ReadThread) {
			return readWhole(offset, targets, length);
		}
		long whole = length;
		try {
			return CompletableFuture.supplyAsync(() -> readWhole(offset, targets, whole), this.threads).join();
		}
		catch (CompletionException ex) {
			if (ex.getCause() instanceof RuntimeException cause) {
				throw cause;
			}
			throw ex;
		}
	}

	private int readWhole(long offset, List<MemorySegment> targets, long length) {
		long wanted = Math.min(length, this.size - offset);
		long done = 0;
		int calls = 0;
		for (int attempt = 0;; attempt++) {
			try {
				while (done < wanted) {
					calls++;
					done += readSome(offset + done, rest(targets, done), wanted - done);
				}
				checkUnchanged(offset, wanted);
				this.source.forget(offset, length);
				return calls;
			}
			catch (IOException ex) {
				checkOpen(ex);
				if (attempt == PAUSES.size()) {
					throw new CheckpointException(
							"Cannot read " + this.file + " at byte " + (offset + done) + ": expected " + (wanted - done)
									+ " bytes, found an error " + (attempt + 1) + " times (" + ex + ").",
							"Check the disk and its connection; other requests go on when it answers again.", ex);
				}
				logger.warn("A read of {} at byte {} failed ({}): trying again", this.file, offset + done,
						ex.toString());
				this.sleeper.accept(PAUSES.get(attempt));
			}
		}
	}

	/** What of the targets one system call may fill when so many bytes are there. */
	private static ByteBuffer[] rest(List<MemorySegment> targets, long done) {
		List<ByteBuffer> rest = new ArrayList<>();
		long skip = done;
		long room = CALL_BYTES;
		for (MemorySegment target : targets) {
			long from = Math.min(skip, target.byteSize());
			long length = Math.min(target.byteSize() - from, room);
			skip -= from;
			room -= length;
			if (length > 0) {
				rest.add(target.asSlice(from, length).asByteBuffer());
			}
		}
		return rest.toArray(ByteBuffer[]::new);
	}

	/**
	 * Makes one system call.
	 * @return how many of the wanted bytes are read, whole blocks or all
	 */
	private long readSome(long offset, ByteBuffer[] targets, long wanted) throws IOException {
		long count = (targets.length == 1) ? this.source.read(targets[0], offset) : this.source.read(targets, offset);
		if (count >= wanted) {
			return wanted;
		}
		long blocks = count - count % this.alignment;
		if (blocks <= 0) {
			// What a file that was truncated lacks does not come by trying again.
			checkUnchanged(offset, wanted);
			throw new IOException("read " + Math.max(0, count) + " of " + wanted + " bytes");
		}
		return blocks;
	}

	/** Weights of a file that changed would be wrong, or those of another model. */
	private void checkUnchanged(long offset, long wanted) throws IOException {
		this.version.requireSame(this.file, this.source.size(), this.source.version(),
				"reading " + wanted + " bytes at byte " + offset);
	}

	/**
	 * Refuses a file that was changed or replaced before it was opened here.
	 * @param expected the file when its header was read
	 * @throws CheckpointException if it did
	 */
	public void requireSame(FileVersion expected) {
		if (!Objects.equals(this.version.key(), expected.key())) {
			throw new CheckpointException("The file " + this.file + " was replaced while it was loaded: expected "
					+ expected + ", found " + this.version + ".", "Load the model again.");
		}
		expected.requireSame(this.file, this.size, this.version, "loading it");
	}

	/**
	 * Remembers what was read, so that a file that has changed can be compared with it.
	 * @param offset where in the file
	 * @param memory what was read there, optionally beyond the end of the file
	 */
	public void remember(long offset, MemorySegment memory) {
		this.checksums.add(offset, memory.asSlice(0, Math.min(memory.byteSize(), this.size - offset)));
	}

	/**
	 * Reads what was read of the same path before.
	 * @param earlier the file as it was
	 * @return whether all of that is the same
	 * @throws CheckpointException if it cannot be read
	 */
	public boolean holdsWhatWasRead(DirectFile earlier) {
		return this.size == earlier.size && earlier.checksums.match(this);
	}

	/**
	 * Says whether reads may take what the page cache holds already.
	 * @param use true where each byte is read once
	 */
	public void usePageCache(boolean use) {
		this.source.usePageCache(use);
	}

	private void checkOpen(@Nullable Exception cause) {
		if (this.closed) {
			throw new IllegalStateException("The file " + this.file + " is closed.", cause);
		}
	}

	/**
	 * What offset, address and length of a read must be multiples of.
	 * @return bytes, a power of two, at least 4096
	 */
	public int alignment() {
		return this.alignment;
	}

	/**
	 * Whether reads go around the page cache.
	 * @return false if the file system refuses that
	 */
	public boolean direct() {
		return this.direct;
	}

	/**
	 * Size of the file when it was opened.
	 * @return bytes
	 */
	public long size() {
		return this.size;
	}

	/**
	 * The file that is read.
	 * @return an absolute path
	 */
	public Path path() {
		return this.file;
	}

	@Override
	public void close() {
		this.closed = true;
		this.threads.shutdown();
		try {
			this.source.close();
		}
		catch (IOException ex) {
			logger.warn("Cannot close {}", this.file, ex);
		}
	}

}
