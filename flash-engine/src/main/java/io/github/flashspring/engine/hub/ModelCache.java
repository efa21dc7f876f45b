package io.github.flashspring.engine.hub;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.checkpoint.Checkpoint;
import io.github.flashspring.engine.checkpoint.HubId;

/**
 * What models the cache of the Hugging Face tools holds, whoever downloaded them.
 */
public final class ModelCache {

	private static final String PREFIX = "models--";

	private static final long MAX_REF = 100;

	private final Path cache;

	/**
	 * A cache.
	 * @param settings say where it is
	 */
	public ModelCache(HubSettings settings) {
		this.cache = settings.cache();
	}

	/**
	 * Lists the snapshots that hold a config: other downloads are no models.
	 * @return by name, the latest first
	 * @throws HubException if the cache cannot be read
	 */
	public List<CachedModel> list() {
		List<CachedModel> models = new ArrayList<>();
		try {
			for (Path folder : entries(this.cache, PREFIX + "*--*")) {
				String repository = name(folder).substring(PREFIX.length()).replaceFirst("--", "/");
				if (HubId.parse(repository).isPresent()) {
					models.addAll(snapshots(repository, folder));
				}
			}
		}
		catch (IOException ex) {
			throw failure("read", ex);
		}
		models.sort(Comparator.comparing(CachedModel::repository)
			.thenComparing(Comparator.comparing(CachedModel::modified).reversed()));
		return models;
	}

	/**
	 * Removes a model, or one revision of it, with the blobs that nothing else links to.
	 * @param id the model
	 * @param all whether all revisions go, and all that interrupted downloads left
	 * @return what was removed
	 * @throws HubException if it is not there, or cannot be removed
	 */
	public Removal remove(HubId id, boolean all) {
		Path folder = this.cache.resolve(id.folderName());
		try {
			List<CachedModel> present = Files.isDirectory(folder) ? snapshots(id.repository(), folder) : List.of();
			List<CachedModel> gone = present.stream()
				.filter((model) -> all || model.revisions().contains(id.revision())
						|| model.commit().equals(id.revision()))
				.toList();
			if (gone.isEmpty() && !(all && Files.isDirectory(folder))) {
				throw new HubException(
						"The model " + id + " is not in the cache " + this.cache + "."
								+ (present.isEmpty() ? "" : " There are: " + revisions(present) + "."),
						"'flash list' shows what is there.");
			}
			long before = size(folder);
			if (all) {
				ModelOutline.remove(folder);
				ModelOutline.remove(this.cache.resolve(".locks").resolve(id.folderName()));
			}
			else {
				removeSnapshots(folder, gone);
			}
			return new Removal(gone, before - size(folder));
		}
		catch (IOException ex) {
			throw failure("changed", ex);
		}
	}

	private static String revisions(List<CachedModel> models) {
		return String.join(", ",
				models.stream()
					.map((model) -> model.revisions().isEmpty() ? model.commit() : String.join(", ", model.revisions()))
					.toList());
	}

	private void removeSnapshots(Path folder, List<CachedModel> gone) throws IOException {
		Set<Path> candidates = new HashSet<>();
		for (CachedModel model : gone) {
			candidates.addAll(blobs(model.folder()));
			// a name first, so that nobody finds half a snapshot by it
			for (String revision : model.revisions()) {
				Files.deleteIfExists(folder.resolve("refs").resolve(revision));
			}
			ModelOutline.remove(model.folder());
		}
		for (Path other : entries(folder.resolve("snapshots"), "*")) {
			candidates.removeAll(blobs(other));
		}
		for (Path blob : candidates) {
			Files.deleteIfExists(blob);
		}
	}

