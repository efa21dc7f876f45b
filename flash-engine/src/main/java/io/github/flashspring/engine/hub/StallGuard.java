package io.github.flashspring.engine.hub;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Ends reads that bring nothing for too long: the JDK's client waits for ever for the
 * body of an answer.
 */
final class StallGuard implements AutoCloseable {

	private final long timeoutNanos;

	private final Set<Body> waiting = ConcurrentHashMap.newKeySet();

	private final Thread thread;

	StallGuard(Duration timeout) {
		this.timeoutNanos = timeout.toNanos();
		long pause = Math.clamp(timeout.toMillis() / 8, 1, 500);
		this.thread = Thread.ofVirtual().name("flash-hub-stalls").start(() -> run(pause));
	}

	InputStream watch(InputStream body) {
		return new Body(body);
	}

	private void run(long pauseMillis) {
		try {
			while (true) {
				Thread.sleep(pauseMillis);
				long now = System.nanoTime();
				for (Body body : this.waiting) {
					if (now - body.since > this.timeoutNanos) {
						body.stall();
					}
				}
			}
		}
		catch (InterruptedException ex) {
			// closed
		}
	}

	@Override
	public void close() {
		this.thread.interrupt();
	}

	/** A body whose reads have an end. */
	private final class Body extends FilterInputStream {

		private volatile long since;

		private volatile boolean stalled;

		Body(InputStream in) {
			super(in);
		}

		@Override
		public int read() throws IOException {
			byte[] single = new byte[1];
			return (read(single, 0, 1) < 0) ? -1 : single[0] & 0xff;
		}

		@Override
		public int read(byte[] target, int offset, int length) throws IOException {
			this.since = System.nanoTime();
			StallGuard.this.waiting.add(this);
			try {
				int count = super.read(target, offset, length);
				if (count < 0 && this.stalled) {
					throw stallFailure();
				}
				return count;
			}
			catch (IOException ex) {
				throw this.stalled ? stallFailure() : ex;
			}
			finally {
				StallGuard.this.waiting.remove(this);
			}
		}

		private IOException stallFailure() {
			return new IOException(
					"nothing came for " + HubClient.seconds(Duration.ofNanos(StallGuard.this.timeoutNanos)));
		}

		private void stall() {
			this.stalled = true;
			try {
				this.in.close();
			}
			catch (IOException ex) {
				// the read that waits fails in any case
			}
		}

	}

}
