package io.github.flashspring.engine.hub;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import io.github.flashspring.engine.checkpoint.HubId;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/**
 * What the cache holds, whoever filled it.
 */
class ModelCacheTests {

	private static final HubId ID = HubId.parse("org/a-name").orElseThrow();

	@TempDir
	Path home;

	private ModelCache cache;

	private Path repository;

	@BeforeEach
	void fill() throws IOException {
		this.cache = new ModelCache(HubSettings.of(Map.of("HF_HOME", this.home.toString())::get, this.home));
		this.repository = this.home.resolve("hub/models--org--a-name");
		blob("config", "{}");
		blob("one", "1".repeat(100));
		blob("two", "2".repeat(10));
		snapshot("1".repeat(40), Map.of("config.json", "config", "model.safetensors", "one"));
		snapshot("2".repeat(40), Map.of("config.json", "config", "model.safetensors", "two"));
		ref("main", "1".repeat(40));
		ref("refs/pr/1", "2".repeat(40));
	}

	@Test
	void snapshotsAreListedWithTheirNamesAndSizes() {
		List<CachedModel> models = this.cache.list();
		assertThat(models).hasSize(2).allMatch(CachedModel::complete);
		assertThat(models).extracting(CachedModel::repository).containsOnly("org/a-name");
		assertThat(models).extracting(CachedModel::revisions)
			.containsExactlyInAnyOrder(List.of("main"), List.of("refs/pr/1"));
		assertThat(models).extracting(CachedModel::bytes).containsExactlyInAnyOrder(102L, 12L);
	}

	@Test
	void modelsWithoutAllWeightsAreIncomplete() throws IOException {
		Files.delete(this.repository.resolve("blobs/one"));
		assertThat(this.cache.list()).filteredOn((model) -> model.revisions().contains("main"))
			.noneMatch(CachedModel::complete);
	}

	@Test
	void foldersOfOtherToolsAreLeftOut() throws IOException {
		Files.createDirectories(this.home.resolve("hub/datasets--org--name/snapshots/" + "1".repeat(40)));
		Files.createDirectories(this.home.resolve("hub/models--org--empty/refs"));
		assertThat(this.cache.list()).hasSize(2);
	}

	@Test
	void removingARevisionKeepsWhatOthersShare() {
		ModelCache.Removal removal = this.cache.remove(ID.at("main").orElseThrow(), false);
		assertThat(removal.freedBytes()).isBetween(100L, 140L);
		assertThat(this.repository.resolve("blobs/one")).doesNotExist();
		assertThat(this.repository.resolve("blobs/config")).exists();
		assertThat(this.repository.resolve("refs/main")).doesNotExist();
		assertThat(this.cache.list()).hasSize(1).allMatch(CachedModel::complete);
	}

	@Test
	void removingAModelLeavesNothing() throws IOException {
		Files.writeString(this.repository.resolve("blobs/x.incomplete"), "part");
		assertThat(this.cache.remove(ID, true).models()).hasSize(2);
		assertThat(this.repository).doesNotExist();
	}

	@Test
	void linksThatLeaveTheRepositoryAreNotFollowed() throws IOException {
		Path precious = Files.writeString(this.home.resolve("precious"), "x");
		Files.createSymbolicLink(this.repository.resolve("snapshots").resolve("1".repeat(40)).resolve("evil.json"),
				precious);
		this.cache.remove(ID.at("main").orElseThrow(), false);
		this.cache.remove(ID, true);
		assertThat(precious).exists();
	}

	@Test
	void whatIsNotThereIsRefusedWithWhatIs() {
		assertThatExceptionOfType(HubException.class)
			.isThrownBy(() -> this.cache.remove(ID.at("v9").orElseThrow(), false))
			.withMessageContainingAll("org/a-name@v9 is not in the cache", "main", "refs/pr/1");
		assertThatExceptionOfType(HubException.class)
			.isThrownBy(() -> this.cache.remove(HubId.parse("org/other").orElseThrow(), true))
			.withMessageContaining("flash list");
	}

	private void blob(String name, String content) throws IOException {
		Files.createDirectories(this.repository.resolve("blobs"));
		Files.writeString(this.repository.resolve("blobs").resolve(name), content);
	}

	private void snapshot(String commit, Map<String, String> files) throws IOException {
		Path folder = Files.createDirectories(this.repository.resolve("snapshots").resolve(commit));
		for (Map.Entry<String, String> file : files.entrySet()) {
			Files.createSymbolicLink(folder.resolve(file.getKey()), Path.of("../../blobs", file.getValue()));
		}
	}

	private void ref(String name, String commit) throws IOException {
		Path ref = this.repository.resolve("refs").resolve(name);
		Files.createDirectories(ref.getParent());
		Files.writeString(ref, commit);
	}

}
