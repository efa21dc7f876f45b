package io.github.flashspring.engine.cache.disk;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import io.github.flashspring.engine.metrics.PrefixMetrics;

/**
 * A folder of {@linkplain Segment segments}, each a file that is named by the hash of its
 * tokens and all before them. So processes share a folder without a lock: they write the
 * same bytes to the same name. A file is complete and on disk before it gets its name.
 * What cannot be read as expected is removed and counted, and never an error to anyone.
 * Safe for use by many threads.
 */
public final class PrefixFolder {

	static final String SUFFIX = ".prefix";

	private static final String UNFINISHED = ".unfinished";

	private static final Logger logger = LoggerFactory.getLogger(PrefixFolder.class);

	/** Unfinished files as old as this belong to a process that has ended. */
	private static final Duration MAX_WRITING = Duration.ofMinutes(10);

	/** How exactly the time of the last use is kept. */
	private static final Duration USE = Duration.ofMinutes(1);

	private static final int CHUNK = 1 << 20;

	private final Path folder;

	private final long maxBytes;

	private final FolderAccess access;

	private final AtomicLong bytes = new AtomicLong();

	private final AtomicLong files = new AtomicLong();

	private final AtomicLong readBytes = new AtomicLong();

	private final AtomicLong writtenBytes = new AtomicLong();

	private final AtomicLong damaged = new AtomicLong();

	private final AtomicLong evicted = new AtomicLong();

	private PrefixFolder(Path folder, long maxBytes, FolderAccess access) {
		this.folder = folder;
		this.maxBytes = maxBytes;
		this.access = access;
	}

	/**
	 * Opens a folder, which only its owner may read: it holds what people wrote.
	 * @param folder made if it does not exist
	 * @param maxBytes most bytes of all files
	 * @return the folder, without what others left unfinished
	 * @throws UncheckedIOException if it cannot be made or read
	 */
	public static PrefixFolder open(Path folder, long maxBytes) {
		return open(folder, maxBytes, FolderAccess.SYSTEM);
	}

	static PrefixFolder open(Path folder, long maxBytes, FolderAccess access) {
		try {
			Files.createDirectories(folder);
			if (folder.getFileSystem().supportedFileAttributeViews().contains("posix")) {
				Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwx------"));
			}
			PrefixFolder opened = new PrefixFolder(folder, maxBytes, access);
			opened.trim();
			return opened;
		}
		catch (IOException ex) {
			throw new UncheckedIOException(
					"Cannot use " + folder + " for the prefix cache: expected a folder that this user may write, found "
							+ ex + ". Set flash.prefix-cache.dir (--prefix-cache) to another one.",
					ex);
		}
	}

	/**
	 * {@return whether there is a segment}
	 * @param hash of all its tokens and those before
	 */
	public boolean has(byte[] hash) {
		return Files.isRegularFile(file(hash), LinkOption.NOFOLLOW_LINKS);
	}

	private Path file(byte[] hash) {
		return this.folder.resolve(PageHash.name(hash));
	}

