package io.github.flashspring.engine.residency;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.LongConsumer;

import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.device.Fence;

/**
 * Takes compute times from the fences of a device, not from the host's clock: a device
 * may compute long after work was recorded. Times are handed out in the order of the
 * work, as soon as they are known. Used by the thread that computes.
 */
final class ComputeTimes {

	private final Device device;

	private final Deque<Span> spans = new ArrayDeque<>();

	/** Behind the work that was measured. */
	private Fence last = Fence.DONE;

	/** Time of the layer that is not known as a whole, without its experts. */
	private long layerNanos;

	private long expertNanos;

	ComputeTimes(Device device) {
		this.device = device;
	}

	void beginPass() {
		this.last = this.device.commit();
		this.layerNanos = 0;
		this.expertNanos = 0;
	}

	void beginExperts() {
		measure((nanos) -> this.layerNanos += nanos);
	}

	/**
	 * Ends some experts of a layer.
	 * @param receiver gets the nanoseconds that they computed
	 */
	void endExperts(LongConsumer receiver) {
		measure((nanos) -> {
			this.expertNanos += nanos;
			receiver.accept(nanos);
		});
	}

	/**
	 * Ends a layer.
	 * @param receiver gets its time
	 */
	void endLayer(LayerTime receiver) {
		measure((nanos) -> {
			long own = this.layerNanos + nanos;
			long all = own + this.expertNanos;
			this.layerNanos = 0;
			this.expertNanos = 0;
			receiver.accept(own, all);
		});
	}

	private void measure(LongConsumer receiver) {
		Fence before = this.last;
		this.last = this.device.commit();
		this.spans.addLast(new Span(before, this.last, receiver));
		handOut();
	}

	/**
	 * Waits for all work: whoever ended the pass may close or reuse any memory.
	 */
	void endPass() {
		this.device.commit().await();
		handOut();
	}

	private void handOut() {
		while (!this.spans.isEmpty() && this.spans.getFirst().after().isDone()) {
			Span span = this.spans.removeFirst();
			span.receiver().accept(span.after().elapsedNanos() - span.before().elapsedNanos());
		}
	}

	/** Gets the time of a layer. */
	@FunctionalInterface
	interface LayerTime {

		/**
		 * Takes it.
		 * @param own nanoseconds that it computed without its experts
		 * @param all nanoseconds that it and its experts computed
		 */
		void accept(long own, long all);

	}

	/**
	 * Work between two fences.
	 *
	 * @param before behind the work before
	 * @param after behind the work
	 * @param receiver gets its time
	 */
	private record Span(Fence before, Fence after, LongConsumer receiver) {

	}

}
