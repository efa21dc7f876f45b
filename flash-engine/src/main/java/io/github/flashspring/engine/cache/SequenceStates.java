package io.github.flashspring.engine.cache;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;

import io.github.flashspring.engine.device.Buffer;
import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.device.Tensor;

/**
 * What sequences remember besides keys and values: a state of fixed size each, lent and
 * taken back. Memory of a state is allocated when it is first lent. A state changes with
 * every token; who wants to return to an earlier one takes a snapshot. Used by one
 * thread.
 */
final class SequenceStates implements AutoCloseable {

	private final Device device;

	private final long floats;

	private final int count;

	private final Deque<Buffer> free = new ArrayDeque<>();

	private final Map<Integer, Buffer> lent = new HashMap<>();

	/**
	 * Makes an empty pool.
	 * @param device allocates
	 * @param floats size of a state; 0: sequences have none
	 * @param count how many sequences have a state at once
	 */
	SequenceStates(Device device, long floats, int count) {
		this.device = device;
		this.floats = floats;
		this.count = count;
	}

	/**
	 * Whether a further sequence can have a state.
	 * @return false while all are lent
	 */
	boolean available() {
		return this.floats == 0 || this.lent.size() < this.count;
	}

	/**
	 * Lends a state; its content is undefined.
	 * @param sequence id of the sequence
	 * @throws io.github.flashspring.engine.device.DeviceException if there is no memory
	 */
	void lend(int sequence) {
		if (this.floats > 0) {
			Buffer buffer = this.free.isEmpty() ? this.device.allocate(this.floats * Float.BYTES) : this.free.pop();
			this.lent.put(sequence, buffer);
		}
	}

	void giveBack(int sequence) {
		Buffer buffer = this.lent.remove(sequence);
		if (buffer != null) {
			this.free.push(buffer);
		}
	}

	Buffer buffer(int sequence) {
		Buffer buffer = this.lent.get(sequence);
		if (buffer == null) {
			throw new IllegalStateException("The sequence of KV block " + sequence + " has no states");
		}
		return buffer;
	}

	/**
	 * Copies a state.
	 * @param sequence id of the sequence
	 * @return the copy; the caller closes it
	 */
	Buffer snapshot(int sequence) {
		Buffer copy = this.device.allocate(this.floats * Float.BYTES);
		copy(copy, buffer(sequence));
		return copy;
	}

	/**
	 * Replaces a state by a copy.
	 * @param sequence id of the sequence, perhaps another than the copy is of
	 * @param snapshot the copy
	 */
	void restore(int sequence, Buffer snapshot) {
		copy(buffer(sequence), snapshot);
	}

	private void copy(Buffer to, Buffer from) {
		int width = Math.toIntExact(this.floats);
		this.device.copy(Tensor.floats(to, 0, 1, width), Tensor.floats(from, 0, 1, width));
		this.device.commit().await();
	}

	@Override
	public void close() {
		this.free.forEach(Buffer::close);
		this.lent.values().forEach(Buffer::close);
	}

}
