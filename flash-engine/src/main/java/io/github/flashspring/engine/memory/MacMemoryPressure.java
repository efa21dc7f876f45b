package io.github.flashspring.engine.memory;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

import io.github.flashspring.engine.memory.MemoryPressure.Stall;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The memory pressure of macOS: {@code kern.memorystatus_vm_pressure_level}, which is 1
 * (normal), 2 (warning) or 4 (critical). Where it cannot be asked, there is none. Not yet
 * run on a Mac.
 */
final class MacMemoryPressure {

	private static final Logger logger = LoggerFactory.getLogger(MacMemoryPressure.class);

	private static final String NAME = "kern.memorystatus_vm_pressure_level";

	private final @Nullable MethodHandle sysctl;

	MacMemoryPressure() {
		MethodHandle found = null;
		try {
			Linker linker = Linker.nativeLinker();
			// int sysctlbyname(const char *, void *, size_t *, void *, size_t)
			found = linker.downcallHandle(linker.defaultLookup().findOrThrow("sysctlbyname"),
					FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.ADDRESS,
							ValueLayout.ADDRESS, ValueLayout.ADDRESS, ValueLayout.JAVA_LONG));
		}
		catch (RuntimeException | LinkageError ex) {
			logger.debug("The memory pressure is not known", ex);
		}
		this.sysctl = found;
	}

	Stall stall() {
		if (this.sysctl == null) {
			return Stall.NONE;
		}
		try (Arena arena = Arena.ofConfined()) {
			MemorySegment value = arena.allocate(ValueLayout.JAVA_INT);
			MemorySegment size = arena.allocateFrom(ValueLayout.JAVA_LONG, Integer.BYTES);
			int error = (int) this.sysctl.invokeExact(arena.allocateFrom(NAME), value, size, MemorySegment.NULL, 0L);
			return (error == 0) ? stall(value.get(ValueLayout.JAVA_INT, 0)) : Stall.NONE;
		}
		// What a downcall throws is declared as Throwable; the engine runs without it.
		catch (Throwable ex) {
			logger.debug("The memory pressure is not known", ex);
			return Stall.NONE;
		}
	}

	static Stall stall(int level) {
		return switch (level) {
			case 2 -> Stall.WARNING;
			case 4 -> Stall.CRITICAL;
			default -> Stall.NONE;
		};
	}

}
