package io.github.flashspring.engine.hub;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import io.github.flashspring.engine.checkpoint.HubId;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * All that a process with a token writes while it downloads, with every log turned on.
 */
class TokenLeakTests {

	private static final String TOKEN = "hf_VerySecretToken";

	@TempDir
	Path home;

	@Test
	void logsHoldNeitherTokensNorSignedLinks() throws Exception {
		try (FakeHub fake = new FakeHub().with("config.json", "{}")
			.with("model.safetensors", HubTests.random(100_000, 1))) {
			fake.requiredToken = TOKEN;
			fake.script(List.of(Fault.NONE, Fault.BUSY, Fault.NONE, Fault.NONE, Fault.EXPIRED, Fault.NONE, Fault.CUT));
			String log = run(fake);
			assertThat(log).contains("/resolve/" + FakeHub.COMMIT, "/signed/", "again in", "downloaded to");
			assertThat(log).doesNotContain("VerySecret", "signature");
		}
	}

	@Test
	void failuresHoldNoTokens() throws Exception {
		try (FakeHub fake = new FakeHub().with("config.json", "{}").with("model.safetensors", "x")) {
			fake.requiredToken = "hf_another";
			String log = run(fake);
			assertThat(log).contains("HubException", "Check HF_TOKEN").doesNotContain("VerySecret");
		}
	}

	private String run(FakeHub fake) throws IOException, InterruptedException {
		Path output = this.home.resolve("log.txt");
		ProcessBuilder builder = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
				"-Dorg.slf4j.simpleLogger.defaultLogLevel=trace", "-cp", System.getProperty("java.class.path"),
				Downloader.class.getName())
			.redirectErrorStream(true)
			.redirectOutput(output.toFile());
		builder.environment()
			.putAll(Map.of("HF_TOKEN", TOKEN, "HF_HOME", this.home.resolve("hf").toString(), "HF_ENDPOINT",
					fake.endpoint()));
		builder.environment().keySet().removeAll(List.of("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HUB_OFFLINE"));
		builder.start().waitFor();
		return Files.readString(output);
	}

	/** What the child does. */
	static final class Downloader {

		private Downloader() {
		}

		public static void main(String[] args) {
			HubSettings settings = HubSettings.ofSystem();
			System.out.println(settings);
			try (Hub hub = new Hub(settings)) {
				System.out
					.println("downloaded to " + hub.pull(HubId.parse("org/name").orElseThrow(), System.out::println));
			}
		}

	}

}
