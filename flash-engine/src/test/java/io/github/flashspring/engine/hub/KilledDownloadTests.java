package io.github.flashspring.engine.hub;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import io.github.flashspring.engine.checkpoint.HubId;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * A process that is killed while it downloads, and the one after it.
 */
class KilledDownloadTests {

	private static final int SIZE = 2_000_000;

	@TempDir
	Path home;

	/** Bytes on their way to a process when it is killed. */
	private static final int UNDER_WAY = 1 << 17;

	@Test
	void downloadGoesOnWhereAKilledProcessWas() throws Exception {
		byte[] weights = HubTests.random(SIZE, 9);
		try (FakeHub fake = new FakeHub().with("config.json", "{}").with("model.safetensors", weights)) {
			fake.pauseMillis = 20;
			Process child = child(fake.endpoint());
			try {
				Path blobs = this.home.resolve("hub/models--org--name/blobs");
				Path parts = blobs.resolve(FakeHub.sha256(weights) + ".parts.incomplete");
				long end = System.nanoTime() + Duration.ofMinutes(2).toNanos();
				while (arrived(parts, blobs, weights) < SIZE / 4) {
					assertThat(System.nanoTime()).isLessThan(end);
					assertThat(child.isAlive()).isTrue();
					Thread.sleep(10);
				}
				child.destroyForcibly();
				assertThat(child.waitFor(1, TimeUnit.MINUTES)).isTrue();
				long before = arrived(parts, blobs, weights);
				fake.pauseMillis = 0;
				long served = fake.bodyBytes();
				HubSettings settings = settings(this.home, fake.endpoint());
				try (Hub hub = new Hub(settings)) {
					Path snapshot = hub.pull(HubId.parse("org/name").orElseThrow(), (progress) -> {
					});
					assertThat(Files.readAllBytes(snapshot.resolve("model.safetensors"))).isEqualTo(weights);
				}
				// what was under way at the end goes out twice at most
				assertThat(fake.bodyBytes() - served).isBetween(1L, SIZE - before + UNDER_WAY);
				try (Stream<Path> files = Files.list(blobs)) {
					assertThat(files).hasSize(2);
				}
			}
			finally {
				child.destroyForcibly();
			}
		}
	}

	private static long arrived(Path parts, Path blobs, byte[] weights) throws IOException {
		if (!Files.exists(parts)) {
			return 0;
		}
		try (PartMap map = PartMap.open(parts, blobs.resolve(FakeHub.sha256(weights) + ".incomplete"), SIZE, 1)) {
			return map.total();
		}
	}

	private Process child(String endpoint) throws IOException {
		return new ProcessBuilder(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-cp",
				System.getProperty("java.class.path"), Downloader.class.getName(), this.home.toString(), endpoint))
			.inheritIO()
			.start();
	}

	static HubSettings settings(Path home, String endpoint) {
		return HubSettings.of(Map.of("HF_HOME", home.toString(), "HF_ENDPOINT", endpoint)::get, home)
			.tuning(new HubSettings.Tuning(4, 200_000, Duration.ofMillis(1)));
	}

	/** What the child does. */
	static final class Downloader {

		private Downloader() {
		}

		public static void main(String[] args) {
			try (Hub hub = new Hub(settings(Path.of(args[0]), args[1]))) {
				hub.pull(HubId.parse("org/name").orElseThrow(), (progress) -> {
				});
			}
		}

	}

}
