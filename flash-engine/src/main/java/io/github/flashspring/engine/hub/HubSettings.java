package io.github.flashspring.engine.hub;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.Set;
import java.util.function.Function;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.checkpoint.ModelLocator;

/**
 * Where models come from and how: the variables of the Hugging Face tools, and what goes
 * over them.
 *
 * @param endpoint the hub or a mirror of it, without a slash at the end
 * @param token tells the hub who asks; null: nobody
 * @param offline whether nothing may be asked of the network
 * @param cache folder that holds {@code models--org--name}
 * @param symlinks whether snapshots link to blobs where the file system can
 * @param metadataTimeout time that a hub may take to answer
 * @param readTimeout time that a download may stand still
 * @param maxRetries how often a request is repeated that brought nothing
 * @param proxies the way to other hosts
 * @param tuning sizes and numbers that suit networks
 */
public record HubSettings(URI endpoint, @Nullable AccessToken token, boolean offline, Path cache, boolean symlinks,
		Duration metadataTimeout, Duration readTimeout, int maxRetries, HubProxies proxies, Tuning tuning) {

	private static final String ENDPOINT = "https://huggingface.co";

	private static final Duration TIMEOUT = Duration.ofSeconds(10);

	private static final int RETRIES = 5;

	private static final long MAX_TOKEN_FILE = 1 << 16;

	private static final Set<String> TRUE = Set.of("1", "ON", "YES", "TRUE");

	/**
	 * {@return the settings for the environment of this process}
	 */
	public static HubSettings ofSystem() {
		return of(System::getenv, Path.of(System.getProperty("user.home", ".")));
	}

	/**
	 * The settings for an environment.
	 * @param environment value of a variable by name, null if it is not set
	 * @param home the user's home folder
	 * @return the settings
	 * @throws HubException if a variable cannot be used
	 */
	public static HubSettings of(Function<String, @Nullable String> environment, Path home) {
		Variables variables = new Variables(environment);
		ModelLocator locator = new ModelLocator(environment, home);
		String endpoint = variables.get("HF_ENDPOINT");
		return new HubSettings(endpoint("HF_ENDPOINT", (endpoint != null) ? endpoint : ENDPOINT),
				token(variables, locator.hubHome(), home),
				variables.isTrue("HF_HUB_OFFLINE") || variables.isTrue("TRANSFORMERS_OFFLINE"), locator.hubCache(),
				!variables.isTrue("HF_HUB_DISABLE_SYMLINKS"), variables.seconds("HF_HUB_ETAG_TIMEOUT"),
				variables.seconds("HF_HUB_DOWNLOAD_TIMEOUT"), RETRIES, HubProxies.of(environment), Tuning.DEFAULT);
	}

	/**
	 * The same with another endpoint.
	 * @param text such as {@code https://huggingface.co}
	 * @return the settings
	 * @throws HubException if it is no URL of that kind
	 */
	public HubSettings endpoint(String text) {
		return new HubSettings(endpoint("endpoint", text), this.token, this.offline, this.cache, this.symlinks,
				this.metadataTimeout, this.readTimeout, this.maxRetries, this.proxies, this.tuning);
	}

	/**
	 * The same with another token.
	 * @param text the token
	 * @return the settings
	 * @throws HubException if it cannot be a token
	 */
	public HubSettings token(String text) {
		return new HubSettings(this.endpoint, AccessToken.of(text, "the settings"), this.offline, this.cache,
				this.symlinks, this.metadataTimeout, this.readTimeout, this.maxRetries, this.proxies, this.tuning);
	}

	/**
	 * The same with other times.
	 * @param timeout time that a hub may take to answer and a download may stand still
	 * @return the settings
	 */
	public HubSettings timeout(Duration timeout) {
		return timeouts(timeout, timeout);
	}

	/** The same with a time to answer, and another one to stand still. */
	HubSettings timeouts(Duration answer, Duration read) {
		return new HubSettings(this.endpoint, this.token, this.offline, this.cache, this.symlinks, answer, read,
				this.maxRetries, this.proxies, this.tuning);
	}

	/**
	 * The same with another number of repetitions.
	 * @param retries 0 to 100
	 * @return the settings
	 */
	public HubSettings maxRetries(int retries) {
		return new HubSettings(this.endpoint, this.token, this.offline, this.cache, this.symlinks, this.metadataTimeout,
				this.readTimeout, retries, this.proxies, this.tuning);
	}

	/** The same with other sizes and numbers. */
	HubSettings tuning(Tuning other) {
		return new HubSettings(this.endpoint, this.token, this.offline, this.cache, this.symlinks, this.metadataTimeout,
				this.readTimeout, this.maxRetries, this.proxies, other);
	}

	/**
	 * Checks the values.
	 * @throws IllegalArgumentException if one is out of range
	 */
	public HubSettings {
		if (maxRetries < 0 || maxRetries > 100) {
			throw new IllegalArgumentException("max-retries must be 0 to 100, but is " + maxRetries);
		}
		for (Duration timeout : new Duration[] { metadataTimeout, readTimeout }) {
			if (timeout.toMillis() < 1 || timeout.toDays() > 1) {
				throw new IllegalArgumentException("timeout must be 1 ms to 1 day, but is " + timeout);
			}
		}
	}

	/** Whether an address belongs to the endpoint, and so may see the token. */
	boolean isEndpoint(URI uri) {
		return this.endpoint.getScheme().equalsIgnoreCase(uri.getScheme())
				&& this.endpoint.getHost().equalsIgnoreCase(uri.getHost()) && port(this.endpoint) == port(uri);
	}

	private static int port(URI uri) {
		return (uri.getPort() >= 0) ? uri.getPort() : "https".equalsIgnoreCase(uri.getScheme()) ? 443 : 80;
	}

	private static URI endpoint(String name, String text) {
		String stripped = text.strip().replaceAll("/+$", "");
		try {
			URI uri = URI.create(stripped);
			boolean web = "https".equalsIgnoreCase(uri.getScheme()) || "http".equalsIgnoreCase(uri.getScheme());
			if (web && uri.getHost() != null && uri.getUserInfo() == null && uri.getRawQuery() == null
					&& uri.getRawFragment() == null) {
				return uri;
			}
		}
		catch (IllegalArgumentException ex) {
			// said below
		}
		throw new HubException(
				name + " is no address of a hub: expected https://HOST, found "
						+ HubException.quote(stripped.replaceAll("//[^/@]*@", "//(hidden)@")) + ".",
				"Set it to an address such as " + ENDPOINT + ", or remove it.");
	}

	private static @Nullable AccessToken token(Variables variables, Path hubHome, Path home) {
		if (variables.isTrue("HF_HUB_DISABLE_IMPLICIT_TOKEN")) {
			return null;
		}
		for (String name : new String[] { "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN" }) {
			String value = variables.get(name);
			if (value != null) {
				return AccessToken.of(value, "the variable " + name);
			}
		}
		String path = variables.get("HF_TOKEN_PATH");
		Path file = (path == null) ? hubHome.resolve("token")
				: path.startsWith("~/") ? home.resolve(path.substring(2)) : Path.of(path);
		try {
			if (!Files.isRegularFile(file) || Files.size(file) > MAX_TOKEN_FILE) {
				return null;
			}
			String content = Files.readString(file).strip();
			return content.isEmpty() ? null : AccessToken.of(content, "the file " + file);
		}
		catch (IOException ex) {
			throw new HubException("The access token cannot be read from " + file + " (" + ex + ").",
					"Make the file readable, or set HF_TOKEN.", ex);
		}
	}

	/**
	 * Sizes and numbers that suit networks.
	 *
	 * @param connections most requests at once: one seldom fills a fast line
	 * @param partBytes what a request of a large file asks for
	 * @param backoff pause before the first repetition; doubled for each further one
	 */
	record Tuning(int connections, long partBytes, Duration backoff) {

		static final Tuning DEFAULT = new Tuning(8, 32L << 20, Duration.ofSeconds(1));

	}

	/** Variables by name. */
	private record Variables(Function<String, @Nullable String> environment) {

		@Nullable String get(String name) {
			String value = this.environment.apply(name);
			return (value == null || value.isBlank()) ? null : value.strip();
		}

		boolean isTrue(String name) {
			String value = get(name);
			return value != null && TRUE.contains(value.toUpperCase(Locale.ROOT));
		}

		Duration seconds(String name) {
			String value = get(name);
			if (value == null) {
				return TIMEOUT;
			}
			if (!value.matches("[1-9]\\d{0,4}")) {
				throw new HubException(
						name + " must be a whole number of seconds above 0, found " + HubException.quote(value) + ".",
						"Correct the variable, or remove it.");
			}
			return Duration.ofSeconds(Math.min(Long.parseLong(value), Duration.ofDays(1).toSeconds()));
		}

	}

}
