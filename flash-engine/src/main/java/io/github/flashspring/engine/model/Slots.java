package io.github.flashspring.engine.model;

import java.util.ArrayList;
import java.util.List;

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

	/** Most experts of a token. */
	private int perToken;

	/**
	 * Adds an activation that a layer computes and uses up.
	 * @param width values per row
	 * @return its handle
	 */
	Slot add(int width) {
		return add(new Slot(this.slots.size(), width, Extent.CHUNK));
	}

	/**
	 * Adds an activation that lives through the whole pass, beyond the layer that
	 * computes it.
	 * @param width values per row
	 * @return its handle
	 */
	Slot addForPass(int width) {
		return add(new Slot(this.slots.size(), width, Extent.PASS));
	}

	/**
	 * Adds an activation that is needed where a layer computes a pass in several parts,
	 * beyond each of them.
	 * @param width values per row
	 * @return its handle
	 */
	Slot addForParts(int width) {
		return add(new Slot(this.slots.size(), width, Extent.PARTS));
	}

	/**
	 * Adds an activation of experts that are computed at once.
	 * @param width values per row
	 * @return its handle
	 */
	Slot addForExperts(int width) {
		return add(new Slot(this.slots.size(), width, Extent.EXPERTS));
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
	 * Most rows that a linear layer, or several at once, are applied to.
	 * @param chunkRows most rows that a layer computes at once
	 * @return rows
	 */
	int rowsAtOnce(int chunkRows) {
		return Math.max(chunkRows, this.perToken);
	}

	private Slot add(Slot slot) {
		this.slots.add(slot);
		return slot;
	}

	/**
	 * Memory for passes of a length.
	 * @param chunkRows most rows that a layer computes at once
	 * @param passRows most rows of a pass
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
			case PARTS -> (passRows > chunkRows) ? passRows : 0;
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
	 * @param extent for which rows there is room
	 */
	record Slot(int index, int width, Extent extent) {

		/** Whether there is a row for every row of a pass. */
		boolean forPass() {
			return this.extent == Extent.PASS || this.extent == Extent.PARTS;
		}

	}

	/** For which rows there is room. */
	enum Extent {

		/** Those that a layer computes at once. */
		CHUNK,

		/** Those of experts that are computed at once. */
		EXPERTS,

		/** All of a pass. */
		PASS,

		/** All of a pass, if it has more than a layer computes at once. */
		PARTS

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
