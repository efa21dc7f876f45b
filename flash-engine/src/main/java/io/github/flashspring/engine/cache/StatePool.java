package io.github.flashspring.engine.cache;

import java.util.ArrayDeque;
import java.util.Deque;

import io.github.flashspring.engine.device.Buffer;
import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.device.Tensor;

/**
 * States of fixed size, lent to sequences of models with state-space layers. A state is
 * allocated when it is first lent. Used by one thread.
 */
final class StatePool implements AutoCloseable {

	private final Device device;

	private final long floats;

	private final int count;

	private final Deque<Buffer> free = new ArrayDeque<>();

	private int lent;

	/**
	 * Makes an empty pool.
	 * @param device allocates
	 * @param floats size of a state; 0: sequences have none
	 * @param count most states that are lent at once
	 */
	StatePool(Device device, long floats, int count) {
		this.device = device;
		this.floats = floats;
		this.count = count;
	}

	/** Whether sequences have states. */
	boolean exists() {
		return this.floats > 0;
	}

	/** Whether a further sequence can have a state, or needs none. */
	boolean available() {
		return this.floats == 0 || this.lent < this.count;
	}

	/**
	 * Lends a state; its content is undefined.
	 * @return the state
	 * @throws io.github.flashspring.engine.device.DeviceException if there is no memory
	 */
	Buffer lend() {
		Buffer buffer = this.free.isEmpty() ? allocate() : this.free.pop();
		this.lent++;
		return buffer;
	}

	/** A state that is not lent: the caller closes it. */
	Buffer allocate() {
		return this.device.allocate(this.floats * Float.BYTES);
	}

	void giveBack(Buffer state) {
		this.lent--;
		this.free.push(state);
	}

	/** Copies a state, and waits: both may be closed at once. */
	void copy(Buffer to, Buffer from) {
		int width = Math.toIntExact(this.floats);
		this.device.copy(Tensor.floats(to, 0, 1, width), Tensor.floats(from, 0, 1, width));
		this.device.commit().await();
	}

	/** Frees the states that are not lent. */
	@Override
	public void close() {
		this.free.forEach(Buffer::close);
		this.free.clear();
	}

}
