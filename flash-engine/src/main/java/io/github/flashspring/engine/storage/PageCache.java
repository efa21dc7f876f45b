package io.github.flashspring.engine.storage;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Locale;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Knows which ranges of one file Linux' page cache holds, and reads those from there:
 * {@code mincore} asks about a mapping whose pages are never touched. Elsewhere, direct
 * reads look into the cache by themselves (macOS), or there are none.
 */
final class PageCache implements AutoCloseable {

	private static final Logger logger = LoggerFactory.getLogger(PageCache.class);

	private static final long PAGE = 4096;

	private final FileChannel channel;

	private final Arena arena;

	private final MemorySegment mapping;

	private final MethodHandle mincore;

	private PageCache(FileChannel channel, Arena arena, MemorySegment mapping, MethodHandle mincore) {
		this.channel = channel;
		this.arena = arena;
		this.mapping = mapping;
		this.mincore = mincore;
	}

	/**
	 * Opens a file for questions about its pages.
	 * @param file a file
	 * @return null if this system does not answer them
	 */
	@SuppressWarnings("MustBeClosedChecker") // close() does
	static @Nullable PageCache open(Path file) {
		// Linux says of files that this process may not write that all is in memory.
		if (!System.getProperty("os.name", "").toLowerCase(Locale.ROOT).startsWith("linux")
				|| ValueLayout.ADDRESS.byteSize() != Long.BYTES || !Files.isWritable(file)) {
			return null;
		}
		Arena arena = Arena.ofShared();
		FileChannel channel = null;
		try {
			Linker linker = Linker.nativeLinker();
			SymbolLookup library = linker.defaultLookup();
			int pageSize = (int) linker
				.downcallHandle(library.findOrThrow("getpagesize"), FunctionDescriptor.of(ValueLayout.JAVA_INT))
				.invokeExact();
			MethodHandle mincore = linker.downcallHandle(library.findOrThrow("mincore"), FunctionDescriptor
				.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_LONG, ValueLayout.ADDRESS));
			channel = FileChannel.open(file, StandardOpenOption.READ);
			if (pageSize == PAGE) {
				return new PageCache(channel, arena,
						channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena), mincore);
			}
		}
		// What a downcall throws is declared as Throwable; nothing of it may stop
		// reading.
		catch (Throwable ex) {
			logger.debug("The pages of {} that are cached are not known", file, ex);
		}
		close(channel, arena);
		return null;
	}

	/**
	 * Whether all of a range is in the page cache.
	 * @param offset start, a multiple of 4096
	 * @param length bytes
	 * @return false if anything of it would be read from the disk
	 */
	boolean has(long offset, long length) {
		long wanted = Math.min(length, this.mapping.byteSize() - offset);
		if (wanted <= 0) {
			return false;
		}
		try (Arena confined = Arena.ofConfined()) {
			MemorySegment pages = confined.allocate(Math.ceilDiv(wanted, PAGE));
			int error = (int) this.mincore.invokeExact(this.mapping.asSlice(offset, wanted), wanted, pages);
			if (error != 0) {
				return false;
			}
			for (long i = 0; i < pages.byteSize(); i++) {
				if ((pages.get(ValueLayout.JAVA_BYTE, i) & 1) == 0) {
					return false;
				}
			}
			return true;
		}
		catch (Throwable ex) {
			logger.debug("The call of mincore failed", ex);
			return false;
		}
	}

	/** Reads through the page cache. */
	FileChannel channel() {
		return this.channel;
	}

	@Override
	public void close() {
		close(this.channel, this.arena);
	}

	private static void close(@Nullable FileChannel channel, Arena arena) {
		arena.close();
		try {
			if (channel != null) {
				channel.close();
			}
		}
		catch (IOException ex) {
			logger.debug("Cannot close a channel of cached pages", ex);
		}
	}

}
