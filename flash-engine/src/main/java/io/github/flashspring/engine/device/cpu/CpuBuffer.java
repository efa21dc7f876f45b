package io.github.flashspring.engine.device.cpu;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.device.Buffer;

/**
 * Native memory: either allocated, and freed when closed, or memory of somebody else.
 */
final class CpuBuffer implements Buffer {

	private final MemorySegment segment;

	private @Nullable Arena arena;

	/**
	 * Makes a buffer.
	 * @param segment the memory
	 * @param arena what frees the memory, or null if somebody else does
	 */
	CpuBuffer(MemorySegment segment, @Nullable Arena arena) {
		this.segment = segment;
		this.arena = arena;
	}

	MemorySegment segment() {
		return this.segment;
	}

	@Override
	public long byteSize() {
		return this.segment.byteSize();
	}

	@Override
	public void close() {
		Arena owned = this.arena;
		this.arena = null;
		if (owned != null) {
			owned.close();
		}
	}

}
