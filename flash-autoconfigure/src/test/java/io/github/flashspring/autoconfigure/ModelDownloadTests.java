package io.github.flashspring.autoconfigure;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.stream.Stream;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.boot.health.contributor.Status;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.context.ApplicationListener;
import org.springframework.context.PayloadApplicationEvent;
import org.springframework.util.FileSystemUtils;

import io.github.flashspring.chat.FlashChatModel;
import io.github.flashspring.engine.checkpoint.HubId;
import io.github.flashspring.engine.checkpoint.MissingModelException;
import io.github.flashspring.engine.hub.DownloadProgress;
import io.github.flashspring.engine.hub.HubException;
import io.github.flashspring.engine.hub.HubSettings;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * A model that an application downloads while it loads it, into a cache of the build.
 */
class ModelDownloadTests {

	private static final String MODEL = "flash-tests/stories";

	private static final String COMMIT = "1".repeat(40);

	private final CountDownLatch weights = new CountDownLatch(1);

	private final Set<String> tokens = ConcurrentHashMap.newKeySet();

	private final List<DownloadProgress> heard = Collections.synchronizedList(new ArrayList<>());

	private HttpServer server;

	private ApplicationContextRunner runner;

	@BeforeEach
	void start() throws IOException {
		removeModel();
		this.server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 10);
		this.server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
		this.server.createContext("/", this::answer);
		this.server.start();
		ApplicationListener<PayloadApplicationEvent<FlashDownloadEvent>> listener = (event) -> this.heard
			.add(event.getPayload().progress());
		this.runner = new ApplicationContextRunner()
			.withConfiguration(AutoConfigurations.of(FlashAutoConfiguration.class, FlashHealthAutoConfiguration.class))
			.withInitializer((context) -> context.addApplicationListener(listener))
			.withPropertyValues("flash.model=" + MODEL, "flash.threads=1", "flash.warm-up=false",
					"flash.hub.endpoint=http://localhost:" + this.server.getAddress().getPort());
	}

	@AfterEach
	void stop() throws IOException {
		this.weights.countDown();
		this.server.stop(0);
		removeModel();
	}

	@Test
	void missingModelIsDownloadedIfThatIsWanted() {
		this.weights.countDown();
		this.runner.withPropertyValues("flash.hub.pull=when-missing", "flash.hub.token=hf_test").run((context) -> {
			assertThat(context).hasNotFailed().hasSingleBean(FlashChatModel.class);
			assertThat(this.heard).isNotEmpty();
			assertThat(this.heard.getLast().complete()).isTrue();
			assertThat(this.tokens).containsExactly("Bearer hf_test");
		});
		this.server.stop(0);
		this.runner.run((context) -> assertThat(context).hasNotFailed());
	}

	@Test
	void missingModelIsAnErrorByDefault() {
		this.runner.run((context) -> {
			assertThat(context).hasFailed();
			assertThat(context.getStartupFailure()).hasRootCauseInstanceOf(MissingModelException.class);
			assertThat(this.tokens).isEmpty();
		});
	}

	@Test
	void healthTellsHowFarTheDownloadIs() {
		this.runner.withPropertyValues("flash.hub.pull=when-missing", "flash.load=background").run((context) -> {
			HealthIndicator indicator = context.getBean(HealthIndicator.class);
			Awaitility.await().until(() -> health(indicator).getDetails().containsKey("download"));
			assertThat(health(indicator).getStatus()).isEqualTo(Status.OUT_OF_SERVICE);
			assertThat(health(indicator).getDetails()).containsEntry("state", "downloading");
			assertThat(health(indicator).getDetails().get("download")).asString().contains(MODEL, "totalBytes=");
			this.weights.countDown();
			Awaitility.await().until(() -> health(indicator).getStatus().equals(Status.UP));
		});
	}

	@Test
	void revisionThatIsNotThereIsNamed() {
		this.runner.withPropertyValues("flash.hub.pull=when-missing", "flash.hub.revision=v9").run((context) -> {
			assertThat(context).hasFailed();
			assertThat(context.getStartupFailure()).rootCause()
				.isInstanceOf(HubException.class)
				.hasMessageContaining("has no revision 'v9'");
		});
	}

	@Test
	void valuesOutOfRangeAreRefusedByName() {
		this.runner.withPropertyValues("flash.hub.pull=when-missing", "flash.hub.max-retries=-1")
			.run((context) -> assertThat(context.getStartupFailure()).hasStackTraceContaining("flash.hub.max-retries"));
	}

	@Test
	void tokenIsInNoTextForm() {
		FlashProperties.Hub hub = new FlashProperties.Hub(FlashProperties.Pull.NEVER, null, "hf_secret", null, null,
				null);
		assertThat(hub.toString()).contains("NEVER").doesNotContain("secret");
	}

	private static Health health(HealthIndicator indicator) {
		return Objects.requireNonNull(indicator.health());
	}

	private static void removeModel() throws IOException {
		FileSystemUtils
			.deleteRecursively(HubSettings.ofSystem().cache().resolve(HubId.parse(MODEL).orElseThrow().folderName()));
	}

	private void answer(HttpExchange exchange) throws IOException {
		try (exchange) {
			String token = exchange.getRequestHeaders().getFirst("Authorization");
			if (token != null) {
				this.tokens.add(token);
			}
			String path = exchange.getRequestURI().getPath();
			if (path.equals("/api/models/" + MODEL + "/revision/main")) {
				send(exchange, ("{\"sha\":\"" + COMMIT + "\"}").getBytes(StandardCharsets.UTF_8));
			}
			else if (path.equals("/api/models/" + MODEL + "/tree/" + COMMIT)) {
				send(exchange, tree().getBytes(StandardCharsets.UTF_8));
			}
			else if (path.startsWith("/" + MODEL + "/resolve/" + COMMIT + "/")) {
				byte[] bytes = Files
					.readAllBytes(Path.of(TestModels.STORIES, path.substring(path.lastIndexOf('/') + 1)));
				if (path.endsWith(".safetensors")) {
					this.weights.await();
				}
				send(exchange, bytes);
			}
			else {
				exchange.getResponseHeaders().set("X-Error-Code", "RevisionNotFound");
				exchange.sendResponseHeaders(404, -1);
			}
		}
		catch (InterruptedException ex) {
			Thread.currentThread().interrupt();
		}
	}

	private static String tree() throws IOException {
		List<String> entries = new ArrayList<>();
		try (Stream<Path> files = Files.list(Path.of(TestModels.STORIES))) {
			for (Path file : files.toList()) {
				byte[] bytes = Files.readAllBytes(file);
				entries.add("{\"type\":\"file\",\"path\":\"%s\",\"size\":%d,\"oid\":\"\",\"lfs\":{\"oid\":\"%s\"}}"
					.formatted(file.getFileName(), bytes.length, sha256(bytes)));
			}
		}
		return "[" + String.join(",", entries) + "]";
	}

	private static String sha256(byte[] bytes) {
		try {
			return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
		}
		catch (NoSuchAlgorithmException ex) {
			throw new IllegalStateException(ex);
		}
	}

	private static void send(HttpExchange exchange, byte[] bytes) throws IOException {
		exchange.sendResponseHeaders(200, bytes.length);
		exchange.getResponseBody().write(bytes);
	}

}
