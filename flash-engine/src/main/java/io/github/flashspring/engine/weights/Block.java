package io.github.flashspring.engine.weights;

import java.nio.file.Path;
import java.util.List;

/**
 * What is read, pinned and dropped as one: neighbouring pieces of one unit, in the order
 * of use, and the stretches of files that hold them. A block has the same layout wherever
 * it lies in memory.
 *
 * @param index place in the order of a pass
 * @param unit index of the unit that it belongs to
 * @param onDemand whether it is read only when somebody asks for it
 * @param pieces what is computed with, in the order of use
 * @param extents what is read
 * @param bytes memory that it takes: the sum of its extents
 */
public record Block(int index, int unit, boolean onDemand, List<Piece> pieces, List<Extent> extents, long bytes) {

	public Block {
		pieces = List.copyOf(pieces);
		extents = List.copyOf(extents);
	}

	/**
	 * Rows of a matrix that are computed with at once.
	 *
	 * @param weight index of the matrix in its unit
	 * @param firstRow first row
	 * @param rows number of rows
	 * @param positions where the rows of each part of the weight begin in the block's
	 * memory, in the order of {@link WeightLayout.Weight#parts()}
	 */
	public record Piece(int weight, int firstRow, int rows, long[] positions) {

	}

	/**
	 * A stretch of a file, in whole blocks of the file system.
	 *
	 * @param file the file
	 * @param offset first byte in the file
	 * @param length bytes; the last of them may lie beyond the end of the file
	 * @param position first byte in the block's memory
	 */
	public record Extent(Path file, long offset, long length, long position) {

	}

}
