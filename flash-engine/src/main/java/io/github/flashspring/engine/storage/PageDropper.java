package io.github.flashspring.engine.storage;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicBoolean;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Drops pages of one file from Linux' page cache with {@code posix_fadvise}, so that
 * buffered reads do not fill the memory of a container. Java does not tell the descriptor
 * of its channels, so this has one of its own; the page cache belongs to the file, not to
 * the descriptor. Where any of this is impossible, reading goes on without it.
 */
final class PageDropper implements AutoCloseable {

	private static final Logger logger = LoggerFactory.getLogger(PageDropper.class);

	private static final int O_RDONLY_CLOEXEC = 0x80000;

	private static final int POSIX_FADV_DONTNEED = 4;

	private final MethodHandle advise;

	private final MethodHandle close;

	private final int descriptor;

	private final AtomicBoolean closed = new AtomicBoolean();

	private PageDropper(MethodHandle advise, MethodHandle close, int descriptor) {
		this.advise = advise;
		this.close = close;
		this.descriptor = descriptor;
	}

	/**
	 * Opens a file for dropping its pages.
	 * @param file a file
	 * @return null if this system cannot do it
	 */
	static @Nullable PageDropper open(Path file) {
		if (!System.getProperty("os.name", "").toLowerCase(Locale.ROOT).startsWith("linux")
				|| ValueLayout.ADDRESS.byteSize() != Long.BYTES) {
			return null;
		}
		try (Arena arena = Arena.ofConfined()) {
			Linker linker = Linker.nativeLinker();
			SymbolLookup library = linker.defaultLookup();
			MethodHandle open = linker.downcallHandle(library.findOrThrow("open"),
					FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_INT),
					Linker.Option.firstVariadicArg(2));
			MethodHandle advise = linker.downcallHandle(library.findOrThrow("posix_fadvise"),
					FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG,
							ValueLayout.JAVA_LONG, ValueLayout.JAVA_INT));
			MethodHandle close = linker.downcallHandle(library.findOrThrow("close"),
					FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));
			MemorySegment name = arena.allocateFrom(file.toString());
			int descriptor = (int) open.invokeExact(name, O_RDONLY_CLOEXEC);
			return (descriptor >= 0) ? new PageDropper(advise, close, descriptor) : null;
		}
		// What a downcall throws is declared as Throwable; nothing of it may stop
		// reading.
		catch (Throwable ex) {
			logger.debug("Pages of {} stay in the page cache after reading", file, ex);
			return null;
		}
	}

	/**
	 * Drops the whole pages of a range.
	 * @param offset start
	 * @param length bytes
	 */
	void drop(long offset, long length) {
		if (this.closed.get()) {
			return;
		}
		try {
			int error = (int) this.advise.invokeExact(this.descriptor, offset, length, POSIX_FADV_DONTNEED);
			if (error != 0) {
				logger.debug("posix_fadvise answers error {}", error);
			}
		}
		catch (Throwable ex) {
			logger.debug("The call of posix_fadvise failed", ex);
		}
	}

	@Override
	public void close() {
		if (!this.closed.compareAndSet(false, true)) {
			return;
		}
		try {
			int error = (int) this.close.invokeExact(this.descriptor);
			if (error != 0) {
				logger.debug("Closing a descriptor answers error {}", error);
			}
		}
		catch (Throwable ex) {
			logger.debug("The call of close failed", ex);
		}
	}

}
