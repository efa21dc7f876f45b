package io.github.flashspring.engine.checkpoint.gguf;

import java.util.List;

/**
 * One tensor of a GGUF file.
 *
 * @param name name within the file
 * @param type element type
 * @param shape sizes of the dimensions, slowest first (the file has them the other way)
 * @param offset of its first byte from the start of the file
 * @param byteSize bytes
 */
record GgufTensor(String name, GgufType type, List<Long> shape, long offset, long byteSize) {

	GgufTensor {
		shape = List.copyOf(shape);
	}

	/** Elements of a row: the size of the last dimension. */
	long columns() {
		return this.shape.getLast();
	}

	/** All dimensions but the last, as one. */
	long rows() {
		long rows = 1;
		for (long size : this.shape.subList(0, this.shape.size() - 1)) {
			rows *= size;
		}
		return rows;
	}

	/** Bytes of a row. */
	long rowBytes() {
		return columns() / this.type.blockElements() * this.type.blockBytes();
	}

	long[] shapeArray() {
		return this.shape.stream().mapToLong(Long::longValue).toArray();
	}

}
