package io.github.flashspring.engine.checkpoint;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Function;
import java.util.regex.Pattern;

import org.jspecify.annotations.Nullable;

import static io.github.flashspring.engine.checkpoint.CheckpointException.quote;

/**
 * Finds the folder of a model named by a path or by a hub id {@code org/name[@revision]}.
 * Hub ids, also behind {@code hf://}, are looked up in the local cache of the Hugging
 * Face tools, whose place the variables {@code HF_HUB_CACHE}, {@code HF_HOME} and
 * {@code XDG_CACHE_HOME} decide; nothing is downloaded.
 */
public final class ModelLocator {

	private static final Pattern CACHED = Pattern
		.compile("/models--(?<org>[\\w.-]+?)--(?<name>[\\w.-]+)/snapshots/[^/]+$");

	private static final Pattern COMMIT = Pattern.compile("[0-9a-f]{40}");

	private final Function<String, @Nullable String> environment;

	private final Path home;

	/**
	 * A locator for a given environment.
	 * @param environment value of a variable by name, null if it is not set
	 * @param home the user's home folder
	 */
	public ModelLocator(Function<String, @Nullable String> environment, Path home) {
		this.environment = environment;
		this.home = home;
	}

	/**
	 * A locator for the environment of this process.
	 * @return the locator
	 */
	public static ModelLocator ofSystem() {
		return new ModelLocator(System::getenv, Path.of(System.getProperty("user.home", ".")));
	}

	/**
	 * Finds a model.
	 * @param model a folder, or a hub id with an optional revision (branch, tag or
	 * commit; {@code main} without one)
	 * @return an existing folder
	 * @throws CheckpointException if there is none; the message says where was looked
	 */
	public Path locate(String model) {
		Path folder = folder(model);
		if (folder != null && Files.isDirectory(folder)) {
			return folder;
		}
		Optional<HubId> id = HubId.parse(model);
		if (folder != null && Files.exists(folder)) {
			throw new CheckpointException("The model " + quote(model) + " is a file, not a folder.",
					model.endsWith(".gguf") ? "Import it first: flash import " + model + " --out DIR"
							: "Give the folder that holds config.json and *.safetensors.");
		}
		if (id.isEmpty()) {
			throw new CheckpointException(
					"There is no model folder " + quote(model)
							+ ((folder != null && !folder.isAbsolute()) ? " (" + folder.toAbsolutePath() + ")" : "")
							+ ", and it is not a hub id either.",
					"Give an existing folder, or a hub id such as org/name or org/name@revision.");
		}
		return cached(id.get());
	}

	/**
	 * What a model is called: its hub id, or the name of its folder without the path, so
	 * that nothing of this machine is in it. A folder of the Hugging Face cache is called
	 * by its hub id.
	 * @param model a folder, or a hub id with an optional revision
	 * @return the name
	 */
	public String name(String model) {
		Path folder = folder(model);
		Optional<HubId> id = HubId.parse(model);
		if (id.isPresent() && (folder == null || !Files.isDirectory(folder))) {
			return id.get().toString();
		}
		if (folder == null) {
			return model;
		}
		Path path = folder.toAbsolutePath().normalize();
		var cached = CACHED.matcher(path.toString().replace('\\', '/'));
		if (cached.find()) {
			return cached.group("org") + "/" + cached.group("name");
		}
		return (path.getFileName() != null) ? path.getFileName().toString() : "model";
	}

	/**
	 * The cache folder of the Hugging Face tools.
	 * @return the folder that holds {@code models--org--name}; need not exist
	 */
	public Path hubCache() {
		String cache = variable("HF_HUB_CACHE");
		if (cache == null) {
			cache = variable("HUGGINGFACE_HUB_CACHE");
		}
		if (cache != null) {
			return expand(cache);
		}
		return hubHome().resolve("hub");
	}

	/**
	 * The folder of the Hugging Face tools.
	 * @return the folder that holds the cache and the access token; need not exist
	 */
	public Path hubHome() {
		String hubHome = variable("HF_HOME");
		if (hubHome != null) {
			return expand(hubHome);
		}
		String xdg = variable("XDG_CACHE_HOME");
		Path caches = (xdg != null) ? expand(xdg) : this.home.resolve(".cache");
		return caches.resolve("huggingface");
	}

	private Path cached(HubId id) {
		Path repository = hubCache().resolve(id.folderName());
		if (!Files.isDirectory(repository)) {
			throw new MissingModelException(
					"The model " + quote(id.repository())
							+ " is neither a folder nor in the Hugging Face cache (looked for " + repository + ").",
					id);
		}
		Path snapshot = repository.resolve("snapshots").resolve(commit(repository, id));
		if (!Files.isRegularFile(snapshot.resolve("config.json"))) {
			throw new MissingModelException("The cached model " + quote(id.repository())
					+ " is incomplete: no config.json in " + snapshot + " (revision " + quote(id.revision()) + ").",
					id);
		}
		return snapshot;
	}

	private String commit(Path repository, HubId id) {
		Path ref = repository.resolve("refs").resolve(id.revision());
		if (Files.isRegularFile(ref)) {
			String commit;
			try {
				commit = (Files.size(ref) <= 100) ? Files.readString(ref).strip() : "";
			}
			catch (IOException ex) {
				throw Safetensors.unreadable(ref, ex);
			}
			if (!COMMIT.matcher(commit).matches()) {
				throw new MissingModelException("The cache file " + ref
						+ " should hold a commit of 40 hexadecimal digits, found " + quote(commit) + ".", id);
			}
			return commit;
		}
		if (COMMIT.matcher(id.revision()).matches()) {
			return id.revision();
		}
		throw new MissingModelException(
				"The revision " + quote(id.revision()) + " is not in the Hugging Face cache (looked for " + ref + ").",
				id);
	}

	private @Nullable Path folder(String model) {
		if (model.isBlank()) {
			return null;
		}
		try {
			return expand(model);
		}
		catch (InvalidPathException ex) {
			return null;
		}
	}

	private Path expand(String path) {
		if (path.equals("~")) {
			return this.home;
		}
		return path.startsWith("~/") ? this.home.resolve(path.substring(2)) : Path.of(path);
	}

	private @Nullable String variable(String name) {
		String value = this.environment.apply(name);
		return (value == null || value.isBlank()) ? null : value;
	}

}
