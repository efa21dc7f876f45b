package io.github.flashspring.engine.memory;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Locale;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Page-aligned anonymous memory for weights. On Linux and macOS it comes from
 * {@code mmap}, which no limit of the JVM on direct memory counts, and goes back to the
 * system when closed; on Linux huge pages are advised, since kernels run through
 * megabytes at a time. Elsewhere the JVM allocates it.
 */
public final class NativeMemory implements AutoCloseable {

	private static final Logger logger = LoggerFactory.getLogger(NativeMemory.class);

	/** No file system wants more of a direct read. */
	private static final long ALIGNMENT = 1 << 16;

	public static final long HUGE_PAGE = 2 << 20;

	private static final int PROT_READ_WRITE = 3;

	private static final int MAP_PRIVATE = 2;

	private static final int MADV_DONTNEED = 4;

	private static final int MADV_HUGEPAGE = 14;

	private static final int MADV_NOHUGEPAGE = 15;

	private final Runnable close;

	private final MemorySegment segment;

	private NativeMemory(Runnable close, MemorySegment segment) {
		this.close = close;
		this.segment = segment;
	}

	/**
	 * Allocates.
	 * @param bytes length
	 * @return memory that the caller closes, when nobody uses it any more
	 * @throws OutOfNativeMemoryException if there is not enough memory
	 */
	@SuppressWarnings("MustBeClosedChecker") // close() does
	public static NativeMemory allocate(long bytes) {
		Arena arena = Arena.ofShared();
		try {
			Calls calls = Calls.SYSTEM;
			if (calls == null) {
				return new NativeMemory(arena::close, arena.allocate(Math.max(1, bytes), ALIGNMENT).asSlice(0, bytes));
			}
			long alignment = (bytes < HUGE_PAGE) ? ALIGNMENT : HUGE_PAGE;
			// Pages that are never touched take no memory.
			long length = aligned(Math.max(1, bytes)) + alignment;
			MemorySegment mapped = calls.map(length)
				.reinterpret(length, arena, (memory) -> calls.unmap(memory, length));
			MemorySegment segment = mapped.asSlice(-mapped.address() & (alignment - 1), bytes);
			calls.adviseHugePages(mapped, segment.asSlice(0, bytes / HUGE_PAGE * HUGE_PAGE));
			return new NativeMemory(arena::close, segment);
		}
		catch (OutOfMemoryError ex) {
			arena.close();
			throw new OutOfNativeMemoryException("The system has no " + bytes + " bytes of memory for weights", ex);
		}
	}

	/**
	 * Reserves memory for parts that are taken and given back one by one. Huge pages go
	 * across their bounds: of blocks of 3 to 6 MB that are allocated one by one, a third
	 * lies in small pages, which a Zen 3 reads at 21 GB/s instead of 36.
	 * @param bytes sum of the {@link #aligned} lengths of all parts
	 * @return a region that the caller closes, or null where parts have to be allocated
	 * one by one
	 */
	public static @Nullable Region reserve(long bytes) {
		Calls calls = Calls.SYSTEM;
		return (calls != null && calls.madvise() != null) ? new Region(allocate(bytes), calls) : null;
	}

	/** The length of a part with what aligns the one behind it. */
	public static long aligned(long bytes) {
		return (bytes + ALIGNMENT - 1) & -ALIGNMENT;
	}

	public MemorySegment segment() {
		return this.segment;
	}

	@Override
	public void close() {
		this.close.run();
	}

	/**
	 * Memory of several parts. It is unmapped when it and all of its parts are closed;
	 * until then, each part that is closed gives its pages back.
	 */
	public static final class Region implements AutoCloseable {

		private final NativeMemory memory;

		private final Calls calls;

		private int open = 1;

		private Region(NativeMemory memory, Calls calls) {
			this.memory = memory;
			this.calls = calls;
		}

