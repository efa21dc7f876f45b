package io.github.flashspring.engine.storage;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;

import com.sun.nio.file.ExtendedOpenOption;
import io.github.flashspring.engine.checkpoint.FileVersion;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A file of the operating system, read with O_DIRECT (Linux), F_NOCACHE (macOS), or
 * through the page cache, whose pages are then dropped behind the reads where the system
 * allows it, unless they are to stay there.
 */
final class SystemFileAccess implements FileAccess {

	private static final Logger logger = LoggerFactory.getLogger(SystemFileAccess.class);

	/** Leaves nothing in the page cache. */
	static final Opener OPENER = new SystemOpener(false);

	/** Leaves what was read in the page cache, for other passes and processes. */
	static final Opener CACHED = new SystemOpener(true);

	private final Path file;

	private final Set<OpenOption> options;

	private final FileChannel channel;

	/** Which file is open; null if that is not known. */
	private final @Nullable Object key;

	/**
	 * The same file again, for reads into several targets: those are made at the position
	 * of a channel, which belongs to one reader as long as it reads.
	 */
	private final Queue<FileChannel> positioned = new ConcurrentLinkedQueue<>();

	private final @Nullable PageDropper pages;

	private volatile @Nullable PageCache cache;

	private volatile boolean usesCache;

	private SystemFileAccess(Path file, boolean direct, boolean keepsPages) throws IOException {
		this.file = file;
		this.options = direct ? Set.of(StandardOpenOption.READ, ExtendedOpenOption.DIRECT)
				: Set.of(StandardOpenOption.READ);
		Object before = key();
		this.channel = FileChannel.open(file, this.options);
		this.key = (before != null && before.equals(key())) ? before : null;
		this.pages = (direct || keepsPages) ? null : PageDropper.open(file);
	}

	@Override
	public int read(ByteBuffer target, long offset) throws IOException {
		PageCache cached = this.cache;
		if (cached != null && this.usesCache && cached.has(offset, target.remaining())) {
			return cached.channel().read(target, offset);
		}
		return this.channel.read(target, offset);
	}

	@Override
	public long read(ByteBuffer[] targets, long offset) throws IOException {
		PageCache cached = this.cache;
		if (cached != null && this.usesCache && cached.has(offset, targets[0].remaining())) {
			return cached.channel().read(targets[0], offset);
		}
		FileChannel own = positioned();
		if (own == null) {
			return this.channel.read(targets[0], offset);
		}
		try {
			return own.position(offset).read(targets);
		}
		finally {
			this.positioned.add(own);
		}
	}

	/** A channel that nobody else reads; null if the path names another file by now. */
	private @Nullable FileChannel positioned() {
		FileChannel idle = this.positioned.poll();
		if (idle != null) {
			return idle;
		}
		try {
			if (this.key != null && this.key.equals(key())) {
				FileChannel again = FileChannel.open(this.file, this.options);
				if (this.key.equals(key())) {
					return again;
				}
				again.close();
			}
		}
		catch (IOException ex) {
			logger.debug("{} cannot be opened once more: its neighbours are read apart", this.file, ex);
		}
		return null;
	}

	private @Nullable Object key() throws IOException {
		FileVersion version = version();
		return (version != null) ? version.key() : null;
	}

	@Override
	public long size() throws IOException {
		return this.channel.size();
	}

	@Override
	public @Nullable FileVersion version() throws IOException {
		return FileVersion.of(this.file);
	}

	@Override
	public synchronized void usePageCache(boolean use) {
		if (use && this.cache == null && this.options.contains(ExtendedOpenOption.DIRECT)) {
			this.cache = openCache();
		}
		this.usesCache = use;
	}

	private @Nullable PageCache openCache() {
		PageCache opened = PageCache.open(this.file);
		try {
			if (opened == null || (this.key != null && this.key.equals(key()))) {
				return opened;
			}
		}
		catch (IOException ex) {
			logger.debug("{} cannot be asked for its pages", this.file, ex);
		}
		opened.close();
		return null;
	}

	@Override
	public void forget(long offset, long length) {
		if (this.pages != null) {
			this.pages.drop(offset, length);
		}
	}

	@Override
	public void close() throws IOException {
		if (this.pages != null) {
			this.pages.close();
		}
		PageCache cached = this.cache;
		if (cached != null) {
			cached.close();
		}
		for (FileChannel each : this.positioned) {
			each.close();
		}
		this.channel.close();
	}

	/**
	 * Opens files.
	 *
	 * @param keepsPages whether reads that are not direct leave their pages in the page
	 * cache
	 */
	private record SystemOpener(boolean keepsPages) implements Opener {

		@Override
		public FileAccess open(Path file, boolean direct) throws IOException {
			return new SystemFileAccess(file, direct, this.keepsPages);
		}

		@Override
		public long blockSize(Path file) throws IOException {
			return Files.getFileStore(file).getBlockSize();
		}

	}

}
