package io.github.flashspring.engine.residency;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

import io.github.flashspring.engine.weights.Block;
import io.github.flashspring.engine.weights.BlockLayout;
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

	private final WeightLayout.Weight table;

	private final int unit;

	private final List<RowsOf> blocks = new ArrayList<>();

	private final Prefetcher prefetcher;

	private final Device device;

	private final int rows;

	/** Rows of each part of the table. */
	private final List<SharedBuffer> staged = new ArrayList<>();

	private final Matrix matrix;

	private Fence free = Fence.DONE;

	/**
	 * Allocates room for rows.
	 * @param layout the weights
	 * @param blocks all blocks
	 * @param prefetcher reads
	 * @param device computes
	 * @param rows most rows at once
	 */
	TokenEmbedding(WeightLayout layout, BlockLayout blocks, Prefetcher prefetcher, Device device, int rows) {
		this.table = layout.table();
		int tied = layout.tiedUnit();
		this.unit = (tied >= 0) ? tied : layout.units().size();
		this.prefetcher = prefetcher;
		this.device = device;
		this.rows = rows;
		List<WeightLayout.Weight> weights = (tied >= 0) ? layout.units().get(tied).weights() : List.of(this.table);
		for (Block block : blocks.of(this.unit)) {
			for (Block.Piece piece : block.pieces()) {
				if (weights.get(piece.weight()).codes().name().equals(this.table.codes().name())) {
					this.blocks.add(new RowsOf(block, piece));
				}
			}
		}
		for (TensorInfo part : this.table.parts()) {
			this.staged.add(device.allocateShared(rows * WeightLayout.Weight.rowBytes(part)));
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
		Map<Integer, Integer> places = new HashMap<>();
		List<ReadQueue.RowRead> reads = new ArrayList<>();
		int[] rowOfToken = IntStream.of(tokens).map((token) -> {
			Integer known = places.get(token);
			if (known != null) {
				return known;
			}
			int row = places.size();
			places.put(token, row);
			stage(token, row, reads);
			return row;
		}).toArray();
		if (!reads.isEmpty()) {
			this.prefetcher.readRows(reads);
		}
		for (int i = 0; i < this.staged.size(); i++) {
			long rowBytes = WeightLayout.Weight.rowBytes(this.table.parts().get(i));
			this.device.written(this.staged.get(i), 0, places.size() * rowBytes);
		}
		this.device.embed(out, this.matrix, rowOfToken);
		this.free = this.device.commit();
	}

	private void stage(int token, int row, List<ReadQueue.RowRead> reads) {
		RowsOf holder = this.blocks.stream().filter((rowsOf) -> rowsOf.has(token)).findFirst().orElseThrow();
		@Nullable BlockRead load = this.prefetcher.present(holder.block());
		List<TensorInfo> parts = this.table.parts();
		for (int i = 0; i < parts.size(); i++) {
			TensorInfo part = parts.get(i);
			long bytes = WeightLayout.Weight.rowBytes(part);
			MemorySegment target = this.staged.get(i).memory().asSlice(row * bytes, bytes);
			if (load != null) {
				long position = holder.piece().positions()[i]
						+ (this.table.rowOf(part, token) - this.table.rowOf(part, holder.piece().firstRow())) * bytes;
				MemorySegment.copy(load.memory(), position, target, 0, bytes);
			}
			else {
				reads.add(new ReadQueue.RowRead(this.unit, part.file(),
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
	 * @param piece which rows
	 */
	private record RowsOf(Block block, Block.Piece piece) {

		boolean has(int row) {
			return row >= this.piece.firstRow() && row < this.piece.firstRow() + this.piece.rows();
		}

	}

}