	/**
	 * {@return the blobs of this repository that a snapshot links to}
	 */
	private static Set<Path> blobs(Path snapshot) throws IOException {
		Path repository = snapshot.resolve("../..").normalize();
		Path blobs = repository.resolve("blobs");
		Set<Path> linked = new HashSet<>();
		try (Stream<Path> files = Files.walk(snapshot)) {
			for (Path file : files.filter(Files::isSymbolicLink).toList()) {
				Path target = file.resolveSibling(Files.readSymbolicLink(file)).normalize();
				if (blobs.equals(target.getParent())) {
					linked.add(target);
				}
			}
		}
		return linked;
	}

	private static List<CachedModel> snapshots(String repository, Path folder) throws IOException {
		Map<String, List<String>> refs = refs(folder.resolve("refs"));
		List<CachedModel> models = new ArrayList<>();
		for (Path snapshot : entries(folder.resolve("snapshots"), "*")) {
			if (Files.isRegularFile(snapshot.resolve("config.json")) || !safetensors(snapshot).isEmpty()) {
				models.add(model(repository, snapshot, refs.getOrDefault(name(snapshot), List.of())));
			}
		}
		return models;
	}

	private static List<Path> safetensors(Path snapshot) throws IOException {
		return entries(snapshot, "*.safetensors");
	}

	private static CachedModel model(String repository, Path snapshot, List<String> revisions) throws IOException {
		long bytes = 0;
		Instant modified = Instant.EPOCH;
		try (Stream<Path> files = Files.walk(snapshot)) {
			for (Path file : files.filter(Files::isRegularFile).toList()) {
				bytes += Files.size(file);
				Instant time = Files.getLastModifiedTime(file, LinkOption.NOFOLLOW_LINKS).toInstant();
				modified = time.isAfter(modified) ? time : modified;
			}
		}
		return new CachedModel(repository, name(snapshot), revisions, snapshot, bytes, modified,
				Checkpoint.isComplete(snapshot));
	}

	/**
	 * {@return the names of each commit}
	 */
	private static Map<String, List<String>> refs(Path folder) throws IOException {
		Map<String, List<String>> refs = new TreeMap<>();
		if (!Files.isDirectory(folder)) {
			return refs;
		}
		try (Stream<Path> files = Files.walk(folder)) {
			for (Path file : files.filter(Files::isRegularFile).sorted().toList()) {
				if (Files.size(file) <= MAX_REF) {
					refs.computeIfAbsent(Files.readString(file).strip(), (commit) -> new ArrayList<>())
						.add(folder.relativize(file).toString().replace('\\', '/'));
				}
			}
		}
		return refs;
	}

	private static List<Path> entries(Path folder, String pattern) throws IOException {
		List<Path> found = new ArrayList<>();
		try (DirectoryStream<Path> entries = Files.newDirectoryStream(folder, pattern)) {
			entries.forEach(found::add);
		}
		catch (NoSuchFileException ex) {
			return List.of();
		}
		return found;
	}

	/**
	 * {@return what the files of a folder take, links not followed}
	 */
	private static long size(Path folder) throws IOException {
		if (!Files.isDirectory(folder)) {
			return 0;
		}
		long bytes = 0;
		try (Stream<Path> files = Files.walk(folder)) {
			for (Path file : files.filter((path) -> Files.isRegularFile(path, LinkOption.NOFOLLOW_LINKS)).toList()) {
				bytes += Files.size(file);
			}
		}
		return bytes;
	}

	private HubException failure(String done, IOException cause) {
		return new HubException("The cache " + this.cache + " cannot be " + done + " (" + cause + ").",
				"Check its permissions; HF_HUB_CACHE names another folder.", cause);
	}

	private static String name(@Nullable Path path) {
		return (path != null && path.getFileName() != null) ? path.getFileName().toString() : "";
	}

	/**
	 * What was removed.
	 *
	 * @param models the snapshots
	 * @param freedBytes space that is free now
	 */
	public record Removal(List<CachedModel> models, long freedBytes) {

		public Removal {
			models = List.copyOf(models);
		}

	}

}
