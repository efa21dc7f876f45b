package io.github.flashspring.engine.residency;

import java.util.ArrayList;
import java.util.List;

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
 */
final class BlockMatrices implements Weights.Matrices {

	private final WeightLayout.Unit unit;

	private final Device device;

	private final Blocks blocks;

	private final List<List<Place>> places = new ArrayList<>();

	/** What is held of the unit, by place of its block. */
	private final @Nullable Load[] held;

	/** Views of pieces that stay where they are, by the piece's place. */
	private final @Nullable Matrix[] fixed;

	private boolean keep;

	BlockMatrices(WeightLayout.Unit unit, List<Block> blocks, Device device, Blocks source) {
		this.unit = unit;
		this.device = device;
		this.blocks = source;
		this.held = new Load[blocks.size()];
		unit.weights().forEach((weight) -> this.places.add(new ArrayList<>()));
		int count = 0;
		for (int i = 0; i < blocks.size(); i++) {
			Block block = blocks.get(i);
			for (Block.Piece piece : block.pieces()) {
				boolean last = piece == block.pieces().getLast();
				this.places.get(piece.weight()).add(new Place(count++, i, block, piece, last));
			}
		}
		this.fixed = new Matrix[count];
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
		Load load = this.held[local];
		if (load != null) {
			this.held[local] = null;
			this.blocks.release(load, this.device.commit());
		}
	}

	private Matrix matrix(Place place) {
		Matrix known = this.fixed[place.index()];
		if (known != null) {
			return known;
		}
		boolean pinned = this.blocks.stays(place.block());
		Load load = pinned ? this.blocks.acquire(place.block()) : held(place);
		Buffer buffer = this.blocks.buffer(load, this.device);
		Matrix matrix = view(this.unit.weights().get(place.piece().weight()), place.piece(), load.offset(), buffer);
		if (pinned) {
			this.fixed[place.index()] = matrix;
		}
		return matrix;
	}

	private Load held(Place place) {
		Load load = this.held[place.local()];
		if (load == null) {
			load = this.blocks.acquire(place.block());
			this.held[place.local()] = load;
		}
		return load;
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
		Load acquire(Block block);

		/**
		 * Gives a block back.
		 * @param load what was acquired
		 * @param fence behind the work that uses it
		 */
		void release(Load load, Fence fence);

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
		default @Nullable Load present(Block block) {
			return null;
		}

		/**
		 * The memory that holds a block.
		 * @param load what was acquired
		 * @param device sees it
		 * @return a buffer, in which the block lies at its offset
		 */
		Buffer buffer(Load load, Device device);

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
