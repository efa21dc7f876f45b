package io.github.flashspring.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.ModelfileSettings;
import io.github.flashspring.engine.checkpoint.Staging;
import io.github.flashspring.engine.modelfile.Instruction;
import io.github.flashspring.engine.modelfile.Keyword;
import io.github.flashspring.engine.modelfile.Modelfile;
import io.github.flashspring.engine.modelfile.ModelfileException;

/**
 * Models that {@code flash create} made: a Modelfile each, in
 * {@code ~/.flash/models/NAME/Modelfile}, or below {@code FLASH_HOME} where that is set.
 */
final class ModelStore {

	static final String FILE = "Modelfile";

	private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,79}");

	private final Path home;

	/**
	 * A store below a folder.
	 * @param home Flash's own folder; need not exist
	 */
	ModelStore(Path home) {
		this.home = home;
	}

	/**
	 * {@return the store of this user}
	 */
	static ModelStore ofSystem() {
		String home = System.getenv("FLASH_HOME");
		return new ModelStore((home == null || home.isBlank()) ? Path.of(System.getProperty("user.home", "."), ".flash")
				: Path.of(home));
	}

	/**
	 * {@return Flash's own folder; need not exist}
	 */
	Path home() {
		return this.home;
	}

	/**
	 * Finds a created model.
	 * @param name its name
	 * @return its Modelfile
	 * @throws ModelfileException if that is damaged
	 */
	Optional<Modelfile> find(String name) {
		if (!NAME.matcher(name).matches()) {
			return Optional.empty();
		}
		Path file = file(name);
		return Files.isRegularFile(file) ? Optional.of(Modelfile.read(file)) : Optional.empty();
	}

	/**
	 * {@return the names of all created models, sorted}
	 * @throws IOException if the folder cannot be read
	 */
	List<String> names() throws IOException {
		List<String> names = new ArrayList<>();
		Path models = this.home.resolve("models");
		if (Files.isDirectory(models)) {
			try (DirectoryStream<Path> folders = Files.newDirectoryStream(models)) {
				for (Path folder : folders) {
					String name = folder.getFileName().toString();
					if (NAME.matcher(name).matches() && Files.isRegularFile(folder.resolve(FILE))) {
						names.add(name);
					}
				}
			}
		}
		names.sort(String::compareTo);
		return names;
	}

	/**
	 * Stores a model; one of the same name is replaced at once or not at all.
	 * @param name its name
	 * @param file what it is
	 * @return where it lies
	 * @throws IllegalArgumentException if the name cannot be one
	 * @throws IOException if it cannot be written
	 */
	Path save(String name, Modelfile file) throws IOException {
		if (!NAME.matcher(name).matches()) {
			throw new IllegalArgumentException("'" + name + "' cannot be the name of a model. Use letters, digits, '.',"
					+ " '_' and '-', at most 80, and begin with a letter or digit.");
		}
		byte[] text = file.text().getBytes(StandardCharsets.UTF_8);
		Path target = file(name);
		Files.createDirectories(this.home.resolve("models").resolve(name));
		try (Staging staging = Staging.file(target, text.length)) {
			Files.write(staging.path(), text);
			staging.commit();
		}
		return target;
	}

	/**
	 * The meaning of a Modelfile. Where its FROM names a created model, it goes over that
	 * one.
	 * @param file the file
	 * @param folder that its paths are relative to; null: that of the process
	 * @return the settings, whose FROM is a folder or a hub id
	 * @throws ModelfileException if Flash refuses an instruction
	 */
	ModelfileSettings settings(Modelfile file, @Nullable Path folder) {
		ModelfileSettings settings = ModelfileSettings.of(file, folder);
		Modelfile base = isFolder(settings.model()) ? null : find(settings.model()).orElse(null);
		if (base == null) {
			return settings;
		}
		Modelfile both = file.over(base);
		if (find(both.from().value()).isPresent() && !isFolder(both.from().value())) {
			throw ModelfileException.at(base.source(), both.from().line(),
					"FROM names the created model " + both.from().value() + ".",
					"Create the model " + settings.model() + " again, from a folder or a hub id.");
		}
		return ModelfileSettings.of(both, null);
	}

	/**
	 * Whether a folder with a checkpoint has this name, which goes before a created
	 * model.
	 * @param model a folder, hub id or name
	 * @return whether it is such a folder
	 */
	static boolean isFolder(String model) {
		try {
			return Files.isRegularFile(Path.of(model).resolve("config.json"));
		}
		catch (InvalidPathException ex) {
			return false;
		}
	}

	/**
	 * A Modelfile with nothing but a model.
	 * @param model a folder or hub id
	 * @return the file
	 */
	static Modelfile of(String model) {
		return new Modelfile(model, List.of(Instruction.of(Keyword.FROM, "", model)));
	}

	private Path file(String name) {
		return this.home.resolve("models").resolve(name).resolve(FILE);
	}

}
