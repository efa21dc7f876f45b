package io.github.flashspring.engine.residency;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Supplier;

import io.github.flashspring.engine.weights.Block;
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
 * The matrices of one unit, acquired block by block from whoever brings them into memory,
 * and given back as soon as the last piece of a block was used.
 * <p>
 * Products of which none needs another are a set of tasks, one for each piece. A task is
 * ready when its block is in memory. Those of streamed blocks run first, so that the next
 * blocks find room; those of blocks that stay fill the time in which reads are under way;
 * only when none is ready is there a wait, for whichever block comes first.
 */
final class BlockMatrices implements Weights.Matrices {

	private final WeightLayout.Unit unit;

	private final Device device;

	private final Blocks blocks;

	private final List<Block> unitBlocks;

	private final IoRecorder recorder;

	private final List<List<Place>> places = new ArrayList<>();

	/** Pieces of each block. */
	private final List<List<Place>> placesOfBlocks = new ArrayList<>();

	/** Tasks that have not run yet, in the order of use; reused. */
	private final Place[] open;

	/** Which product a piece belongs to, by the piece's place. */
	private final int[] products;

	/** How many tasks have not run yet, by place of their block. */
	private final int[] openOfBlock;

	/** Whether the last piece of a block is among them. */
	private final boolean[] closing;

	/** Blocks of tasks that have not run yet, and of which nothing is held; reused. */
	private final List<Block> missing = new ArrayList<>();

	/** What is held of the unit, by place of its block. */
	private final @Nullable BlockRead[] held;

	/** Views of pieces that stay where they are, by the piece's place. */
	private final @Nullable Matrix[] fixed;

	private boolean keep;

	/** When computing with matrices that came together began; 0 if nobody asks. */
	private long start;

	BlockMatrices(WeightLayout.Unit unit, List<Block> blocks, Device device, Blocks source, IoRecorder recorder) {
		this.unit = unit;
		this.device = device;
		this.blocks = source;
		this.recorder = recorder;
		this.unitBlocks = blocks;
		this.held = new BlockRead[blocks.size()];
		unit.weights().forEach((weight) -> this.places.add(new ArrayList<>()));
		int count = 0;
		for (int i = 0; i < blocks.size(); i++) {
			Block block = blocks.get(i);
			this.placesOfBlocks.add(new ArrayList<>());
			for (Block.Piece piece : block.pieces()) {
				boolean last = piece == block.pieces().getLast();
				Place place = new Place(count++, i, block, piece, last);
				this.places.get(piece.weight()).add(place);
				this.placesOfBlocks.get(i).add(place);
			}
		}
		this.fixed = new Matrix[count];
		this.open = new Place[count];
		this.products = new int[count];
		this.openOfBlock = new int[blocks.size()];
		this.closing = new boolean[blocks.size()];
	}

	@Override
	public void forEach(int weight, Weights.Visitor visitor) {
		for (Place place : this.places.get(weight)) {
			visitor.rows(place.piece().firstRow(), matrix(place));
			if (place.last() && !this.keep) {
				release(place.local());
			}
		}
	}

	@Override
	public void forEach(int[] weights, Weights.AnyOrder visitor) {
		Arrays.fill(this.openOfBlock, 0);
		Arrays.fill(this.closing, false);
		int count = 0;
		for (int i = 0; i < weights.length; i++) {
			for (Place place : this.places.get(weights[i])) {
				this.open[count++] = place;
				this.products[place.index()] = i;
				this.openOfBlock[place.local()]++;
				this.closing[place.local()] |= place.last();
			}
		}
		while (count > 0) {
			int next = next(count);
			Place place = this.open[next];
			count--;
			System.arraycopy(this.open, next + 1, this.open, next, count - next);
			long start = this.recorder.traces() ? System.nanoTime() : 0;
			visitor.rows(this.products[place.index()], place.piece().firstRow(), matrix(place));
			if (start != 0) {
				noteMultiplied(place, start);
			}
			ended(place);
		}
	}

	@Override
	public @Nullable List<Weights.Rows> together(int[] weights) {
		if (!gather(weights)) {
			return null;
		}
		List<Weights.Rows> rows = new ArrayList<>(weights.length);
		for (int i = 0; i < weights.length; i++) {
			for (Place place : this.places.get(weights[i])) {
				rows.add(new Weights.Rows(i, place.piece().firstRow(), matrix(place)));
			}
		}
		this.start = this.recorder.traces() ? System.nanoTime() : 0;
		return rows;
	}

