package io.github.flashspring.engine.weights;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

import io.github.flashspring.engine.checkpoint.TensorInfo;
import io.github.flashspring.engine.weights.Block.Extent;
import io.github.flashspring.engine.weights.Block.Piece;

/**
 * Cuts the matrices of a model into blocks of about the same size: large matrices by
 * rows, small ones together. The cut depends on the files and the size alone, so that
 * plans of different budgets speak of the same blocks.
 */
public final class BlockLayout {

	/** Rows of a piece are a multiple of this, so that threads share them evenly. */
	private static final int ROWS = 32;

	/** Blocks may be larger than asked for by this factor, before they are cut. */
	private static final double SLACK = 1.5;

	private final long blockBytes;

	private final List<Block> blocks;

	private final List<List<Block>> unitBlocks;

	private final long onDemandBytes;

	private BlockLayout(long blockBytes, List<Block> blocks, int units) {
		this.blockBytes = blockBytes;
		this.blocks = List.copyOf(blocks);
		this.onDemandBytes = blocks.stream().filter(Block::onDemand).mapToLong(Block::bytes).sum();
		List<List<Block>> byUnit = new ArrayList<>();
		for (int i = 0; i < units; i++) {
			byUnit.add(new ArrayList<>());
		}
		blocks.forEach((block) -> byUnit.get(block.unit()).add(block));
		this.unitBlocks = byUnit.stream().map(List::copyOf).toList();
	}

	/**
	 * Cuts.
	 * @param layout the weights
	 * @param blockBytes wanted size of a block
	 * @param alignment what offsets and lengths of reads must be multiples of
	 * @return blocks of the units in the order of a pass, then of the embedding unless it
	 * is tied to a unit
	 */
	public static BlockLayout cut(WeightLayout layout, long blockBytes, int alignment) {
		List<WeightLayout.Unit> units = new ArrayList<>(layout.units());
		if (layout.tiedUnit() < 0) {
			units.add(layout.embedding());
		}
		List<Block> blocks = new ArrayList<>();
		for (int i = 0; i < units.size(); i++) {
			for (List<Rows> rows : group(tiles(units.get(i), blockBytes), blockBytes)) {
				blocks.add(block(blocks.size(), i, units.get(i).onDemand(), rows, alignment));
			}
		}
		return new BlockLayout(blockBytes, blocks, units.size());
	}

	private static List<Rows> tiles(WeightLayout.Unit unit, long blockBytes) {
		List<Rows> tiles = new ArrayList<>();
		for (int i = 0; i < unit.weights().size(); i++) {
			WeightLayout.Weight weight = unit.weights().get(i);
			if (weight.parameter().vector()) {
				continue;
			}
			int rows = weight.parameter().rows();
			long bytes = weight.parts().stream().mapToLong(TensorInfo::byteSize).sum();
			long count = (bytes <= SLACK * blockBytes) ? 1 : Math.ceilDiv(bytes, blockBytes);
			int height = (int) Math.min(rows, Math.ceilDiv(Math.ceilDiv(rows, count), ROWS) * ROWS);
			for (int from = 0; from < rows; from += height) {
				tiles.add(new Rows(weight, i, from, Math.min(height, rows - from)));
			}
		}
		return tiles;
	}

	private static List<List<Rows>> group(List<Rows> tiles, long blockBytes) {
		List<List<Rows>> groups = new ArrayList<>();
		List<Rows> group = new ArrayList<>();
		long bytes = 0;
		for (Rows tile : tiles) {
			if (!group.isEmpty() && bytes + tile.bytes() > SLACK * blockBytes) {
				groups.add(group);
				group = new ArrayList<>();
				bytes = 0;
			}
			group.add(tile);
			bytes += tile.bytes();
		}
		if (!group.isEmpty()) {
			groups.add(group);
		}
		return groups;
	}

