package io.github.flashspring.engine.weights;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

import io.github.flashspring.engine.checkpoint.TensorInfo;
import io.github.flashspring.engine.weights.Block.Extent;
import io.github.flashspring.engine.weights.Block.Tile;
import io.github.flashspring.engine.weights.WeightGroup.Kind;

/**
 * Cuts the matrices of a model into blocks of about the same size: large matrices by
 * rows, small ones together. The cut depends on the files and the size alone, so that
 * plans of different budgets speak of the same blocks.
 */
public final class BlockLayout {

	/** Rows of a tile are a multiple of this, so that threads share them evenly. */
	private static final int ROWS = 32;

	/** Blocks may be larger than asked for by this factor, before they are cut. */
	private static final double SLACK = 1.5;

	private final long blockBytes;

	private final List<Block> blocks;

	private final List<List<Block>> groupBlocks;

	private final long onDemandBytes;

	private BlockLayout(long blockBytes, List<Block> blocks, int groups) {
		this.blockBytes = blockBytes;
		this.blocks = List.copyOf(blocks);
		this.onDemandBytes = blocks.stream().filter(Block::onDemand).mapToLong(Block::bytes).sum();
		List<List<Block>> byGroup = new ArrayList<>();
		for (int i = 0; i < groups; i++) {
			byGroup.add(new ArrayList<>());
		}
		blocks.forEach((block) -> byGroup.get(block.group()).add(block));
		this.groupBlocks = byGroup.stream().map(List::copyOf).toList();
	}

	/**
	 * Cuts.
	 * @param layout the weights
	 * @param blockBytes wanted size of a block
	 * @param alignment what offsets and lengths of reads must be multiples of
	 * @return blocks of the groups in the order of a pass, then of the embedding unless
	 * it is tied to a group
	 */
	public static BlockLayout cut(WeightLayout layout, long blockBytes, int alignment) {
		List<WeightLayout.Group> groups = new ArrayList<>(layout.groups());
		if (layout.tiedGroup() < 0) {
			groups.add(layout.embedding());
		}
		List<Block> blocks = new ArrayList<>();
		for (int i = 0; i < groups.size(); i++) {
			for (List<Rows> rows : pack(tiles(groups.get(i), blockBytes), blockBytes)) {
				blocks.add(block(blocks.size(), i, groups.get(i).kind(), rows, alignment));
			}
		}
		return new BlockLayout(blockBytes, blocks, groups.size());
	}

	private static List<Rows> tiles(WeightLayout.Group group, long blockBytes) {
		List<Rows> tiles = new ArrayList<>();
		for (int i = 0; i < group.weights().size(); i++) {
			Weight weight = group.weights().get(i);
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

	private static List<List<Rows>> pack(List<Rows> tiles, long blockBytes) {
		List<List<Rows>> packs = new ArrayList<>();
		List<Rows> pack = new ArrayList<>();
		long bytes = 0;
		for (Rows tile : tiles) {
			if (!pack.isEmpty() && bytes + tile.bytes() > SLACK * blockBytes) {
				packs.add(pack);
				pack = new ArrayList<>();
				bytes = 0;
			}
			pack.add(tile);
			bytes += tile.bytes();
		}
		if (!pack.isEmpty()) {
			packs.add(pack);
		}
		return packs;
	}

	private static Block block(int index, int group, Kind kind, List<Rows> pack, int alignment) {
		List<Extent> extents = extents(pack, alignment);
		long bytes = extents.stream().mapToLong(Extent::length).sum();
		List<Tile> tiles = pack.stream()
			.map((rows) -> new Tile(rows.index(), rows.from(), rows.count(),
					rows.weight().parts().stream().mapToLong((part) -> position(extents, rows, part)).toArray()))
			.toList();
		return new Block(index, group, kind, tiles, extents, bytes);
	}

	/** Ranges that touch the same or neighbouring file-system blocks become one. */
	private static List<Extent> extents(List<Rows> pack, int alignment) {
		List<Extent> ranges = new ArrayList<>();
		for (Rows rows : pack) {
			for (TensorInfo part : rows.weight().parts()) {
				long from = Math.floorDiv(rows.offset(part), alignment) * alignment;
				long to = Math.ceilDiv(rows.offset(part) + rows.bytes(part), alignment) * alignment;
				ranges.add(new Extent(part.file(), from, to - from, 0));
			}
		}
		ranges.sort(Comparator.comparing(Extent::file).thenComparing(Extent::offset));
		List<Extent> extents = new ArrayList<>();
		long position = 0;
		Path file = null;
		long from = 0;
		long to = 0;
		for (Extent range : ranges) {
			if (file != null && range.file().equals(file) && range.offset() <= to) {
				to = Math.max(to, range.offset() + range.length());
				continue;
			}
			if (file != null) {
				extents.add(new Extent(file, from, to - from, position));
				position += to - from;
			}
			file = range.file();
			from = range.offset();
			to = from + range.length();
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
	 * Blocks of a group.
	 * @param group index of the group
	 * @return blocks in the order of use
	 */
	public List<Block> of(int group) {
		return this.groupBlocks.get(group);
	}

	public int groups() {
		return this.groupBlocks.size();
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
	 * @param index its index in the group
	 * @param from first row
	 * @param count number of rows
	 */
	private record Rows(Weight weight, int index, int from, int count) {

		long bytes() {
			return this.weight.parts().stream().mapToLong(this::bytes).sum();
		}

		long bytes(TensorInfo part) {
			return this.weight.rowsOf(part, this.from, this.count) * Weight.rowBytes(part);
		}

		long offset(TensorInfo part) {
			return part.offset() + this.weight.rowOf(part, this.from) * Weight.rowBytes(part);
		}

	}

}
