package io.github.flashspring.engine.device.cpu;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * How rows of one format are read into registers: multiplied at once where rows of the
 * input are few, unpacked where they are many. Its plain reference is
 * {@link Format#number}.
 *
 * <p>
 * A <em>part</em> is as many of the 16 lanes as a register holds. Loops call the Vector
 * API themselves, without helpers of our own: behind some 40 vector operations the JIT
 * compiler's inlining refuses all methods but the API's, and a single one that it refuses
 * makes the loop ten times slower. Addresses move by additions, because an index of type
 * {@code long} makes it split the loop and spill registers. Several rows at a time share
 * the loads of the input.
 */
interface VectorFormat {

	VectorSpecies<Float> FLOATS = Lanes.WIDE;

	VectorSpecies<Integer> INTS = Lanes.WIDE_INTS;

	ByteOrder ORDER = ByteOrder.LITTLE_ENDIAN;

	MemorySegment MEMORY = Addresses.MEMORY;

	/** Lanes of a part. */
	int WIDTH = FLOATS.length();

	/** Parts that 16 lanes take. */
	int PARTS = Kernels.LANES / WIDTH;

	/** Bytes of a register. */
	long BYTES = 4L * WIDTH;

	/** Bytes of a part of a block, in FP32. */
	long PART = BlockOrder.STEPS * BYTES;

	/** Bytes of a block, in FP32. */
	long BLOCK = PARTS * PART;

	/**
	 * Rows that are multiplied at a time, each from a stream of its own.
	 * @return two or four
	 */
	default int streams() {
		return 2;
	}

	/**
	 * Sums up the products of some rows in the lanes of one part, without biases.
	 * @param rows the operands; their sums are replaced
	 * @param part index of the part
	 */
	void multiply(RowStreams rows, int part);

	/**
	 * Most rows of the input that are multiplied four at a time, so that a weight is
	 * unpacked once for four of them.
	 * @return the number of rows; 0 if there is no code for that
	 */
	default int mostByFour() {
		return 0;
	}

	/**
	 * Sums up the products of the first and the second rows with four rows of the input
	 * in the lanes of one part, in the order of {@link #multiply} and without biases.
	 * @param rows the operands; their sums are replaced
	 * @param part index of the part
	 */
	default void multiplyFour(RowStreams rows, int part) {
		throw new UnsupportedOperationException();
	}

	/**
	 * Unpacks blocks of a row, of codes without their scales.
	 * @param row address of the first block
	 * @param scales address of its first scale, for formats that are decoded
	 * @param biases bytes from a scale to the bias of its group
	 * @param part which lanes
	 * @param blocks number of blocks
	 * @param mask address of the mask of the last block
	 * @param out address that receives [block, step, lane] in FP32
	 * @param distance bytes from one block of {@code out} to the next
	 */
	void unpack(long row, long scales, long biases, int part, int blocks, long mask, long out, long distance);

	/**
	 * Bytes behind the last block that are read, but do not count.
	 * @return number of bytes
	 */
	default int excess() {
		return 0;
	}

	/**
	 * Looks up neighbouring values of a row, with their scales and biases, in the order
	 * of columns.
	 * @param weights the matrix
	 * @param row row of the matrix
	 * @param from first column, which begins a group
	 * @param count number of columns
	 * @param out receives the values
	 * @param to index of the first
	 * @param groups buffer for the scales and biases
	 */
	void lookUp(Weights weights, int row, int from, int count, float[] out, int to, float[] groups);

	/**
	 * The reader of a matrix.
	 * @param weights the matrix
	 * @return a reader, shared by all threads
	 */
	static VectorFormat of(Weights weights) {
		return weights.format().vector(weights);
	}

}
