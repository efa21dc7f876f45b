package io.github.flashspring.engine.residency;

import io.github.flashspring.engine.reading.BlockRead;
import io.github.flashspring.engine.reading.IoRecorder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Supplier;

import io.github.flashspring.engine.weights.Block;
import io.github.flashspring.engine.weights.Weight;
import io.github.flashspring.engine.weights.WeightLayout;
import io.github.flashspring.engine.weights.Weights;
import io.github.flashspring.engine.checkpoint.TensorInfo;
import io.github.flashspring.engine.device.Buffer;
import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.device.Fence;
import io.github.flashspring.engine.device.Matrix;
import io.github.flashspring.engine.device.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * The matrices of one weight group, acquired block by block, and given back as soon as
 * the last tile of a block was used.
 * <p>
 * Products of which none needs another are a set of tasks, one for each tile. A task is
 * ready when its block is in memory. Tasks of streamed blocks run first, so that the next
 * blocks find memory; those of pinned blocks fill the time in which reads are under way;
 * only when none is ready does compute wait, for whichever block comes first.
 */
final class BlockMatrices implements Weights.Matrices {

	private final WeightLayout.Group group;

	private final Device device;

	private final BlockSource source;

	private final List<Block> groupBlocks;

	private final IoRecorder recorder;

	private final List<List<Tile>> tiles = new ArrayList<>();

	/** Tiles of each block. */
	private final List<List<Tile>> tilesOfBlocks = new ArrayList<>();

	/** Tasks that have not run yet, in the order of use; reused. */
	private final Tile[] open;

	/** Which product a tile belongs to, by the tile's index. */
	private final int[] products;

	/** How many tasks have not run yet, by index of their block in the group. */
	private final int[] openOfBlock;

	/** Whether the last tile of a block is among them. */
	private final boolean[] closing;

	/** Blocks of tasks that have not run yet, and of which nothing is held; reused. */
	private final List<Block> missing = new ArrayList<>();

	/** What is held of the group, by index of its block in it. */
	private final @Nullable BlockRead[] held;

	/** Views of tiles that stay where they are, by the tile's index. */
	private final @Nullable Matrix[] fixed;

	private boolean keep;

	/** When compute with matrices that came together began; 0 if nobody asks. */
	private long start;

	BlockMatrices(WeightLayout.Group group, List<Block> blocks, Device device, BlockSource source,
			IoRecorder recorder) {
		this.group = group;
		this.device = device;
		this.source = source;
		this.recorder = recorder;
		this.groupBlocks = blocks;
		this.held = new BlockRead[blocks.size()];
		group.weights().forEach((weight) -> this.tiles.add(new ArrayList<>()));
		int count = 0;
		for (int i = 0; i < blocks.size(); i++) {
			Block block = blocks.get(i);
			this.tilesOfBlocks.add(new ArrayList<>());
			for (Block.Tile rows : block.tiles()) {
				boolean last = rows == block.tiles().getLast();
				Tile tile = new Tile(count++, i, block, rows, last);
				this.tiles.get(rows.weight()).add(tile);
				this.tilesOfBlocks.get(i).add(tile);
			}
		}
		this.fixed = new Matrix[count];
		this.open = new Tile[count];
		this.products = new int[count];
		this.openOfBlock = new int[blocks.size()];
		this.closing = new boolean[blocks.size()];
	}

	@Override
	public void forEach(int weight, Weights.Visitor visitor) {
		for (Tile tile : this.tiles.get(weight)) {
			visitor.rows(tile.rows().firstRow(), matrix(tile));
			if (tile.last() && !this.keep) {
				release(tile.local());
			}
		}
	}

	@Override
	public void forEach(int[] weights, Weights.AnyOrder visitor) {
		Arrays.fill(this.openOfBlock, 0);
		Arrays.fill(this.closing, false);
		int count = 0;
		for (int i = 0; i < weights.length; i++) {
			for (Tile tile : this.tiles.get(weights[i])) {
				this.open[count++] = tile;
				this.products[tile.index()] = i;
				this.openOfBlock[tile.local()]++;
				this.closing[tile.local()] |= tile.last();
			}
		}
		while (count > 0) {
			int next = next(count);
			Tile tile = this.open[next];
			count--;
			System.arraycopy(this.open, next + 1, this.open, next, count - next);
			long start = this.recorder.traces() ? System.nanoTime() : 0;
			visitor.rows(this.products[tile.index()], tile.rows().firstRow(), matrix(tile));
			if (start != 0) {
				noteMultiplied(tile, start);
			}
			ended(tile);
		}
	}

	@Override
	public @Nullable List<Weights.Rows> together(int[] weights) {
		if (!gather(weights)) {
			return null;
		}
		List<Weights.Rows> rows = new ArrayList<>(weights.length);
		for (int i = 0; i < weights.length; i++) {
			for (Tile tile : this.tiles.get(weights[i])) {
				rows.add(new Weights.Rows(i, tile.rows().firstRow(), matrix(tile)));
			}
		}
		this.start = this.recorder.traces() ? System.nanoTime() : 0;
		return rows;
	}

