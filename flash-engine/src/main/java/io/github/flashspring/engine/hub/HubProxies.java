package io.github.flashspring.engine.hub;

import java.io.IOException;
import java.net.Authenticator;
import java.net.InetSocketAddress;
import java.net.PasswordAuthentication;
import java.net.Proxy;
import java.net.ProxySelector;
import java.net.SocketAddress;
import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;

import org.jspecify.annotations.Nullable;

/**
 * The proxies of the variables {@code HTTPS_PROXY}, {@code HTTP_PROXY}, {@code ALL_PROXY}
 * and {@code NO_PROXY}, which {@code java.net.http} does not read. Where none is set, the
 * JVM's own properties count.
 */
final class HubProxies extends ProxySelector {

	private final @Nullable URI https;

	private final @Nullable URI http;

	private final List<String> direct;

	private HubProxies(@Nullable URI https, @Nullable URI http, List<String> direct) {
		this.https = https;
		this.http = http;
		this.direct = direct;
	}

	static HubProxies of(Function<String, @Nullable String> environment) {
		URI all = proxy(environment, "ALL_PROXY");
		URI https = proxy(environment, "HTTPS_PROXY");
		URI http = proxy(environment, "HTTP_PROXY");
		List<String> direct = new ArrayList<>();
		String none = either(environment, "NO_PROXY");
		if (none != null) {
			for (String host : none.split(",")) {
				if (!host.isBlank()) {
					direct.add(host.strip().toLowerCase(Locale.ROOT));
				}
			}
		}
		return new HubProxies((https != null) ? https : all, (http != null) ? http : all, List.copyOf(direct));
	}

	@Override
	public List<Proxy> select(URI uri) {
		URI proxy = "https".equalsIgnoreCase(uri.getScheme()) ? this.https : this.http;
		if (this.https == null && this.http == null) {
			ProxySelector system = ProxySelector.getDefault();
			return (system != null) ? system.select(uri) : List.of(Proxy.NO_PROXY);
		}
		if (proxy == null || isDirect(uri)) {
			return List.of(Proxy.NO_PROXY);
		}
		return List.of(new Proxy(Proxy.Type.HTTP, new InetSocketAddress(proxy.getHost(), port(proxy))));
	}

	@Override
	public void connectFailed(URI uri, SocketAddress address, IOException failure) {
		// the request fails, which says more
	}

	/**
	 * {@return what answers a proxy that asks for a password; null where none is set}
	 */
	@Nullable Authenticator authenticator() {
		if (password(this.https) == null && password(this.http) == null) {
			return null;
		}
		return new Authenticator() {

			@Override
			protected @Nullable PasswordAuthentication getPasswordAuthentication() {
				if (getRequestorType() != RequestorType.PROXY) {
					return null;
				}
				for (URI proxy : new URI[] { HubProxies.this.https, HubProxies.this.http }) {
					PasswordAuthentication password = password(proxy);
					if (proxy != null && password != null && port(proxy) == getRequestingPort()
							&& proxy.getHost().equalsIgnoreCase(getRequestingHost())) {
						return password;
					}
				}
				return null;
			}
		};
	}

	/**
	 * {@return which way is taken to an address, for messages}
	 */
	String describe(URI uri) {
		Proxy proxy = select(uri).getFirst();
		return (proxy.address() instanceof InetSocketAddress address)
				? " through the proxy " + address.getHostString() + ":" + address.getPort() : "";
	}

	private boolean isDirect(URI uri) {
		String host = String.valueOf(uri.getHost()).toLowerCase(Locale.ROOT);
		int port = (uri.getPort() >= 0) ? uri.getPort() : "https".equalsIgnoreCase(uri.getScheme()) ? 443 : 80;
		return this.direct.stream().anyMatch((entry) -> matches(entry, host, port));
	}

	/** A host and all below it, as curl and Python read the variable. */
	private static boolean matches(String entry, String host, int port) {
		if (entry.equals("*")) {
			return true;
		}
		String name = entry;
		int colon = entry.lastIndexOf(':');
		if (colon > 0 && entry.indexOf(':') == colon) {
			if (!entry.substring(colon + 1).equals(Integer.toString(port))) {
				return false;
			}
			name = entry.substring(0, colon);
		}
		name = name.startsWith("*.") ? name.substring(2) : name.startsWith(".") ? name.substring(1) : name;
		return host.equals(name) || host.endsWith("." + name);
	}

	private static @Nullable String either(Function<String, @Nullable String> environment, String name) {
		for (String spelling : new String[] { name.toLowerCase(Locale.ROOT), name }) {
			String value = environment.apply(spelling);
			if (value != null && !value.isBlank()) {
				return value.strip();
			}
		}
		return null;
	}

	private static @Nullable URI proxy(Function<String, @Nullable String> environment, String name) {
		String value = either(environment, name);
		if (value == null) {
			return null;
		}
		try {
			URI uri = URI.create(value.contains("://") ? value : "http://" + value);
			if ("http".equalsIgnoreCase(uri.getScheme()) && uri.getHost() != null) {
				return uri;
			}
		}
		catch (IllegalArgumentException ex) {
			// said below
		}
		throw new HubException(
				"The variable " + name + " names no HTTP proxy: expected http://HOST:PORT, found "
						+ HubException.quote(value.replaceAll("[^/@]*@", "(hidden)@")) + ".",
				"Correct or remove it; NO_PROXY names hosts that need no proxy. Proxies of other kinds, such as SOCKS,"
						+ " are not supported.");
	}

	private static int port(URI proxy) {
		return (proxy.getPort() >= 0) ? proxy.getPort() : 80;
	}

	private static @Nullable PasswordAuthentication password(@Nullable URI proxy) {
		String user = (proxy != null) ? proxy.getRawUserInfo() : null;
		if (user == null) {
			return null;
		}
		String[] parts = user.split(":", 2);
		return new PasswordAuthentication(decode(parts[0]), ((parts.length > 1) ? decode(parts[1]) : "").toCharArray());
	}

	/** In the user's part of an address, a plus is a plus. */
	private static String decode(String text) {
		return URLDecoder.decode(text.replace("+", "%2B"), StandardCharsets.UTF_8);
	}

}
