package io.github.flashspring.engine.device.cpu;

import java.lang.foreign.MemorySegment;

import io.github.flashspring.engine.checkpoint.DType;
import io.github.flashspring.engine.device.Tensor;

/**
 * A tensor resolved to the memory that kernels read and write.
 *
 * @param memory the buffer's memory; values may lie at any byte
 * @param offset first byte of the first row
 * @param stride bytes from one row to the next
 * @param type type of a value
 * @param count number of rows
 * @param columns values in a row
 */
record Rows(MemorySegment memory, long offset, long stride, DType type, int count, int columns) {

	static Rows of(Tensor tensor) {
		if (!(tensor.buffer() instanceof CpuBuffer buffer)) {
			throw new IllegalArgumentException("A tensor of the CPU device lies in one of its own buffers, not in a "
					+ tensor.buffer().getClass().getName());
		}
		return new Rows(buffer.segment(), tensor.byteOffset(), (long) tensor.rowStride() * tensor.dtype().bytes(),
				tensor.dtype(), tensor.rows(), tensor.columns());
	}

	/**
	 * The same rows, whose first values are left out.
	 * @param column index of the value that becomes the first
	 * @return a view that reaches as far beyond the end of each row
	 */
	Rows from(int column) {
		return new Rows(this.memory, this.offset + (long) column * this.type.bytes(), this.stride, this.type,
				this.count, this.columns);
	}

	/**
	 * Where a row begins.
	 * @param index index of the row
	 * @return offset in {@link #memory} in bytes
	 */
	long row(int index) {
		return this.offset + index * this.stride;
	}

}
