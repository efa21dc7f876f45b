package io.github.flashspring.engine.weights;

import java.nio.file.Path;
import java.util.List;

import io.github.flashspring.engine.weights.WeightGroup.Kind;

/**
 * What is read, pinned and dropped as one: neighbouring tiles of one weight group, in the
 * order of use, and the ranges of files that hold them. A block has the same layout
 * wherever it lies in memory.
 *
 * @param index in the order of a pass
 * @param group index of the weight group that it belongs to
 * @param kind what that group is for
 * @param tiles what is computed with, in the order of use
 * @param extents what is read
 * @param bytes memory that it takes: the sum of its extents
 */
public record Block(int index, int group, Kind kind, List<Tile> tiles, List<Extent> extents, long bytes) {

	public Block {
		tiles = List.copyOf(tiles);
		extents = List.copyOf(extents);
	}

	/**
	 * {@return whether it is read only when a pass asks for it}
	 */
	public boolean onDemand() {
		return this.kind == Kind.EXPERT;
	}

	/**
	 * Rows of a matrix that are computed with at once.
	 *
	 * @param weight index of the matrix in its group
	 * @param firstRow first row
	 * @param rows number of rows
	 * @param positions where the rows of each part of the weight begin in the block's
	 * memory, in the order of {@link Weight#parts()}
	 */
	public record Tile(int weight, int firstRow, int rows, long[] positions) {

	}

	/**
	 * A range of a file, in whole file-system blocks.
	 *
	 * @param file the file
	 * @param offset first byte in the file
	 * @param length bytes; the last of them may lie beyond the end of the file
	 * @param position first byte in the block's memory
	 */
	public record Extent(Path file, long offset, long length, long position) {

	}

}
