package io.github.flashspring.engine.hub;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

import javax.net.ssl.SSLHandshakeException;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Single requests to a hub and to the hosts that it refers to. Redirects are followed
 * here and not by the client of the JDK: the token must not go along to another host.
 */
final class HubClient implements AutoCloseable {

	private static final Logger logger = LoggerFactory.getLogger(HubClient.class);

	private static final int MAX_REDIRECTS = 10;

	private final HubSettings settings;

	private final HttpClient http;

	private final StallGuard guard;

	/** Each reply holds one until it is closed. */
	private final Semaphore connections;

	HubClient(HubSettings settings) {
		this.settings = settings;
		HttpClient.Builder builder = HttpClient.newBuilder()
			.version(HttpClient.Version.HTTP_1_1)
			.followRedirects(HttpClient.Redirect.NEVER)
			.connectTimeout(settings.metadataTimeout())
			.proxy(settings.proxies());
		var authenticator = settings.proxies().authenticator();
		if (authenticator != null) {
			builder.authenticator(authenticator);
		}
		this.http = builder.build();
		this.guard = new StallGuard(settings.readTimeout());
		this.connections = new Semaphore(settings.tuning().connections(), true);
	}

	HubSettings settings() {
		return this.settings;
	}

	/**
	 * Asks and follows redirects.
	 * @param uri what is asked for
	 * @param range value of the header of that name; null for all
	 * @return the reply of the last host, to be closed
	 * @throws HubException if nothing may be asked, or a redirect must not be followed
	 * @throws IOException if no answer came
	 */
	Reply get(URI uri, @Nullable String range) throws IOException, InterruptedException {
		if (this.settings.offline()) {
			throw new HubException("Nothing can be asked of " + this.settings.endpoint().getHost()
					+ ": HF_HUB_OFFLINE or TRANSFORMERS_OFFLINE is set.", "Remove the variable to download.");
		}
		URI target = uri;
		for (int hop = 0; hop < MAX_REDIRECTS; hop++) {
			Reply reply = send(target, range);
			String location = (reply.status() / 100 == 3 && reply.status() != 304) ? reply.header("Location") : null;
			if (location == null) {
				return reply;
			}
			reply.close();
			target = redirected(target, location);
		}
		throw new HubException("The host " + uri.getHost() + " redirects again and again.",
				"Try later; check HF_ENDPOINT.");
	}

	private static URI redirected(URI from, String location) {
		URI to;
		try {
			to = from.resolve(URI.create(location));
		}
		catch (IllegalArgumentException ex) {
			throw new HubException("The host " + from.getHost() + " redirects to what is no address.",
					"Try later; check HF_ENDPOINT.");
		}
		boolean web = "https".equalsIgnoreCase(to.getScheme())
				|| ("http".equalsIgnoreCase(to.getScheme()) && "http".equalsIgnoreCase(from.getScheme()));
		if (!web || to.getHost() == null) {
			throw new HubException("The host " + from.getHost() + " redirects from " + from.getScheme() + " to "
					+ to.getScheme() + ".", "Downloads keep to https; check HF_ENDPOINT.");
		}
		return to;
	}

	private Reply send(URI uri, @Nullable String range) throws IOException, InterruptedException {
		HttpRequest.Builder request = HttpRequest.newBuilder(uri)
			.header("Accept-Encoding", "identity")
			.header("User-Agent", "flash-spring");
		if (range != null) {
			request.header("Range", range);
		}
		AccessToken token = this.settings.token();
		if (token != null && this.settings.isEndpoint(uri)) {
			request.header("Authorization", token.header());
		}
		this.connections.acquire();
		boolean open = false;
		try {
			HttpResponse<InputStream> response = answer(uri, request.build());
			logger.debug("{} from {}{}", response.statusCode(), uri.getHost(), uri.getRawPath());
			Reply reply = new Reply(uri, response, this.guard.watch(response.body()), this.connections::release);
			open = true;
			return reply;
		}
		finally {
			if (!open) {
				this.connections.release();
			}
		}
	}

	/**
	 * Waits for the headers. The JDK's own timeout of a request would do, but from JDK 26
	 * on it counts the body too.
	 */
	private HttpResponse<InputStream> answer(URI uri, HttpRequest request) throws IOException, InterruptedException {
		CompletableFuture<HttpResponse<InputStream>> sent = this.http.sendAsync(request,
				HttpResponse.BodyHandlers.ofInputStream());
		Duration timeout = this.settings.metadataTimeout();
		try {
			return sent.get(timeout.toMillis(), TimeUnit.MILLISECONDS);
		}
		catch (TimeoutException ex) {
			sent.cancel(true);
			throw new IOException("no answer from " + uri.getHost() + " within " + seconds(timeout), ex);
		}
		catch (InterruptedException ex) {
			sent.cancel(true);
			throw ex;
		}
		catch (ExecutionException ex) {
			Throwable cause = (ex.getCause() != null) ? ex.getCause() : ex;
			if (cause instanceof SSLHandshakeException) {
				throw new HubException(
						"The certificate of " + uri.getHost() + this.settings.proxies().describe(uri)
								+ " is not trusted (" + cause.getMessage() + ").",
						"If a proxy puts its own in place, add it to the JVM's: -Djavax.net.ssl.trustStore=FILE.",
						cause);
			}
			String message = cause.getMessage();
			// The JDK leaves the message of a refused connection empty.
			throw new IOException(
					uri.getHost() + " cannot be reached" + this.settings.proxies().describe(uri) + " ("
							+ cause.getClass().getSimpleName() + ((message != null) ? ": " + message : "") + ")",
					cause);
		}
	}

	static String seconds(Duration duration) {
		return String.format(Locale.ROOT, "%.3g s", duration.toMillis() / 1000.0);
	}

	@Override
	public void close() {
		this.guard.close();
		this.http.shutdownNow();
		this.http.close();
	}

}
