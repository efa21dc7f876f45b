package io.github.flashspring.engine.device.cpu;

import java.lang.foreign.MemorySegment;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.device.SharedBuffer;

/**
 * Native memory: either allocated, and freed when closed, or memory of somebody else.
 */
final class CpuBuffer implements SharedBuffer {

	private final MemorySegment segment;

	private @Nullable Runnable free;

	/**
	 * Makes a buffer.
	 * @param segment the memory
	 * @param free frees the memory; null if somebody else does
	 */
	CpuBuffer(MemorySegment segment, @Nullable Runnable free) {
		this.segment = segment;
		this.free = free;
	}

	MemorySegment segment() {
		return this.segment;
	}

	@Override
	public MemorySegment memory() {
		return this.segment;
	}

	@Override
	public long byteSize() {
		return this.segment.byteSize();
	}

	@Override
	public void close() {
		Runnable owned = this.free;
		this.free = null;
		if (owned != null) {
			owned.run();
		}
	}

}
