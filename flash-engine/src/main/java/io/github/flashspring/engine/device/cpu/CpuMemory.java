package io.github.flashspring.engine.device.cpu;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

import io.github.flashspring.engine.device.Buffer;
import io.github.flashspring.engine.device.DeviceException;
import io.github.flashspring.engine.device.SharedBuffer;
import io.github.flashspring.engine.device.SharedRegion;
import io.github.flashspring.engine.memory.NativeMemory;
import io.github.flashspring.engine.memory.OutOfNativeMemoryException;

/**
 * Where buffers of the CPU device lie: activations in memory of the JVM, shared memory in
 * pages of its own. The host and the CPU see the same memory.
 */
final class CpuMemory {

	private CpuMemory() {
	}

	@SuppressWarnings("MustBeClosedChecker") // The buffer closes the arena.
	static Buffer allocate(long bytes) {
		requireLength(bytes);
		Arena arena = Arena.ofShared();
		try {
			return new CpuBuffer(arena.allocate(Math.max(bytes, 1), 64).asSlice(0, bytes), arena::close);
		}
		catch (OutOfMemoryError ex) {
			arena.close();
			throw new DeviceException("The JVM cannot allocate " + bytes
					+ " bytes of native memory; it allows as much as -XX:MaxDirectMemorySize, by default as -Xmx", ex);
		}
	}

	static SharedBuffer allocateShared(long bytes) {
		requireLength(bytes);
		try {
			NativeMemory memory = NativeMemory.allocate(bytes);
			return new CpuBuffer(memory.segment(), memory::close);
		}
		catch (OutOfNativeMemoryException ex) {
			throw new DeviceException("Cannot allocate shared memory: " + ex.getMessage(), ex);
		}
	}

	static SharedRegion reserveShared(long bytes) {
		requireLength(bytes);
		try {
			NativeMemory.Region region = NativeMemory.reserve(bytes);
			return (region != null) ? new Region(region) : new Parts();
		}
		catch (OutOfNativeMemoryException ex) {
			throw new DeviceException("Cannot allocate shared memory: " + ex.getMessage(), ex);
		}
	}

	static Buffer wrap(MemorySegment segment) {
		if (!segment.isNative()) {
			throw new IllegalArgumentException(
					"Expected native memory, found a heap segment of " + segment.byteSize() + " bytes");
		}
		if (!segment.isAccessibleBy(new Thread())) {
			throw new IllegalArgumentException(
					"The memory must be accessible to all threads: use a shared or automatic arena, not a confined one");
		}
		return new CpuBuffer(segment.asReadOnly(), null);
	}

	private static void requireLength(long bytes) {
		if (bytes < 0) {
			throw new IllegalArgumentException("Cannot allocate " + bytes + " bytes");
		}
	}

	/** Parts that share huge pages. */
	private static final class Region implements SharedRegion {

		private final NativeMemory.Region region;

		private long used;

		Region(NativeMemory.Region region) {
			this.region = region;
		}

		@Override
		public SharedBuffer allocate(long bytes) {
			NativeMemory part = this.region.part(this.used, bytes);
			this.used += NativeMemory.aligned(bytes);
			return new CpuBuffer(part.segment(), part::close);
		}

		@Override
		public void close() {
			this.region.close();
		}

	}

	/** Parts of their own, where pages cannot be given back one by one. */
	private static final class Parts implements SharedRegion {

		@Override
		public SharedBuffer allocate(long bytes) {
			return allocateShared(bytes);
		}

		@Override
		public void close() {
			// Each part frees its own memory.
		}

	}

}