	@Override
	public void used(int[] weights, Supplier<Fence> behind) {
		for (int weight : weights) {
			for (Place place : this.places.get(weight)) {
				if (this.start != 0) {
					noteMultiplied(place, this.start);
				}
				if (place.last() && !this.keep) {
					release(place.local(), behind);
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
		Place missing = null;
		boolean others = false;
		for (int weight : weights) {
			for (Place place : this.places.get(weight)) {
				if (this.fixed[place.index()] != null || this.held[place.local()] != null) {
					others = true;
				}
				else if (missing == null || missing.local() != place.local()) {
					BlockRead load = this.blocks.poll(List.of(place.block()));
					if (load != null) {
						hold(place.local(), load);
						others = true;
					}
					else if (missing != null) {
						return false;
					}
					else {
						missing = place;
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
		hold(missing.local(), this.blocks.acquire(missing.block()));
		return true;
	}

	private void noteMultiplied(Place place, long start) {
		this.recorder.multiplied(this.unit.weights().get(place.piece().weight()).parameter().module(),
				place.piece().firstRow(), place.piece().rows(), start);
	}

	/**
	 * Chooses a task that is ready; waits if none is.
	 * @param count open tasks
	 * @return its place among them
	 */
	private int next(int count) {
		while (true) {
			int stays = -1;
			this.missing.clear();
			for (int i = 0; i < count; i++) {
				Place place = this.open[i];
				if (this.held[place.local()] != null) {
					return i;
				}
				if (this.fixed[place.index()] != null) {
					stays = (stays < 0) ? i : stays;
				}
				else if (this.missing.isEmpty() || this.missing.getLast() != place.block()) {
					this.missing.add(place.block());
				}
			}
			BlockRead load = null;
			if (!this.missing.isEmpty()) {
				load = (stays >= 0) ? this.blocks.poll(this.missing) : this.blocks.take(this.missing);
			}
			if (load == null) {
				return stays;
			}
			hold(load.block().index() - this.unitBlocks.getFirst().index(), load);
		}
	}

	/**
	 * Gives a block back once its last piece and all open ones were computed with.
	 */
	private void ended(Place place) {
		int local = place.local();
		if (--this.openOfBlock[local] == 0 && this.closing[local] && !this.keep) {
			release(local);
		}
	}

	@Override
	public boolean present(int weight) {
		return this.places.get(weight)
			.stream()
			.allMatch((place) -> this.fixed[place.index()] != null || this.blocks.present(place.block()) != null);
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
		BlockRead load = this.held[local];
		if (load != null) {
			this.held[local] = null;
			this.blocks.release(load, behind.get());
		}
	}

	private Matrix matrix(Place place) {
		Matrix known = this.fixed[place.index()];
		if (known != null) {
			return known;
		}
		BlockRead load = this.held[place.local()];
		if (load == null) {
			load = this.blocks.acquire(place.block());
			hold(place.local(), load);
		}
		known = this.fixed[place.index()];
		return (known != null) ? known : view(place, load);
	}

	/** Keeps a block that stays for good, and another one until it is released. */
	private void hold(int local, BlockRead load) {
		if (this.blocks.stays(load.block())) {
			for (Place place : this.placesOfBlocks.get(local)) {
				this.fixed[place.index()] = view(place, load);
			}
		}
		else {
			this.held[local] = load;
		}
	}

	private Matrix view(Place place, BlockRead load) {
		return view(this.unit.weights().get(place.piece().weight()), place.piece(), load.offset(),
				this.blocks.buffer(load, this.device));
	}

	/**
	 * Rows of a matrix in a block.
	 * @param offset where the block begins in the buffer
	 */
	static Matrix view(WeightLayout.Weight weight, Block.Piece piece, long offset, Buffer buffer) {
		List<TensorInfo> parts = weight.parts();
		return weight.matrix(piece.firstRow(),
				(part) -> Tensor.of(buffer, offset + piece.positions()[parts.indexOf(part)], part.dtype(),
						weight.rowsOf(part, piece.firstRow(), piece.rows()),
						Math.toIntExact(part.dimension(part.rank() - 1))));
	}

	/** Brings blocks into memory. */
	interface Blocks {

		/**
		 * Waits for a block.
		 * @param block the block
		 * @return the block in memory, held until it is released
		 * @throws io.github.flashspring.engine.checkpoint.CheckpointException if it
		 * cannot be read
		 * @throws IllegalStateException if this is closed
		 */
		BlockRead acquire(Block block);

		/**
		 * One of some blocks, if any is in memory.
		 * @param wanted blocks in the order of use
		 * @return a block in memory, held until it is released; null if there is none
		 */
		default @Nullable BlockRead poll(List<Block> wanted) {
			return null;
		}

		/**
		 * Waits for one of some blocks.
		 * @param wanted blocks in the order of use, at least one
		 * @return the one that is in memory first, held until it is released
		 * @throws io.github.flashspring.engine.checkpoint.CheckpointException if the
		 * first one cannot be read
		 * @throws IllegalStateException if this is closed
		 */
		default BlockRead take(List<Block> wanted) {
			return acquire(wanted.getFirst());
		}

		/**
		 * Gives a block back.
		 * @param load what was acquired
		 * @param fence behind the work that uses it
		 */
		void release(BlockRead load, Fence fence);

		/**
		 * Whether a block stays where it is once it is in memory, without being held.
		 * @param block the block
		 * @return true for pinned ones
		 */
		boolean stays(Block block);

		/**
		 * A block that stays, if it is in memory already.
		 * @param block the block
		 * @return null if it must be read, or may leave
		 */
		default @Nullable BlockRead present(Block block) {
			return null;
		}

		/**
		 * The memory that holds a block.
		 * @param load what was acquired
		 * @param device sees it
		 * @return a buffer, in which the block lies at its offset
		 */
		Buffer buffer(BlockRead load, Device device);

	}

	/**
	 * Where a piece is.
	 *
	 * @param index place among the pieces of the unit
	 * @param local place of its block in the unit
	 * @param block its block
	 * @param piece the piece
	 * @param last whether it is the last of its block
	 */
	private record Place(int index, int local, Block block, Block.Piece piece, boolean last) {

	}

}