	@Override
	public void used(int[] weights, Supplier<Fence> behind) {
		for (int weight : weights) {
			for (Tile tile : this.tiles.get(weight)) {
				if (this.start != 0) {
					noteMultiplied(tile, this.start);
				}
				if (tile.last() && !this.keep) {
					release(tile.local(), behind);
				}
			}
		}
	}

	/**
	 * Brings matrices into memory if that delays nothing: if they are there, or lie in
	 * one block.
	 * @return whether they are all in memory
	 */
	private boolean gather(int[] weights) {
		Tile missing = null;
		boolean others = false;
		for (int weight : weights) {
			for (Tile tile : this.tiles.get(weight)) {
				if (this.fixed[tile.index()] != null || this.held[tile.local()] != null) {
					others = true;
				}
				else if (missing == null || missing.local() != tile.local()) {
					BlockRead read = this.source.poll(List.of(tile.block()));
					if (read != null) {
						hold(tile.local(), read);
						others = true;
					}
					else if (missing != null) {
						return false;
					}
					else {
						missing = tile;
					}
				}
			}
		}
		if (missing == null) {
			return true;
		}
		if (others) {
			return false;
		}
		hold(missing.local(), this.source.acquire(missing.block()));
		return true;
	}

	private void noteMultiplied(Tile tile, long start) {
		this.recorder.multiplied(this.group.weights().get(tile.rows().weight()).parameter().module(),
				tile.rows().firstRow(), tile.rows().rows(), start);
	}

	/**
	 * Chooses a task that is ready; waits if none is.
	 * @param count open tasks
	 * @return its index among them
	 */
	private int next(int count) {
		while (true) {
			int pinned = -1;
			this.missing.clear();
			for (int i = 0; i < count; i++) {
				Tile tile = this.open[i];
				if (this.held[tile.local()] != null) {
					return i;
				}
				if (this.fixed[tile.index()] != null) {
					pinned = (pinned < 0) ? i : pinned;
				}
				else if (this.missing.isEmpty() || this.missing.getLast() != tile.block()) {
					this.missing.add(tile.block());
				}
			}
			BlockRead read = null;
			if (!this.missing.isEmpty()) {
				read = (pinned >= 0) ? this.source.poll(this.missing) : this.source.take(this.missing);
			}
			if (read == null) {
				return pinned;
			}
			hold(read.block().index() - this.groupBlocks.getFirst().index(), read);
		}
	}

	/**
	 * Gives a block back once its last tile and all open ones were used.
	 */
	private void ended(Tile tile) {
		int local = tile.local();
		if (--this.openOfBlock[local] == 0 && this.closing[local] && !this.keep) {
			release(local);
		}
	}

	@Override
	public boolean present(int weight) {
		return this.tiles.get(weight)
			.stream()
			.allMatch((tile) -> this.fixed[tile.index()] != null || this.source.present(tile.block()) != null);
	}

	@Override
	public void keep(boolean again) {
		this.keep = again;
	}

	@Override
	public void release() {
		for (int i = 0; i < this.held.length; i++) {
			release(i);
		}
	}

	private void release(int local) {
		release(local, this.device::commit);
	}

	private void release(int local, Supplier<Fence> behind) {
		BlockRead read = this.held[local];
		if (read != null) {
			this.held[local] = null;
			this.source.release(read, behind.get());
		}
	}

	private Matrix matrix(Tile tile) {
		Matrix known = this.fixed[tile.index()];
		if (known != null) {
			return known;
		}
		BlockRead read = this.held[tile.local()];
		if (read == null) {
			read = this.source.acquire(tile.block());
			hold(tile.local(), read);
		}
		known = this.fixed[tile.index()];
		return (known != null) ? known : view(tile, read);
	}

	/** Keeps a pinned block for good, and another one until it is released. */
	private void hold(int local, BlockRead read) {
		if (this.source.pins(read.block())) {
			for (Tile tile : this.tilesOfBlocks.get(local)) {
				this.fixed[tile.index()] = view(tile, read);
			}
		}
		else {
			this.held[local] = read;
		}
	}

	private Matrix view(Tile tile, BlockRead read) {
		return view(this.group.weights().get(tile.rows().weight()), tile.rows(), read.offset(),
				this.source.buffer(read, this.device));
	}

	/**
	 * Rows of a matrix in a block.
	 * @param offset where the block begins in the buffer
	 */
	static Matrix view(Weight weight, Block.Tile rows, long offset, Buffer buffer) {
		List<TensorInfo> parts = weight.parts();
		return weight.matrix(rows.firstRow(),
				(part) -> Tensor.of(buffer, offset + rows.positions()[parts.indexOf(part)], part.dtype(),
						weight.rowsOf(part, rows.firstRow(), rows.rows()),
						Math.toIntExact(part.dimension(part.rank() - 1))));
	}

	/**
	 * Rows of a matrix in a block.
	 *
	 * @param index among the tiles of the group
	 * @param local index of its block in the group
	 * @param block its block
	 * @param rows which rows
	 * @param last whether it is the last of its block
	 */
	private record Tile(int index, int local, Block block, Block.Tile rows, boolean last) {

	}

}
