package io.github.flashspring.engine.checkpoint;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.Objects;

import org.jspecify.annotations.Nullable;

/**
 * Where one tensor lies: name, element type, shape and the bytes of a file that hold it,
 * row by row, little-endian.
 *
 * @param name name within the checkpoint
 * @param dtype element type
 * @param shape sizes of the dimensions, slowest first; empty for a scalar
 * @param file the file that holds it
 * @param offset of its first byte from the start of {@code file}; not necessarily aligned
 * to the element size
 * @param byteSize number of bytes: elements × {@code dtype.bytes()}
 */
public record TensorInfo(String name, DType dtype, long[] shape, Path file, long offset, long byteSize) {

	/**
	 * Checks that shape and size agree.
	 * @throws IllegalArgumentException if they do not
	 */
	public TensorInfo {
		shape = shape.clone();
		long bytes;
		try {
			bytes = byteSize(dtype, shape);
		}
		catch (ArithmeticException ex) {
			throw new IllegalArgumentException("Tensor " + name + " is too large: " + Arrays.toString(shape), ex);
		}
		if (bytes != byteSize || offset < 0) {
			throw new IllegalArgumentException("Tensor " + name + " of " + dtype + Arrays.toString(shape) + " needs "
					+ bytes + " bytes, not " + byteSize + " at " + offset);
		}
	}

	@Override
	public long[] shape() {
		return this.shape.clone();
	}

	/**
	 * Number of dimensions.
	 * @return 0 for a scalar
	 */
	public int rank() {
		return this.shape.length;
	}

	/**
	 * Size of one dimension.
	 * @param axis from 0, the slowest
	 * @return its size
	 */
	public long dimension(int axis) {
		return this.shape[axis];
	}

	/**
	 * Number of elements: the product of the shape.
	 * @return 1 for a scalar
	 */
	public long elements() {
		return elements(this.shape);
	}

	/**
	 * Neighbouring elements in a shape of their own.
	 * @param from index of the first element
	 * @param partShape sizes of the dimensions, slowest first
	 * @return a tensor of the same name, type and file
	 * @throws IllegalArgumentException if it reaches beyond this tensor
	 */
	public TensorInfo part(long from, long... partShape) {
		long count = elements(partShape);
		if (from < 0 || count > elements() - from) {
			throw new IllegalArgumentException(
					"Elements " + from + " to " + (from + count) + " reach beyond tensor " + this);
		}
		return new TensorInfo(this.name, this.dtype, partShape, this.file, this.offset + from * this.dtype.bytes(),
				count * this.dtype.bytes());
	}

	static long elements(long[] shape) {
		long elements = 1;
		for (long size : shape) {
			if (size < 0) {
				throw new ArithmeticException("negative size");
			}
			elements = Math.multiplyExact(elements, size);
		}
		return elements;
	}

	static long byteSize(DType dtype, long[] shape) {
		return Math.multiplyExact(elements(shape), (long) dtype.bytes());
	}

	@Override
	public boolean equals(@Nullable Object other) {
		return other instanceof TensorInfo that && this.name.equals(that.name) && this.dtype == that.dtype
				&& Arrays.equals(this.shape, that.shape) && this.file.equals(that.file) && this.offset == that.offset
				&& this.byteSize == that.byteSize;
	}

	@Override
	public int hashCode() {
		return Objects.hash(this.name, this.dtype, Arrays.hashCode(this.shape), this.file, this.offset, this.byteSize);
	}

	@Override
	public String toString() {
		return this.name + " " + this.dtype + Arrays.toString(this.shape) + " at " + this.offset + " of " + this.file;
	}

}
