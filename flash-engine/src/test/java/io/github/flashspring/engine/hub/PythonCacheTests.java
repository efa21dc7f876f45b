package io.github.flashspring.engine.hub;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import io.github.flashspring.engine.checkpoint.HubId;
import io.github.flashspring.engine.checkpoint.ModelLocator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

/**
 * One cache for this client and Python's. Needs a Python with {@code huggingface_hub};
 * the variable {@code FLASH_PYTHON} names it, otherwise it is {@code python3}.
 */
@Tag("slow")
class PythonCacheTests {

	private static final String PYTHON = Optional.ofNullable(System.getenv("FLASH_PYTHON")).orElse("python3");

	private static final HubId ID = HubId.parse("org/name").orElseThrow();

	@TempDir
	Path home;

	@BeforeAll
	static void findPython() throws Exception {
		boolean found;
		try {
			found = new ProcessBuilder(PYTHON, "-c", "import huggingface_hub").redirectErrorStream(true)
				.redirectOutput(ProcessBuilder.Redirect.DISCARD)
				.start()
				.waitFor() == 0;
		}
		catch (IOException ex) {
			found = false;
		}
		assumeTrue(found, PYTHON + " has no huggingface_hub: pip install it, or set FLASH_PYTHON");
	}

	@Test
	void pythonFindsWhatWeDownloaded() throws Exception {
		try (FakeHub fake = hub()) {
			Path snapshot = pull(fake);
			assertThat(python(fake, "snapshot_download('org/name', local_files_only=True)"))
				.isEqualTo(snapshot.toString());
			assertThat(python(fake, "[len(scan_cache_dir().warnings), scan_cache_dir().size_on_disk]"))
				.isEqualTo("[0, " + fake.content().values().stream().mapToInt((bytes) -> bytes.length).sum() + "]");
			long before = fake.bodyBytes();
			python(fake, "snapshot_download('org/name')");
			assertThat(fake.bodyBytes()).isEqualTo(before);
		}
	}

	@Test
	void weFindWhatPythonDownloaded() throws Exception {
		try (FakeHub fake = hub()) {
			String snapshot = python(fake, "snapshot_download('org/name')");
			assertThat(new ModelLocator(environment(fake)::get, this.home).locate("org/name")).hasToString(snapshot);
			long before = fake.bodyBytes();
			assertThat(pull(fake)).hasToString(snapshot);
			assertThat(fake.bodyBytes()).isEqualTo(before);
			assertThat(new ModelCache(settings(fake)).list()).singleElement()
				.satisfies((model) -> assertThat(model.revisions()).containsExactly("main"));
		}
	}

	private static FakeHub hub() throws IOException {
		return new FakeHub().with("config.json", "{\"model_type\":\"llama\"}")
			.with("model.safetensors", HubTests.random(100_000, 1))
			.with("sub/vocab.txt", "a");
	}

	private Path pull(FakeHub fake) {
		try (Hub hub = new Hub(settings(fake))) {
			return hub.pull(ID, (progress) -> {
			});
		}
	}

	private HubSettings settings(FakeHub fake) {
		return HubSettings.of(environment(fake)::get, this.home);
	}

	private Map<String, String> environment(FakeHub fake) {
		return Map.of("HF_HOME", this.home.toString(), "HF_ENDPOINT", fake.endpoint());
	}

	/** Evaluates an expression and returns what it prints. */
	private String python(FakeHub fake, String expression) throws Exception {
		Path out = this.home.resolve("out.txt");
		ProcessBuilder builder = new ProcessBuilder(
				List.of(PYTHON, "-c", "from huggingface_hub import *\nprint(" + expression + ")"))
			.redirectOutput(out.toFile())
			.redirectError(ProcessBuilder.Redirect.INHERIT);
		builder.environment().putAll(environment(fake));
		builder.environment().put("HF_HUB_DISABLE_XET", "1");
		builder.environment().put("HF_HUB_DISABLE_TELEMETRY", "1");
		builder.environment().keySet().removeAll(List.of("HF_HUB_CACHE", "HF_TOKEN", "HF_HUB_OFFLINE"));
		assertThat(builder.start().waitFor()).isZero();
		return Files.readString(out).strip();
	}

}
