package io.github.flashspring.engine.checkpoint;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Reads whole tensors for tests.
 */
public final class TensorBytes {

	private TensorBytes() {
	}

	/**
	 * Reads a tensor.
	 * @param checkpoint the files
	 * @param tensor one of its tensors, of less than 2 GB
	 * @return its bytes in native memory
	 */
	public static MemorySegment read(Checkpoint checkpoint, TensorInfo tensor) {
		MemorySegment memory = Arena.ofAuto().allocate(Math.max(1, tensor.byteSize()), 64);
		checkpoint.read(tensor, 0, memory.asSlice(0, tensor.byteSize()).asByteBuffer());
		return memory.asSlice(0, tensor.byteSize());
	}

}
