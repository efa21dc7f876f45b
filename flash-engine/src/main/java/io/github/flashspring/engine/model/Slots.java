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

	private final List<Integer> columns = new ArrayList<>();

	/**
	 * Adds an activation that a layer computes and uses up.
	 * @param width values per row
	 * @return its handle
	 */
	Slot add(int width) {
		this.columns.add(width);
		return new Slot(this.columns.size() - 1);
	}

	/**
	 * Adds an activation that lives through the whole pass, beyond the layer that
	 * computes it.
	 * @param width values per row
	 * @return its handle
	 */
	Slot addForPass(int width) {
		return add(width);
	}

	/**
	 * Memory for passes of a length.
	 * @param rows most rows of a pass
	 * @return bytes
	 */
	long bytes(int rows) {
		return this.columns.stream().mapToLong((width) -> slotBytes(width, rows)).sum();
	}

	Allocation allocate(Device device, int rows) {
		Buffer buffer = device.allocate(bytes(rows));
		Tensor[] tensors = new Tensor[this.columns.size()];
		long offset = 0;
		for (int i = 0; i < tensors.length; i++) {
			tensors[i] = Tensor.of(buffer, offset, DType.F32, rows, this.columns.get(i));
			offset += slotBytes(this.columns.get(i), rows);
		}
		return new Allocation(buffer, tensors);
	}

	private static long slotBytes(int width, int rows) {
		return (4L * width * rows + 63) & -64;
	}

	/**
	 * Handle of an activation.
	 *
	 * @param index place in its {@link Slots}
	 */
	record Slot(int index) {

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
