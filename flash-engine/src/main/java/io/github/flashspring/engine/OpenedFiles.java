package io.github.flashspring.engine;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import io.github.flashspring.engine.checkpoint.Checkpoint;
import io.github.flashspring.engine.checkpoint.CheckpointException;
import io.github.flashspring.engine.checkpoint.FileVersion;
import io.github.flashspring.engine.checkpoint.Fingerprint;
import io.github.flashspring.engine.weights.WeightFiles;

/**
 * The files of a model that was loaded, compared with those that its folder holds now.
 */
final class OpenedFiles {

	private static final Logger logger = LoggerFactory.getLogger(FlashEngine.class);

	private final String model;

	private final Checkpoint checkpoint;

	private final WeightFiles files;

	private final Fingerprint fingerprint;

	OpenedFiles(String model, Checkpoint checkpoint, WeightFiles files) {
		this.model = model;
		this.checkpoint = checkpoint;
		this.files = files;
		this.fingerprint = Fingerprint.of(checkpoint);
	}

	/**
	 * {@return whether the folder holds other versions of the files}
	 */
	boolean changed() {
		return !onDisk().equals(opened());
	}

	/** The files of weights when they were opened. */
	Map<Path, FileVersion> opened() {
		return this.checkpoint.versions();
	}

	/**
	 * The files of weights as their paths name them now.
	 * @return versions of those that can be asked
	 */
	Map<Path, FileVersion> onDisk() {
		Map<Path, FileVersion> found = new LinkedHashMap<>();
		for (Path file : opened().keySet()) {
			try {
				FileVersion version = FileVersion.of(file);
				if (version != null) {
					found.put(file, version);
				}
			}
			catch (IOException ex) {
				logger.debug("{} cannot be asked for its version", file, ex);
			}
		}
		return found;
	}

	/**
	 * Checks that the folder holds the model that this engine was loaded with, whatever
	 * happened to its files since.
	 * @throws CheckpointException if it does not, or a file cannot be read
	 */
	void requireSameModel() {
		Path folder = this.checkpoint.folder();
		Optional<Path> different;
		try (Checkpoint now = Checkpoint.open(folder)) {
			different = Fingerprint.of(now).differenceFrom(this.fingerprint).or(() -> this.files.differenceFromRead());
		}
		if (different.isPresent()) {
			throw new CheckpointException(
					"The file " + different.get() + " is not the one that " + this.model + " was loaded with: "
							+ "expected the same config, header and weights, found others.",
					"Restore the file, or restart the application to load another model.");
		}
	}

}
