package io.github.flashspring.engine.model;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

import io.github.flashspring.engine.checkpoint.DType;
import io.github.flashspring.engine.device.Buffer;
import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.device.Tensor;

/**
 * Activations of a model: named once when the model is defined, allocated once for the
 * longest pass, and viewed by the rows of each pass.
 */
final class Slots {

	private final List<Slot> slots = new ArrayList<>();

	private final Map<Shared, Slot> shared = new HashMap<>();

	/** Largest number of experts of a token. */
	private int perToken;

	/**
	 * Adds an activation.
	 * @param width values per row
	 * @param extent for which rows there is a buffer
	 * @return its handle
	 */
	Slot add(int width, Extent extent) {
		Slot slot = new Slot(this.slots.size(), width, extent);
		this.slots.add(slot);
		return slot;
	}

	/**
	 * An activation of a chunk that all layers share, since one computes after the other.
	 * @param name what it is for
	 * @param width values per row
	 * @return the same for the same name and width
	 */
	Slot shared(String name, int width) {
		return shared(name, width, Extent.CHUNK);
	}

	/**
	 * An activation that all layers share, since one computes after the other.
	 * @param name what it is for
	 * @param width values per row
	 * @param extent for which rows there is a buffer
	 * @return the same for the same name, width and extent
	 */
	Slot shared(String name, int width, Extent extent) {
		return this.shared.computeIfAbsent(new Shared(name, width, extent), (key) -> add(width, extent));
	}

	/**
	 * Notes how many experts a token has: so many are computed at once, however few rows
	 * a layer computes at once.
	 * @param count the number
	 */
	void experts(int count) {
		this.perToken = Math.max(this.perToken, count);
	}

	/**
	 * Maximum of rows that a linear layer, or several at once, are applied to.
	 * @param chunkRows maximum of rows that a layer computes at once
	 * @return rows
	 */
	int rowsAtOnce(int chunkRows) {
		return Math.max(chunkRows, this.perToken);
	}

	/**
	 * Memory for passes of a length.
	 * @param chunkRows maximum of rows that a layer computes at once
	 * @param passRows maximum of rows of a pass
	 * @return bytes
	 */
	long bytes(int chunkRows, int passRows) {
		return this.slots.stream().mapToLong((slot) -> bytes(slot, chunkRows, passRows)).sum();
	}

	Allocation allocate(Device device, int chunkRows, int passRows) {
		Buffer buffer = device.allocate(bytes(chunkRows, passRows));
		Tensor[] tensors = new Tensor[this.slots.size()];
		long offset = 0;
		for (Slot slot : this.slots) {
			tensors[slot.index()] = Tensor.of(buffer, offset, DType.F32, rows(slot, chunkRows, passRows), slot.width());
			offset += bytes(slot, chunkRows, passRows);
		}
		return new Allocation(buffer, tensors);
	}

	private int rows(Slot slot, int chunkRows, int passRows) {
		return switch (slot.extent()) {
			case CHUNK -> chunkRows;
			case EXPERTS -> rowsAtOnce(chunkRows);
			case PASS -> passRows;
			case CHUNKED_PASS -> (passRows > chunkRows) ? passRows : 0;
		};
	}

	private long bytes(Slot slot, int chunkRows, int passRows) {
		return (4L * slot.width() * rows(slot, chunkRows, passRows) + 63) & -64;
	}

	/**
	 * Handle of an activation.
	 *
	 * @param index place in its {@link Slots}
	 * @param width values per row
	 * @param extent for which rows there is a buffer
	 */
	record Slot(int index, int width, Extent extent) {

		/** True if there is a row for every row of a pass. */
		boolean forPass() {
			return this.extent == Extent.PASS || this.extent == Extent.CHUNKED_PASS;
		}

	}

	private record Shared(String name, int width, Extent extent) {

	}

	/** For which rows there is a buffer. */
	enum Extent {

		/** Those of a chunk, which a layer computes and uses up. */
		CHUNK,

		/** Those of experts that are computed at once. */
		EXPERTS,

		/** All of a pass, beyond the layer that computes them. */
		PASS,

		/** All of a pass that is computed in several chunks. */
		CHUNKED_PASS

	}

	/**
	 * Memory of all activations.
	 *
	 * @param buffer the memory
	 * @param tensors F32 [rows, width] each
	 */
	record Allocation(Buffer buffer, Tensor[] tensors) {

	}

}
