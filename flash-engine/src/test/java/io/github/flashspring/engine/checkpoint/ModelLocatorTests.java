package io.github.flashspring.engine.checkpoint;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/**
 * From the name of a model to its folder, with the environment as a map.
 */
class ModelLocatorTests {

	private static final String COMMIT = "0123456789abcdef0123456789abcdef01234567";

	@TempDir
	Path home;

	private final Map<String, String> environment = new HashMap<>();

	@Test
	void foldersAreTakenAsTheyAre() throws IOException {
		Path folder = Files.createDirectory(this.home.resolve("model"));
		assertThat(locate(folder.toString())).isEqualTo(folder);
		assertThat(locate("~/model")).isEqualTo(folder);
	}

	@Test
	void namesAreHubIdsOrFoldersWithoutTheirPath() throws IOException {
		ModelLocator locator = new ModelLocator(this.environment::get, this.home);
		Path folder = Files.createDirectory(this.home.resolve("Qwen3-4B"));
		assertThat(locator.name(folder.toString())).isEqualTo("Qwen3-4B");
		assertThat(locator.name("~/Qwen3-4B/")).isEqualTo("Qwen3-4B");
		assertThat(locator.name(folder + "/../Qwen3-4B/.")).isEqualTo("Qwen3-4B");
		assertThat(locator.name("/no/such/folder")).isEqualTo("folder");
		assertThat(locator.name("org/name")).isEqualTo("org/name");
		assertThat(locator.name("org/name@v2")).isEqualTo("org/name@v2");
		assertThat(locator.name("hf://org/name")).isEqualTo("org/name");
		assertThat(locator.name("src/test")).isEqualTo("test");
		assertThat(locator.name(cached().resolve("snapshots").resolve(COMMIT).toString())).isEqualTo("org/name");
		assertThat(locator.name("/")).isEqualTo("model");
	}

	@Test
	void cacheFollowsTheVariables() {
		ModelLocator locator = new ModelLocator(this.environment::get, this.home);
		assertThat(locator.hubCache()).isEqualTo(this.home.resolve(".cache/huggingface/hub"));
		this.environment.put("XDG_CACHE_HOME", "/xdg");
		assertThat(locator.hubCache()).isEqualTo(Path.of("/xdg/huggingface/hub"));
		this.environment.put("HF_HOME", "~/hf");
		assertThat(locator.hubCache()).isEqualTo(this.home.resolve("hf/hub"));
		this.environment.put("HUGGINGFACE_HUB_CACHE", "/legacy");
		assertThat(locator.hubCache()).isEqualTo(Path.of("/legacy"));
		this.environment.put("HF_HUB_CACHE", "/cache");
		assertThat(locator.hubCache()).isEqualTo(Path.of("/cache"));
		this.environment.put("HF_HUB_CACHE", " ");
		assertThat(locator.hubCache()).isEqualTo(Path.of("/legacy"));
	}

	@Test
	void resolvesRevisions() throws IOException {
		Path repository = cached();
		Path snapshot = repository.resolve("snapshots").resolve(COMMIT);
		assertThat(locate("org/name")).isEqualTo(snapshot);
		assertThat(locate("org/name@main")).isEqualTo(snapshot);
		assertThat(locate("hf://org/name")).isEqualTo(snapshot);
		assertThat(locate("hf://org/name@main")).isEqualTo(snapshot);
		assertThat(locate("org/name@refs/pr/1")).isEqualTo(snapshot);
		assertThat(locate("org/name@" + COMMIT)).isEqualTo(snapshot);
		refuses("org/name@v2", "The revision 'v2' is not in the Hugging Face cache (looked for",
				"flash pull org/name@v2");
	}

	@Test
	void tellsWhatIsNotCached() throws IOException {
		refuses("org/name", "(looked for " + this.home.resolve(".cache/huggingface/hub/models--org--name") + ")",
				"Download it first: flash pull org/name");
		Path repository = cached();
		Files.delete(repository.resolve("snapshots").resolve(COMMIT).resolve("config.json"));
		refuses("org/name", "is incomplete: no config.json", "flash pull org/name");
		Files.writeString(repository.resolve("refs/main"), "../../elsewhere");
		refuses("org/name", "should hold a commit of 40 hexadecimal digits, found '../../elsewhere'", "flash pull");
	}

	@ParameterizedTest
	@ValueSource(strings = { "", " ", "name", "../name", "org/..", "../../etc", "org/name@../../x", "org/name@/etc",
			"org/name@a/../b", "org//name", "org/name/file", "/no/such/folder", "org--x/name", "org/na\u0000me",
			"org\\name", "org/name@", ".org/name" })
	void refusesWhatIsNeitherFolderNorHubId(String model) throws IOException {
		cached();
		refuses(model, "and it is not a hub id either", "org/name@revision");
	}

	@Test
	void saysWhereRelativeFoldersWereLookedFor() throws IOException {
		refuses("name", "'name' (" + Path.of("name").toAbsolutePath() + ")", "org/name@revision");
		refuses("/no/such/folder", "'/no/such/folder', and", "org/name@revision");
	}

	@Test
	void pointsToImportForGgufFiles() throws IOException {
		Path file = Files.createFile(this.home.resolve("model.gguf"));
		refuses(file.toString(), "is a file, not a folder", "flash import " + file);
	}

	private Path cached() throws IOException {
		Path repository = this.home.resolve(".cache/huggingface/hub/models--org--name");
		Path snapshot = Files.createDirectories(repository.resolve("snapshots").resolve(COMMIT));
		Files.writeString(snapshot.resolve("config.json"), "{}");
		Files.createDirectories(repository.resolve("refs/refs/pr"));
		Files.writeString(repository.resolve("refs/main"), COMMIT + "\n");
		Files.writeString(repository.resolve("refs/refs/pr/1"), COMMIT);
		return repository;
	}

	private void refuses(String model, String description, String action) {
		assertThatExceptionOfType(CheckpointException.class).isThrownBy(() -> locate(model))
			.satisfies((ex) -> assertThat(ex.description()).contains(description))
			.satisfies((ex) -> assertThat(ex.action()).contains(action));
	}

	private Path locate(String model) {
		return new ModelLocator(this.environment::get, this.home).locate(model);
	}

}
