package io.github.flashspring.engine.residency;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Locale;

import io.github.flashspring.engine.device.DeviceException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Page-aligned anonymous memory for weights. On Linux and macOS it comes from
 * {@code mmap}, which no limit of the JVM on direct memory counts, and goes back to the
 * system when closed; on Linux huge pages are advised, since kernels run through
 * megabytes at a time. Elsewhere the JVM allocates it.
 */
final class NativeMemory implements AutoCloseable {

	private static final Logger logger = LoggerFactory.getLogger(NativeMemory.class);

	/** No file system wants more of a direct read. */
	private static final long ALIGNMENT = 1 << 16;

	private static final long HUGE_PAGE = 2 << 20;

	private static final int PROT_READ_WRITE = 3;

	private static final int MAP_PRIVATE = 2;

	private static final int MADV_HUGEPAGE = 14;

	private static final int MADV_NOHUGEPAGE = 15;

	private final Arena arena;

	private final MemorySegment segment;

	private NativeMemory(Arena arena, MemorySegment segment) {
		this.arena = arena;
		this.segment = segment;
	}

	/**
	 * Allocates.
	 * @param bytes length
	 * @return memory that the caller closes, when nobody uses it any more
	 * @throws DeviceException if there is not enough memory
	 */
	@SuppressWarnings("MustBeClosedChecker") // close() does
	static NativeMemory allocate(long bytes) {
		Arena arena = Arena.ofShared();
		try {
			Calls calls = Calls.SYSTEM;
			if (calls == null) {
				return new NativeMemory(arena, arena.allocate(Math.max(1, bytes), ALIGNMENT).asSlice(0, bytes));
			}
			long alignment = (bytes < HUGE_PAGE) ? ALIGNMENT : HUGE_PAGE;
			// Pages that are never touched take no memory.
			long length = ((Math.max(1, bytes) + ALIGNMENT - 1) & -ALIGNMENT) + alignment;
			MemorySegment mapped = calls.map(length)
				.reinterpret(length, arena, (memory) -> calls.unmap(memory, length));
			MemorySegment segment = mapped.asSlice(-mapped.address() & (alignment - 1), bytes);
			calls.adviseHugePages(mapped, segment.asSlice(0, bytes / HUGE_PAGE * HUGE_PAGE));
			return new NativeMemory(arena, segment);
		}
		catch (OutOfMemoryError ex) {
			arena.close();
			throw new DeviceException("The system has no " + bytes + " bytes of memory for weights", ex);
		}
	}

	MemorySegment segment() {
		return this.segment;
	}

	@Override
	public void close() {
		this.arena.close();
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
