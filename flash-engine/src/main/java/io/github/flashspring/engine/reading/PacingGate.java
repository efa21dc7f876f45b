package io.github.flashspring.engine.reading;

import io.github.flashspring.engine.pacing.BandwidthController;
import java.util.function.IntUnaryOperator;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.github.flashspring.engine.reading.ReadRange.Urgency;

/**
 * Knows whether reads and compute run concurrently, and holds reads back so that they do
 * not slow compute down. Safe for use by several threads.
 */
public final class PacingGate {

	private final BandwidthController controller;

	/** From a weight group to the layer that computes with it; -1: to none. */
	private final IntUnaryOperator layers;

	/** Whether reads only copy what the page cache holds. */
	private final boolean cached;

	@GuardedBy("this")
	private boolean readsOnce;

	@GuardedBy("this")
	private boolean computeWaits;

	@GuardedBy("this")
	private boolean computeIsBehind;

	@GuardedBy("this")
	private int reading;

	@GuardedBy("this")
	private boolean ranConcurrently;

	/**
	 * A gate for files.
	 * @param controller paces prefetches
	 * @param layers from a weight group to the layer that computes with it; -1: to none
	 * @param cached whether the page cache holds the files: reads are copies then, which
	 * take a processor for as long whenever they are made, so that none is held back
	 */
	public PacingGate(BandwidthController controller, IntUnaryOperator layers, boolean cached) {
		this.controller = controller;
		this.layers = layers;
		this.cached = cached;
	}

	/** Whether each byte is read once: no later pass gains by pacing. */
	synchronized void readsOnce(boolean once) {
		this.readsOnce = once;
	}

	/** Compute begins or ends to wait for blocks. */
	public synchronized void computeWaits(boolean now) {
		this.computeWaits = now;
		this.ranConcurrently |= !now && this.reading > 0;
	}

	/** Compute waits so much that nothing is gained by pacing likely reads, or less. */
	public synchronized void computeIsBehind(boolean now) {
		this.computeIsBehind = now;
	}

	synchronized void readBegins() {
		this.reading++;
		this.ranConcurrently |= !this.computeWaits;
	}

	synchronized void readEnded() {
		this.reading--;
		if (this.reading == 0) {
			notifyAll();
		}
	}

	/**
	 * {@return whether reads ran concurrently with compute since this was last asked}
	 */
	public synchronized boolean ranConcurrently() {
		boolean did = this.ranConcurrently;
		this.ranConcurrently = this.reading > 0;
		return did;
	}

	/**
	 * {@return whether layers are to compute alone, with no concurrent reads}
	 */
	public synchronized boolean isColdStart() {
		return !this.readsOnce && !this.cached && this.controller.coldStart();
	}

	/** Compute no longer waits, once nothing is read if layers are to compute alone. */
	synchronized void awaitCalm() {
		this.computeWaits = false;
		boolean interrupted = false;
		while (isColdStart() && this.reading > 0) {
			try {
				wait();
			}
			catch (InterruptedException ex) {
				interrupted = true;
			}
		}
		if (interrupted) {
			Thread.currentThread().interrupt();
		}
	}

	/**
	 * {@return whether a range is not paced now}
	 */
	synchronized boolean isOpen(ReadRange range) {
		return this.computeWaits || this.readsOnce || this.cached || range.urgency() == Urgency.NOW
				|| (this.computeIsBehind && range.urgency() == Urgency.LIKELY && !isColdStart());
	}

	/**
	 * How long to wait before asking again for a range that is paced.
	 * @param range what is to be read
	 * @return nanoseconds; 0 if it may go now
	 */
	long pauseNanos(ReadRange range) {
		int layer = this.layers.applyAsInt(range.read().block().group());
		long bytes = range.extent().length();
		return (layer >= 0) ? this.controller.pauseNanos(bytes, layer) : this.controller.pauseNanos(bytes);
	}

}
