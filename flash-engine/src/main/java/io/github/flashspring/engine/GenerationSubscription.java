package io.github.flashspring.engine;

import java.util.concurrent.Flow;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

import org.jspecify.annotations.Nullable;

/**
 * Hands the events of a generation to a subscriber as far as it asks, one at a time. A
 * virtual thread does so while there are events and demand, so a subscriber that blocks
 * holds up neither the engine nor another subscriber, and none is held while either side
 * waits for the other.
 */
final class GenerationSubscription implements Flow.Subscription {

	private final Flow.Subscriber<? super GenerationEvent> subscriber;

	private final EventSource source;

	private final Runnable cancellation;

	private final AtomicLong demand = new AtomicLong();

	/** Signals that were not looked at yet. The first is that of {@link #begin()}. */
	private final AtomicInteger signals = new AtomicInteger(1);

	private volatile @Nullable RuntimeException refusal;

	private volatile boolean done;

	/**
	 * Makes a subscription.
	 * @param subscriber gets the events
	 * @param source where they come from; polled by one thread at a time
	 * @param cancellation called when the subscriber wants no more
	 */
	GenerationSubscription(Flow.Subscriber<? super GenerationEvent> subscriber, EventSource source,
			Runnable cancellation) {
		this.subscriber = subscriber;
		this.source = source;
		this.cancellation = cancellation;
	}

	/** Greets the subscriber; signals that came before are looked at afterwards. */
	void begin() {
		this.subscriber.onSubscribe(this);
		start();
	}

	/** Tells that there may be an event, or the end. */
	void signal() {
		if (this.signals.getAndIncrement() == 0) {
			start();
		}
	}

	@Override
	public void request(long n) {
		if (n > 0) {
			this.demand.accumulateAndGet(n, (had, more) -> (had + more < 0) ? Long.MAX_VALUE : had + more);
		}
		else {
			this.refusal = new IllegalArgumentException(
					"A subscriber must request at least 1 event, but requested " + n);
		}
		signal();
	}

	@Override
	public void cancel() {
		if (!this.done) {
			this.done = true;
			this.cancellation.run();
		}
	}

	private void start() {
		Thread.ofVirtual().name("flash-stream").start(this::drain);
	}

	private void drain() {
		int seen = this.signals.get();
		while (seen != 0) {
			deliver();
			seen = this.signals.addAndGet(-seen);
		}
	}

	private void deliver() {
		GenerationEvent event = poll();
		while (event != null) {
			boolean last = event instanceof GenerationEvent.Finished;
			emit(event);
			if (last && !this.done) {
				this.done = true;
				this.subscriber.onComplete();
			}
			event = poll();
		}
	}

	/** Looks for an event that is wanted; a failure ends the subscription. */
	private @Nullable GenerationEvent poll() {
		if (this.done) {
			return null;
		}
		try {
			RuntimeException refusal = this.refusal;
			if (refusal != null) {
				throw refusal;
			}
			GenerationEvent event = this.source.poll(this.demand.get() > 0);
			return this.done ? null : event;
		}
		catch (RuntimeException ex) {
			if (!this.done) {
				cancel();
				this.subscriber.onError(ex);
			}
			return null;
		}
	}

	private void emit(GenerationEvent event) {
		this.demand.updateAndGet((wanted) -> (wanted == Long.MAX_VALUE) ? wanted : wanted - 1);
		try {
			this.subscriber.onNext(event);
		}
		catch (Throwable ex) {
			// the subscriber broke the contract: nothing can be told to it any more
			cancel();
			throw ex;
		}
	}

}
