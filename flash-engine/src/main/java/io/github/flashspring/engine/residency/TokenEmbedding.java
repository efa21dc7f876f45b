package io.github.flashspring.engine.residency;

import io.github.flashspring.engine.reading.BlockRead;
import io.github.flashspring.engine.reading.RowBatch;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

import io.github.flashspring.engine.weights.Block;
import io.github.flashspring.engine.weights.BlockLayout;
import io.github.flashspring.engine.weights.Weight;
import io.github.flashspring.engine.weights.WeightLayout;
import io.github.flashspring.engine.checkpoint.TensorInfo;
import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.device.Fence;
import io.github.flashspring.engine.device.Matrix;
import io.github.flashspring.engine.device.SharedBuffer;
import io.github.flashspring.engine.device.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Looks up tokens in a table of which only some blocks are in memory: the rows of the
 * others are read one by one, each once for all its tokens.
 */
final class TokenEmbedding implements AutoCloseable {

	private final Weight table;

	private final int group;

	private final List<RowsOf> blocks = new ArrayList<>();

	private final Prefetcher prefetcher;

	private final Device device;

	private final int rows;

	/** Rows of each part of the table. */
	private final List<SharedBuffer> staged = new ArrayList<>();

	private final Matrix matrix;

	private Fence free = Fence.DONE;

	/**
	 * Allocates memory for rows.
	 * @param layout the weights
	 * @param blocks all blocks
	 * @param prefetcher reads
	 * @param device computes
	 * @param rows most rows at once
	 */
	TokenEmbedding(WeightLayout layout, BlockLayout blocks, Prefetcher prefetcher, Device device, int rows) {
		this.table = layout.table();
		int tied = layout.tiedGroup();
		this.group = (tied >= 0) ? tied : layout.groups().size();
		this.prefetcher = prefetcher;
		this.device = device;
		this.rows = rows;
		List<Weight> weights = (tied >= 0) ? layout.groups().get(tied).weights() : List.of(this.table);
		for (Block block : blocks.of(this.group)) {
			for (Block.Tile tile : block.tiles()) {
				if (weights.get(tile.weight()).codes().name().equals(this.table.codes().name())) {
					this.blocks.add(new RowsOf(block, tile));
				}
			}
		}
		for (TensorInfo part : this.table.parts()) {
			this.staged.add(device.allocateShared(rows * Weight.rowBytes(part)));
		}
		List<TensorInfo> parts = this.table.parts();
		this.matrix = this.table.separateRows((part) -> Tensor.of(this.staged.get(parts.indexOf(part)), 0, part.dtype(),
				rows, Math.toIntExact(part.dimension(1))));
	}

	/**
	 * Looks up tokens.
	 * @param out F32 [n, hidden]
	 * @param tokens n token ids
	 */
	void lookup(Tensor out, int[] tokens) {
		for (int from = 0; from < tokens.length; from += this.rows) {
			int count = Math.min(this.rows, tokens.length - from);
			some(out.rows(from, count), Arrays.copyOfRange(tokens, from, from + count));
		}
	}

	private void some(Tensor out, int[] tokens) {
		this.free.await();
		Map<Integer, Integer> rowOf = new HashMap<>();
		List<RowBatch.Row> reads = new ArrayList<>();
		int[] rowOfToken = IntStream.of(tokens).map((token) -> {
			Integer known = rowOf.get(token);
			if (known != null) {
				return known;
			}
			int row = rowOf.size();
			rowOf.put(token, row);
			stage(token, row, reads);
			return row;
		}).toArray();
		if (!reads.isEmpty()) {
			this.prefetcher.readRows(reads);
		}
		for (int i = 0; i < this.staged.size(); i++) {
			this.device.written(this.staged.get(i), 0, rowOf.size() * Weight.rowBytes(this.table.parts().get(i)));
		}
		this.device.embed(out, this.matrix, rowOfToken);
		this.free = this.device.commit();
	}

	private void stage(int token, int row, List<RowBatch.Row> reads) {
		RowsOf holder = this.blocks.stream().filter((rowsOf) -> rowsOf.has(token)).findFirst().orElseThrow();
		@Nullable BlockRead read = this.prefetcher.present(holder.block());
		List<TensorInfo> parts = this.table.parts();
		for (int i = 0; i < parts.size(); i++) {
			TensorInfo part = parts.get(i);
			long bytes = Weight.rowBytes(part);
			MemorySegment target = this.staged.get(i).memory().asSlice(row * bytes, bytes);
			if (read != null) {
				long position = holder.tile().positions()[i]
						+ (this.table.rowOf(part, token) - this.table.rowOf(part, holder.tile().firstRow())) * bytes;
				MemorySegment.copy(read.memory(), position, target, 0, bytes);
			}
			else {
				reads.add(new RowBatch.Row(this.group, part.file(),
						part.offset() + this.table.rowOf(part, token) * bytes, target));
			}
		}
	}

	@Override
	public void close() {
		this.staged.forEach(SharedBuffer::close);
	}

	/**
	 * Some rows of the table.
	 *
	 * @param block block that holds them
	 * @param tile which rows
	 */
	private record RowsOf(Block block, Block.Tile tile) {

		boolean has(int row) {
			return row >= this.tile.firstRow() && row < this.tile.firstRow() + this.tile.rows();
		}

	}

}