	/**
	 * Reads a segment.
	 * @param hash of all its tokens and those before
	 * @param fingerprint that it must have
	 * @param shape what parts it may have
	 * @return the segment; null if there is none that is whole
	 */
	public @Nullable Segment read(byte[] hash, byte[] fingerprint, Shape shape) {
		Path file = file(hash);
		try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS)) {
			Segment segment = read(channel, fingerprint, shape);
			SegmentHeader.require(Arrays.equals(segment.hash(), hash), "the tokens of its name");
			this.readBytes.addAndGet(channel.size());
			use(file);
			return segment;
		}
		catch (NoSuchFileException ex) {
			return null;
		}
		catch (DamagedSegmentException ex) {
			logger.warn("The file {} of the prefix cache is damaged or foreign and is removed: {}", file,
					ex.getMessage());
			this.damaged.incrementAndGet();
			remove(file);
			return null;
		}
		catch (IOException ex) {
			logger.warn("The file {} of the prefix cache cannot be read", file, ex);
			return null;
		}
	}

	private static Segment read(FileChannel channel, byte[] fingerprint, Shape shape) throws IOException {
		long size = channel.size();
		SegmentHeader.require(size >= SegmentHeader.ALIGNMENT, "a header");
		int length = SegmentHeader.length(fill(channel, 0, ByteBuffer.allocate(SegmentHeader.ALIGNMENT)));
		SegmentHeader.require(length <= size, "a whole header");
		SegmentHeader header = SegmentHeader.decode(fill(channel, 0, ByteBuffer.allocate(length)), size);
		SegmentHeader.require(Arrays.equals(header.fingerprint(), fingerprint), "the fingerprint of this model");
		// looked at before anything is allocated for it
		long bytes = 0;
		for (SegmentHeader.Entry entry : header.entries()) {
			SegmentHeader.require(entry.bytes() == shape.bytes(entry.group()), "parts of this model");
			bytes += entry.bytes();
		}
		SegmentHeader.require(bytes <= shape.maxBytes(), "at most " + shape.maxBytes() + " bytes");
		List<Segment.Part> parts = new ArrayList<>();
		ByteBuffer chunk = ByteBuffer.allocateDirect(CHUNK).order(ByteOrder.LITTLE_ENDIAN);
		for (SegmentHeader.Entry entry : header.entries()) {
			float[] floats = new float[(int) (entry.bytes() / Float.BYTES)];
			for (int from = 0; from < floats.length; from += CHUNK / Float.BYTES) {
				int count = Math.min(CHUNK / Float.BYTES, floats.length - from);
				fill(channel, entry.offset() + from * (long) Float.BYTES, chunk.clear().limit(count * Float.BYTES));
				chunk.flip().asFloatBuffer().get(floats, from, count);
			}
			SegmentHeader.require(SegmentHeader.checksum(floats) == entry.checksum(), "the checksum of a part");
			parts.add(new Segment.Part(entry.page(), entry.group(), floats));
		}
		return new Segment(header.fingerprint(), header.parent(), header.firstPage(), header.pageTokens(),
				header.tokens(), parts);
	}

	private static ByteBuffer fill(FileChannel channel, long offset, ByteBuffer target) throws IOException {
		while (target.hasRemaining()) {
			SegmentHeader.require(channel.read(target, offset + target.position()) > 0, "a file that does not shrink");
		}
		return target;
	}

	/** Files that are used stay; those that lead to them as well. */
	private static void use(Path file) throws IOException {
		Instant now = Instant.now();
		if (Files.getLastModifiedTime(file).toInstant().isBefore(now.minus(USE))) {
			Files.setLastModifiedTime(file, FileTime.from(now));
		}
	}

	/**
	 * Writes a segment, unless there is one already.
	 * @param segment what to write
	 * @param mayGoOn asked before each megabyte: waits while others need the disk; false
	 * gives up
	 * @return whether it is there now
	 * @throws IOException if the disk refuses it
	 */
	public boolean write(Segment segment, BooleanSupplier mayGoOn) throws IOException {
		byte[] hash = segment.hash();
		long size = segment.bytes();
		if (has(hash)) {
			return true;
		}
		if (size > this.maxBytes) {
			return false;
		}
		Path unfinished = Files.createTempFile(this.folder, "", UNFINISHED);
		try {
			Files.delete(unfinished);
			try (FileChannel channel = this.access.create(unfinished)) {
				if (!write(segment, channel, mayGoOn)) {
					return false;
				}
				channel.force(true);
			}
			this.access.rename(unfinished, file(hash));
			this.access.sync(this.folder);
		}
		catch (FileAlreadyExistsException ex) {
			return false;
		}
		finally {
			remove(unfinished);
		}
		this.writtenBytes.addAndGet(size);
		this.files.incrementAndGet();
		if (this.bytes.addAndGet(size) > this.maxBytes) {
			trim();
		}
		return true;
	}

	private boolean write(Segment segment, FileChannel channel, BooleanSupplier mayGoOn) throws IOException {
		this.access.write(channel, SegmentHeader.of(segment).encode());
		ByteBuffer chunk = ByteBuffer.allocateDirect(CHUNK).order(ByteOrder.LITTLE_ENDIAN);
		for (Segment.Part part : segment.parts()) {
			float[] floats = part.floats();
			for (int from = 0; from < floats.length; from += CHUNK / Float.BYTES) {
				if (!mayGoOn.getAsBoolean()) {
					return false;
				}
				int count = Math.min(CHUNK / Float.BYTES, floats.length - from);
				chunk.clear().asFloatBuffer().put(floats, from, count);
				this.access.write(channel, chunk.limit(count * Float.BYTES));
			}
			int rest = (int) (SegmentHeader.aligned(floats.length * (long) Float.BYTES)
					- floats.length * (long) Float.BYTES);
			this.access.write(channel, ByteBuffer.allocate(rest));
		}
		return true;
	}

	/** Removes what was used longest ago until the rest is within the limit. */
	private void trim() throws IOException {
		List<Found> found = new ArrayList<>();
		long all = 0;
		try (DirectoryStream<Path> paths = Files.newDirectoryStream(this.folder)) {
			for (Path path : paths) {
				Found file = look(path);
				if (file != null) {
					found.add(file);
					all += file.bytes();
				}
			}
		}
		int left = found.size();
		found.sort(Comparator.comparing(Found::used));
		for (Found file : found) {
			if (all <= this.maxBytes) {
				break;
			}
			if (remove(file.path())) {
				this.evicted.incrementAndGet();
			}
			all -= file.bytes();
			left--;
		}
		this.bytes.set(all);
		this.files.set(left);
	}

	/** A segment; null if it is something else, which is removed where it is ours. */
	private @Nullable Found look(Path path) {
		String name = path.getFileName().toString();
		try {
			FileTime used = Files.getLastModifiedTime(path, LinkOption.NOFOLLOW_LINKS);
			if (name.endsWith(UNFINISHED) && used.toInstant().isBefore(Instant.now().minus(MAX_WRITING))) {
				remove(path);
			}
			return (name.endsWith(SUFFIX) && Files.isRegularFile(path, LinkOption.NOFOLLOW_LINKS))
					? new Found(path, Files.size(path), used) : null;
		}
		catch (IOException ex) {
			return null; // another process has removed it
		}
	}

	private static boolean remove(Path file) {
		try {
			return Files.deleteIfExists(file);
		}
		catch (IOException ex) {
			logger.debug("Cannot remove {}", file, ex);
			return false;
		}
	}

	/**
	 * {@return what the folder holds and what was done with it}
	 * @param hitTokens tokens that were read
	 * @param dropped pages that were not written
	 */
	public PrefixMetrics.Disk metrics(long hitTokens, long dropped) {
		return new PrefixMetrics.Disk(hitTokens, this.bytes.get(), (int) this.files.get(), this.readBytes.get(),
				this.writtenBytes.get(), dropped, this.damaged.get(), this.evicted.get());
	}

	/**
	 * What parts a segment may have.
	 */
	public interface Shape {

		/**
		 * {@return bytes of a part; -1 if there is no such group}
		 * @param group index of the group
		 */
		long bytes(int group);

		/**
		 * {@return most bytes of all parts}
		 */
		long maxBytes();

	}

	/** A file and when it was used last. */
	private record Found(Path path, long bytes, FileTime used) {

	}

}