		/**
		 * Takes a part that is not in use.
		 * @param offset of the part, a sum of {@link #aligned} lengths
		 * @param bytes length of the part
		 */
		public synchronized NativeMemory part(long offset, long bytes) {
			MemorySegment all = this.memory.segment();
			MemorySegment part = all.asSlice(offset, bytes);
			MemorySegment pages = all.asSlice(offset, Math.min(aligned(bytes), all.byteSize() - offset));
			this.open++;
			return new NativeMemory(() -> {
				this.calls.giveBack(pages);
				close();
			}, part);
		}

		@Override
		public synchronized void close() {
			this.open--;
			if (this.open == 0) {
				this.memory.close();
			}
		}

	}

	/**
	 * System calls.
	 *
	 * @param mmap maps pages
	 * @param munmap gives them back
	 * @param madvise advises, or null where that is not Linux'
	 * @param anonymous the system's MAP_ANONYMOUS
	 */
	private record Calls(MethodHandle mmap, MethodHandle munmap, @Nullable MethodHandle madvise, int anonymous) {

		static final @Nullable Calls SYSTEM = find();

		private static @Nullable Calls find() {
			String system = System.getProperty("os.name", "").toLowerCase(Locale.ROOT);
			boolean linux = system.startsWith("linux");
			if ((!linux && !system.startsWith("mac")) || ValueLayout.ADDRESS.byteSize() != Long.BYTES) {
				return null;
			}
			try {
				Linker linker = Linker.nativeLinker();
				SymbolLookup library = linker.defaultLookup();
				MethodHandle mmap = linker.downcallHandle(library.findOrThrow("mmap"),
						FunctionDescriptor.of(ValueLayout.ADDRESS, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG,
								ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT,
								ValueLayout.JAVA_LONG));
				MethodHandle munmap = linker.downcallHandle(library.findOrThrow("munmap"),
						FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_LONG));
				MethodHandle madvise = linux
						? linker.downcallHandle(library.findOrThrow("madvise"), FunctionDescriptor
							.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_LONG, ValueLayout.JAVA_INT))
						: null;
				return new Calls(mmap, munmap, madvise, linux ? 0x20 : 0x1000);
			}
			catch (RuntimeException ex) {
				logger.debug("Weights lie in memory of the JVM", ex);
				return null;
			}
		}

		MemorySegment map(long length) {
			MemorySegment memory = (MemorySegment) call(
					() -> this.mmap.invoke(0L, length, PROT_READ_WRITE, MAP_PRIVATE | this.anonymous, -1, 0L));
			if (memory.address() == -1) {
				throw new OutOfMemoryError("mmap refuses " + length + " bytes");
			}
			return memory;
		}

		/**
		 * Advises huge pages where they are used to their ends: the last one of a few
		 * megabytes could take half as much again.
		 */
		void adviseHugePages(MemorySegment all, MemorySegment huge) {
			MethodHandle advise = this.madvise;
			if (advise != null) {
				int error = (int) call(() -> advise.invoke(all, all.byteSize(), MADV_NOHUGEPAGE));
				if (huge.byteSize() > 0) {
					error |= (int) call(() -> advise.invoke(huge, huge.byteSize(), MADV_HUGEPAGE));
				}
				if (error != 0) {
					logger.debug("The system has no huge pages");
				}
			}
		}

		/** Gives the pages of memory back that stays mapped. */
		void giveBack(MemorySegment pages) {
			MethodHandle advise = this.madvise;
			if (advise != null) {
				int error = (int) call(() -> advise.invoke(pages, pages.byteSize(), MADV_DONTNEED));
				if (error != 0) {
					logger.warn("madvise of {} bytes fails", pages.byteSize());
				}
			}
		}

		void unmap(MemorySegment memory, long length) {
			int error = (int) call(() -> this.munmap.invoke(memory, length));
			if (error != 0) {
				logger.warn("munmap of {} bytes fails", length);
			}
		}

		private static Object call(Call call) {
			try {
				return call.run();
			}
			catch (RuntimeException | Error ex) {
				throw ex;
			}
			// What a downcall throws is declared as Throwable.
			catch (Throwable ex) {
				throw new IllegalStateException(ex);
			}
		}

	}

	/** A call of a method handle. */
	private interface Call {

		Object run() throws Throwable;

	}

}
