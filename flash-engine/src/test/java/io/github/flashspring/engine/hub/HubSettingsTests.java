package io.github.flashspring.engine.hub;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/**
 * The variables of the Hugging Face tools.
 */
class HubSettingsTests {

	@TempDir
	Path home;

	private final Map<String, String> environment = new HashMap<>();

	@Test
	void defaultsAreThoseOfPythonsClient() {
		HubSettings settings = settings();
		assertThat(settings.endpoint()).isEqualTo(URI.create("https://huggingface.co"));
		assertThat(settings.cache()).isEqualTo(this.home.resolve(".cache/huggingface/hub"));
		assertThat(settings.token()).isNull();
		assertThat(settings.offline()).isFalse();
		assertThat(settings.symlinks()).isTrue();
		assertThat(settings.metadataTimeout()).isEqualTo(Duration.ofSeconds(10));
		assertThat(settings.readTimeout()).isEqualTo(Duration.ofSeconds(10));
	}

	@Test
	void variablesGoOverDefaults() {
		this.environment.putAll(Map.of("HF_ENDPOINT", "https://mirror.example/hub/", "HF_HUB_CACHE", "/models",
				"TRANSFORMERS_OFFLINE", "yes", "HF_HUB_DISABLE_SYMLINKS", "1", "HF_HUB_ETAG_TIMEOUT", "3",
				"HF_HUB_DOWNLOAD_TIMEOUT", "40"));
		HubSettings settings = settings();
		assertThat(settings.endpoint()).isEqualTo(URI.create("https://mirror.example/hub"));
		assertThat(settings.cache()).isEqualTo(Path.of("/models"));
		assertThat(settings.offline()).isTrue();
		assertThat(settings.symlinks()).isFalse();
		assertThat(settings.metadataTimeout()).isEqualTo(Duration.ofSeconds(3));
		assertThat(settings.readTimeout()).isEqualTo(Duration.ofSeconds(40));
	}

	@Test
	void tokenIsFoundInTheOrderOfPythonsClient() throws IOException {
		Files.createDirectories(this.home.resolve(".cache/huggingface"));
		Files.writeString(this.home.resolve(".cache/huggingface/token"), "hf_file\n");
		assertThat(header()).isEqualTo("Bearer hf_file");
		this.environment.put("HF_TOKEN_PATH", Files.writeString(this.home.resolve("other"), "hf_path").toString());
		assertThat(header()).isEqualTo("Bearer hf_path");
		this.environment.put("HUGGING_FACE_HUB_TOKEN", "hf_old");
		assertThat(header()).isEqualTo("Bearer hf_old");
		this.environment.put("HF_TOKEN", "hf_new");
		assertThat(header()).isEqualTo("Bearer hf_new");
		this.environment.put("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1");
		assertThat(settings().token()).isNull();
	}

	@Test
	void tokenThatWouldForgeHeadersIsRefusedWithoutShowingIt() {
		this.environment.put("HF_TOKEN", "hf_secret\r\nX-Evil: 1");
		assertThatExceptionOfType(HubException.class).isThrownBy(this::settings)
			.withMessageContaining("the variable HF_TOKEN")
			.withMessageNotContaining("hf_secret");
	}

	@Test
	void addressesThatAreNoHubAreRefused() {
		for (String wrong : new String[] { "huggingface.co", "ftp://host", "https://", "https://user:pass@host",
				"https://host?x=1", "https://ho st" }) {
			this.environment.put("HF_ENDPOINT", wrong);
			assertThatExceptionOfType(HubException.class).as(wrong)
				.isThrownBy(this::settings)
				.withMessageContaining("HF_ENDPOINT is no address of a hub")
				.withMessageNotContaining("pass@");
		}
	}

	@Test
	void wrongTimesAreRefused() {
		this.environment.put("HF_HUB_ETAG_TIMEOUT", "soon");
		assertThatExceptionOfType(HubException.class).isThrownBy(this::settings)
			.withMessageContaining("HF_HUB_ETAG_TIMEOUT must be a whole number of seconds above 0, found 'soon'");
	}

	@Test
	void tokenBelongsToTheEndpointAlone() {
		this.environment.put("HF_ENDPOINT", "https://hub.example");
		HubSettings settings = settings();
		assertThat(settings.isEndpoint(URI.create("https://HUB.example:443/x"))).isTrue();
		for (String other : new String[] { "http://hub.example/x", "https://hub.example:444/x",
				"https://hub.example.evil/x", "https://cdn.hub.example/x", "https://hub.example@evil/x" }) {
			assertThat(settings.isEndpoint(URI.create(other))).as(other).isFalse();
		}
	}

	@Test
	void proxiesAreThoseOfTheEnvironment() {
		this.environment.put("https_proxy", "http://user:p%40ss@proxy.example:3128");
		this.environment.put("NO_PROXY", "localhost, .internal.example,cdn.example:8443");
		HubProxies proxies = settings().proxies();
		assertThat(proxy(proxies, "https://huggingface.co/x")).isEqualTo("proxy.example:3128");
		assertThat(proxy(proxies, "https://cdn.example/x")).isEqualTo("proxy.example:3128");
		for (String direct : new String[] { "http://huggingface.co/", "https://localhost/", "https://internal.example/",
				"https://a.internal.example/", "https://cdn.example:8443/" }) {
			assertThat(proxy(proxies, direct)).as(direct).isEqualTo("direct");
		}
		assertThat(proxies.describe(URI.create("https://huggingface.co")))
			.isEqualTo(" through the proxy proxy.example:3128");
		this.environment.put("https_proxy", "socks5://user:secret@proxy.example");
		assertThatExceptionOfType(HubException.class).isThrownBy(this::settings)
			.withMessageContaining("HTTPS_PROXY")
			.withMessageNotContaining("secret");
	}

	private static String proxy(HubProxies proxies, String uri) {
		Proxy proxy = proxies.select(URI.create(uri)).getFirst();
		return (proxy.address() instanceof InetSocketAddress address)
				? address.getHostString() + ":" + address.getPort() : "direct";
	}

	private String header() {
		AccessToken token = settings().token();
		return (token != null) ? token.header() : "";
	}

	private HubSettings settings() {
		return HubSettings.of(this.environment::get, this.home);
	}

}
