package io.github.flashspring.engine.hub;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.util.concurrent.atomic.AtomicBoolean;

import org.jspecify.annotations.Nullable;

/**
 * What a host answered. Closing it ends what was not read.
 */
final class Reply implements AutoCloseable {

	private static final int MAX_HEADER = 16_384;

	private final URI uri;

	private final HttpResponse<InputStream> response;

	private final InputStream body;

	private final Runnable whenClosed;

	private final AtomicBoolean closed = new AtomicBoolean();

	Reply(URI uri, HttpResponse<InputStream> response, InputStream body, Runnable whenClosed) {
		this.uri = uri;
		this.response = response;
		this.body = body;
		this.whenClosed = whenClosed;
	}

	/**
	 * {@return what was asked last, after all redirects}
	 */
	URI uri() {
		return this.uri;
	}

	int status() {
		return this.response.statusCode();
	}

	InputStream body() {
		return this.body;
	}

	@Nullable String header(String name) {
		return this.response.headers().firstValue(name).filter((value) -> value.length() <= MAX_HEADER).orElse(null);
	}

	/**
	 * {@return all of the body}
	 * @param limit most bytes that it may have
	 * @throws HubException if it has more
	 */
	byte[] bytes(int limit) throws IOException {
		byte[] bytes = this.body.readNBytes(limit + 1);
		if (bytes.length > limit) {
			throw new HubException("The host " + this.uri.getHost() + " answered with more than " + limit + " bytes.",
					"Check HF_ENDPOINT.");
		}
		String length = header("Content-Length");
		if (length != null && !length.equals(Integer.toString(bytes.length))) {
			throw new IOException("the answer of " + this.uri.getHost() + " ended after " + bytes.length + " of "
					+ HubException.quote(length) + " bytes");
		}
		return bytes;
	}

	/**
	 * {@return how long the host asks to wait, in seconds or as a date; null if it does
	 * not}
	 */
	@Nullable Duration retryAfter() {
		String value = header("Retry-After");
		if (value == null) {
			return null;
		}
		if (value.strip().matches("\\d{1,9}")) {
			return Duration.ofSeconds(Long.parseLong(value.strip()));
		}
		try {
			Duration until = Duration.between(Instant.now(),
					ZonedDateTime.parse(value.strip(), DateTimeFormatter.RFC_1123_DATE_TIME).toInstant());
			return until.isNegative() ? Duration.ZERO : until;
		}
		catch (DateTimeParseException ex) {
			return null;
		}
	}

	@Override
	public void close() {
		if (!this.closed.compareAndSet(false, true)) {
			return;
		}
		try {
			this.body.close();
		}
		catch (IOException ex) {
			// nobody reads it any more
		}
		finally {
			this.whenClosed.run();
		}
	}

}
