package io.github.flashspring.engine.hub;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.FileSystemException;
import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import io.github.flashspring.engine.hub.RemoteSource.RangesIgnoredException;

/**
 * Repeats what failed and may succeed, with pauses that grow, until it brought nothing
 * too often. One object serves one piece of work.
 */
final class Retries {

	private static final Logger logger = LoggerFactory.getLogger(Retries.class);

	/** A host that asks for more is left alone, and its user told when to return. */
	private static final Duration MAX_RETRY_AFTER = Duration.ofMinutes(5);

	private static final Duration MAX_PAUSE = Duration.ofSeconds(30);

	private final HubSettings settings;

	private final String what;

	private int failures;

	/**
	 * Counts from zero.
	 * @param settings how often, with which pauses
	 * @param what is fetched, for messages
	 */
	Retries(HubSettings settings, String what) {
		this.settings = settings;
		this.what = what;
	}

	/** Forgets failures: something came. */
	void progress() {
		this.failures = 0;
	}

	/**
	 * Does something until it succeeds.
	 * @param <T> what it gives
	 * @param work to be done; {@link IOException} for what may succeed later
	 * @return its result
	 * @throws HubException if it failed too often, or for good
	 * @throws FileSystemException if the fault is on this side
	 */
	<T> T run(Work<T> work) throws IOException, InterruptedException {
		while (true) {
			try {
				return work.run();
			}
			catch (FileSystemException | LocalFailure | RangesIgnoredException ex) {
				throw ex;
			}
			catch (IOException ex) {
				if (Thread.interrupted() || ex instanceof InterruptedIOException) {
					throw new InterruptedException("Interrupted while fetching " + this.what);
				}
				pause(ex);
			}
		}
	}

	private void pause(IOException failure) throws InterruptedException {
		Duration asked = (failure instanceof BusyException busy) ? busy.retryAfter() : null;
		boolean tooLong = asked != null && asked.compareTo(MAX_RETRY_AFTER) > 0;
		if (this.failures >= this.settings.maxRetries() || tooLong) {
			throw failure(failure, tooLong ? asked : null);
		}
		this.failures++;
		Duration pause = (asked != null) ? asked : backoff();
		logger.debug("Fetching {} again in {}: {}", this.what, pause, failure.getMessage());
		Thread.sleep(pause);
	}

	/** Half of it is random, so that many clients do not return at once. */
	private Duration backoff() {
		long most = Math.min(MAX_PAUSE.toNanos(),
				this.settings.tuning().backoff().toNanos() << Math.min(this.failures - 1, 20));
		return Duration.ofNanos(most / 2 + ThreadLocalRandom.current().nextLong(most / 2 + 1));
	}

	private HubException failure(IOException cause, @Nullable Duration asked) {
		String times = (this.failures == 0) ? "" : ", " + (this.failures + 1) + " times in a row";
		if (cause instanceof BusyException) {
			return new HubException("Cannot fetch " + this.what + ": " + cause.getMessage() + times + ".",
					(asked != null) ? "Repeat it in " + asked.toMinutes() + " minutes; what has arrived is kept."
							: "Repeat it later; what has arrived is kept.",
					cause);
		}
		return new HubException("Cannot fetch " + this.what + ": " + cause.getMessage() + times + ".",
				"Check the network, HTTPS_PROXY and NO_PROXY, and HF_ENDPOINT for a mirror; then repeat it: what has"
						+ " arrived is kept.",
				cause);
	}

	/** A failure on this side, such as a full disk, which repeating does not help. */
	static final class LocalFailure extends IOException {

		private static final long serialVersionUID = 1L;

		LocalFailure(String message, Throwable cause) {
			super(message, cause);
		}

	}

	/**
	 * Something that can be repeated.
	 *
	 * @param <T> what it gives
	 */
	@FunctionalInterface
	interface Work<T> {

		T run() throws IOException, InterruptedException;

	}

}
