package io.github.flashspring.engine.reading;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.github.flashspring.engine.device.DeviceException;
import org.jspecify.annotations.Nullable;

/**
 * Counts reads that were completed, so that whoever looked for one without success can
 * wait for the next without a lock that readers need.
 */
public final class Completions {

	@GuardedBy("this")
	private long count;

	@GuardedBy("this")
	private boolean closed;

	/** What ended the readers, if nobody closed this. */
	@GuardedBy("this")
	private @Nullable Throwable broken;

	/**
	 * {@return how many there were; to be asked before looking for what one waits for}
	 */
	public synchronized long count() {
		return this.count;
	}

	synchronized void add() {
		this.count++;
		notifyAll();
	}

	/**
	 * Waits until there are more, even if this thread is interrupted.
	 * @param seen how many there were
	 */
	public synchronized void await(long seen) {
		requireOpen();
		boolean interrupted = false;
		while (this.count == seen) {
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
		requireOpen();
	}

	/**
	 * Requires that reads can still be completed.
	 * @throws DeviceException if a reader failed
	 * @throws IllegalStateException if the readers were closed
	 */
	public synchronized void requireOpen() {
		if (this.broken != null) {
			throw new DeviceException("Weights cannot be read any more: " + this.broken.getMessage(), this.broken);
		}
		if (this.closed) {
			throw new IllegalStateException("The weights are closed");
		}
	}

	/**
	 * There will be no more.
	 * @param cause what a reader failed with; null if readers were closed
	 */
	synchronized void close(@Nullable Throwable cause) {
		this.closed = true;
		this.broken = (this.broken != null) ? this.broken : cause;
		add();
	}

}
