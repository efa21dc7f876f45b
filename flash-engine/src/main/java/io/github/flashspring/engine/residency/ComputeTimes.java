package io.github.flashspring.engine.residency;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.LongConsumer;

import io.github.flashspring.engine.device.Fence;

/**
 * Takes compute times from the fences of a device, not from the host's clock: a device
 * may compute long after work was recorded. Times are handed out in the order of the
 * work, as soon as they are known. Used by the thread that computes.
 */
final class ComputeTimes {

	private final Deque<Span> spans = new ArrayDeque<>();

	/**
	 * Measures work.
	 * @param before behind the work before
	 * @param after behind the work
	 * @param receiver gets the nanoseconds that the device computed it
	 */
	void add(Fence before, Fence after, LongConsumer receiver) {
		this.spans.addLast(new Span(before, after, receiver));
		while (!this.spans.isEmpty() && this.spans.getFirst().after().isDone()) {
			Span span = this.spans.removeFirst();
			span.receiver().accept(span.after().elapsedNanos() - span.before().elapsedNanos());
		}
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