	private static Block block(int index, int unit, boolean onDemand, List<Rows> group, int alignment) {
		List<Extent> extents = extents(group, alignment);
		long bytes = extents.stream().mapToLong(Extent::length).sum();
		List<Piece> pieces = group.stream()
			.map((rows) -> new Piece(rows.index(), rows.from(), rows.count(),
					rows.weight().parts().stream().mapToLong((part) -> position(extents, rows, part)).toArray()))
			.toList();
		return new Block(index, unit, onDemand, pieces, extents, bytes);
	}

	/** Stretches that touch the same or neighbouring blocks of the file become one. */
	private static List<Extent> extents(List<Rows> group, int alignment) {
		List<Extent> stretches = new ArrayList<>();
		for (Rows rows : group) {
			for (TensorInfo part : rows.weight().parts()) {
				long from = Math.floorDiv(rows.offset(part), alignment) * alignment;
				long to = Math.ceilDiv(rows.offset(part) + rows.bytes(part), alignment) * alignment;
				stretches.add(new Extent(part.file(), from, to - from, 0));
			}
		}
		stretches.sort(Comparator.comparing(Extent::file).thenComparing(Extent::offset));
		List<Extent> extents = new ArrayList<>();
		long position = 0;
		Path file = null;
		long from = 0;
		long to = 0;
		for (Extent stretch : stretches) {
			if (file != null && stretch.file().equals(file) && stretch.offset() <= to) {
				to = Math.max(to, stretch.offset() + stretch.length());
				continue;
			}
			if (file != null) {
				extents.add(new Extent(file, from, to - from, position));
				position += to - from;
			}
			file = stretch.file();
			from = stretch.offset();
			to = from + stretch.length();
		}
		if (file != null) {
			extents.add(new Extent(file, from, to - from, position));
		}
		return extents;
	}

	private static long position(List<Extent> extents, Rows rows, TensorInfo part) {
		long offset = rows.offset(part);
		return extents.stream()
			.filter((extent) -> extent.file().equals(part.file()) && extent.offset() <= offset
					&& offset < extent.offset() + extent.length())
			.mapToLong((extent) -> extent.position() + offset - extent.offset())
			.findFirst()
			.orElseThrow();
	}

	/**
	 * The size that was asked for.
	 * @return bytes
	 */
	public long blockBytes() {
		return this.blockBytes;
	}

	public List<Block> blocks() {
		return this.blocks;
	}

	/**
	 * Blocks of a unit.
	 * @param unit index of the unit
	 * @return blocks in the order of use
	 */
	public List<Block> of(int unit) {
		return this.unitBlocks.get(unit);
	}

	public int units() {
		return this.unitBlocks.size();
	}

	/**
	 * The largest block that every pass needs.
	 * @return bytes
	 */
	public long largest() {
		return largest(false);
	}

	/**
	 * The largest block that is read on demand.
	 * @return bytes, 0 if there is none
	 */
	public long largestOnDemand() {
		return largest(true);
	}

	private long largest(boolean onDemand) {
		return this.blocks.stream()
			.filter((block) -> block.onDemand() == onDemand)
			.mapToLong(Block::bytes)
			.max()
			.orElse(0);
	}

	/**
	 * Memory of all blocks that are read on demand.
	 * @return bytes
	 */
	public long onDemandBytes() {
		return this.onDemandBytes;
	}

	/**
	 * Rows of a matrix.
	 *
	 * @param weight the matrix
	 * @param index its index in the unit
	 * @param from first row
	 * @param count number of rows
	 */
	private record Rows(WeightLayout.Weight weight, int index, int from, int count) {

		long bytes() {
			return this.weight.parts().stream().mapToLong(this::bytes).sum();
		}

		long bytes(TensorInfo part) {
			return this.weight.rowsOf(part, this.from, this.count) * WeightLayout.Weight.rowBytes(part);
		}

		long offset(TensorInfo part) {
			return part.offset() + this.weight.rowOf(part, this.from) * WeightLayout.Weight.rowBytes(part);
		}

	}

}
