package io.github.flashspring.cli.bench;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Optional;

/**
 * Memory straight from the operating system, in small or huge pages. The JVM's own
 * allocation writes to memory at once, and it is too late then to ask for huge pages.
 */
final class AnonymousMemory implements AutoCloseable {

	private static final long HUGE_PAGE = 2 << 20;

	private static final int READ_AND_WRITE = 3;

	/** Linux: private, anonymous. */
	private static final int PRIVATE = 0x22;

	private static final int HUGE_PAGES = 14;

	private static final int SMALL_PAGES = 15;

	private final Arena arena;

	private final MemorySegment segment;

	private AnonymousMemory(Arena arena, MemorySegment segment) {
		this.arena = arena;
		this.segment = segment;
	}

	/**
	 * Takes memory and writes to it.
	 * @param bytes how much
	 * @param huge in huge pages, or else in small ones
	 * @return the memory; empty if it cannot be had in such pages
	 */
	@SuppressWarnings("MustBeClosedChecker") // closed with the memory
	static Optional<AnonymousMemory> allocate(long bytes, boolean huge) {
		if (!System.getProperty("os.name").equals("Linux")) {
			if (huge) {
				return Optional.empty();
			}
			Arena arena = Arena.ofShared();
			return Optional.of(new AnonymousMemory(arena, arena.allocate(bytes, 64).fill((byte) 1)));
		}
		Arena arena = Arena.ofShared();
		try {
			MemorySegment segment = map(bytes + HUGE_PAGE, arena);
			long toAlign = -segment.address() & (HUGE_PAGE - 1);
			segment = segment.asSlice(toAlign, bytes);
			boolean advised = (int) call("madvise", FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS,
					ValueLayout.JAVA_LONG, ValueLayout.JAVA_INT), segment, bytes, huge ? HUGE_PAGES : SMALL_PAGES) == 0;
			if (huge && !advised) {
				arena.close();
				return Optional.empty();
			}
			return Optional.of(new AnonymousMemory(arena, segment.fill((byte) 1)));
		}
		catch (RuntimeException ex) {
			arena.close();
			throw ex;
		}
	}

	private static MemorySegment map(long bytes, Arena arena) {
		MemorySegment mapped = (MemorySegment) call("mmap",
				FunctionDescriptor.of(ValueLayout.ADDRESS, ValueLayout.ADDRESS, ValueLayout.JAVA_LONG,
						ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG),
				MemorySegment.NULL, bytes, READ_AND_WRITE, PRIVATE, -1, 0L);
		if (mapped.address() == -1) {
			throw new IllegalStateException("The system has no " + bytes + " bytes of memory to measure with");
		}
		return mapped.reinterpret(bytes, arena,
				(memory) -> call("munmap",
						FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_LONG), memory,
						bytes));
	}

	private static Object call(String name, FunctionDescriptor descriptor, Object... arguments) {
		SymbolLookup library = Linker.nativeLinker().defaultLookup();
		MethodHandle handle = Linker.nativeLinker().downcallHandle(library.findOrThrow(name), descriptor);
		try {
			return handle.invokeWithArguments(arguments);
		}
		catch (Throwable ex) {
			throw new IllegalStateException("Cannot call " + name, ex);
		}
	}

	MemorySegment segment() {
		return this.segment;
	}

	@Override
	public void close() {
		this.arena.close();
	}

}
