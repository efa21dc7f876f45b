package io.github.flashspring.engine.device;

import io.github.flashspring.engine.checkpoint.DType;

/**
 * A view of a {@link Buffer} as a row-major matrix. It describes where numbers lie, not
 * what they are: only a {@link Device} reads or writes them.
 *
 * @param buffer memory that holds the values; not owned by the view
 * @param byteOffset offset of the first value in {@code buffer}, in bytes
 * @param dtype type of one value
 * @param rows number of rows
 * @param columns number of values in a row
 * @param rowStride distance of the starts of two neighbouring rows, in values
 */
public record Tensor(Buffer buffer, long byteOffset, DType dtype, int rows, int columns, int rowStride) {

	public Tensor {
		if (rows < 0 || columns < 0 || rowStride < columns || byteOffset < 0
				|| (rows > 0 && byteOffset + ((rows - 1L) * rowStride + columns) * dtype.bytes() > buffer.byteSize())) {
			throw new IllegalArgumentException(
					"Tensor [" + rows + ", " + columns + "] of " + dtype + " with row stride " + rowStride + " at byte "
							+ byteOffset + " does not fit into a buffer of " + buffer.byteSize() + " bytes");
		}
	}

	/**
	 * A contiguous matrix.
	 * @param buffer memory that holds the values
	 * @param byteOffset offset of the first value, in bytes
	 * @param dtype type of one value
	 * @param rows number of rows
	 * @param columns number of values in a row
	 * @return the view
	 */
	public static Tensor of(Buffer buffer, long byteOffset, DType dtype, int rows, int columns) {
		return new Tensor(buffer, byteOffset, dtype, rows, columns, columns);
	}

	/**
	 * A contiguous matrix of activations.
	 * @param buffer memory that holds the values
	 * @param byteOffset offset of the first value, in bytes
	 * @param rows number of rows
	 * @param columns number of values in a row
	 * @return the view, F32
	 */
	public static Tensor floats(Buffer buffer, long byteOffset, int rows, int columns) {
		return of(buffer, byteOffset, DType.F32, rows, columns);
	}

	/**
	 * The rows {@code from … from + count - 1}.
	 * @param from first row
	 * @param count number of rows
	 * @return a view of the same memory
	 */
	public Tensor rows(int from, int count) {
		if (from < 0 || count < 0 || from + count > this.rows) {
			throw new IndexOutOfBoundsException(
					"rows " + from + " … " + (from + count) + " of a tensor with " + this.rows + " rows");
		}
		return new Tensor(this.buffer, this.byteOffset + (long) from * this.rowStride * this.dtype.bytes(), this.dtype,
				count, this.columns, this.rowStride);
	}

	/**
	 * The columns {@code from … from + count - 1} of every row.
	 * @param from first column
	 * @param count number of columns
	 * @return a view of the same memory
	 */
	public Tensor columns(int from, int count) {
		if (from < 0 || count < 0 || from + count > this.columns) {
			throw new IndexOutOfBoundsException(
					"columns " + from + " … " + (from + count) + " of a tensor with " + this.columns + " columns");
		}
		return new Tensor(this.buffer, this.byteOffset + (long) from * this.dtype.bytes(), this.dtype, this.rows, count,
				this.rowStride);
	}

	/**
	 * The same values with rows of another length, such as one row per attention head.
	 * @param newColumns length of a row; must divide the number of values
	 * @return a view of the same memory
	 */
	public Tensor reshape(int newColumns) {
		if (this.rowStride != this.columns || (long) this.rows * this.columns % newColumns != 0) {
			throw new IllegalArgumentException("Cannot view [" + this.rows + ", " + this.columns + "] (row stride "
					+ this.rowStride + ") as rows of " + newColumns);
		}
		return of(this.buffer, this.byteOffset, this.dtype, (int) ((long) this.rows * this.columns / newColumns),
				newColumns);
	}

}
